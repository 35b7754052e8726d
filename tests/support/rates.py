"""How fast one client is served, for comparison within one run."""

from __future__ import annotations

import statistics
import time

from . import dbr
from .wire import ECA_NORMAL, READ_NOTIFY, Channel, Circuit, pack

BATCH = 1000
SLICES = 25


def gets_per_second(circuit: Circuit, channel: Channel) -> float:
    """Gets of a LONG, `BATCH` outstanding; a median, so that pauses do not count."""
    request = b"".join(
        pack(READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=n)
        for n in range(BATCH)
    )
    rates = []
    for _ in range(SLICES):
        start = time.perf_counter()
        circuit.send(request)
        for n in range(BATCH):
            circuit.expect(READ_NOTIFY, p1=ECA_NORMAL, p2=n)
        rates.append(BATCH / (time.perf_counter() - start))
    return statistics.median(rates)
