"""One line about what a server did, refused and dropped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from ..native._server import Server
from ..native._tables import counters

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from ..native._pva import Pva

_log = logging.getLogger("pcaspy.SimpleServer")

PERIOD = 60.0  # seconds between two lines while something is refused

# What the operator should know of when it grows, and how the line calls it.
_TROUBLE = {name: meaning for name, kind, meaning in counters() if kind == "trouble"}


def text(stats: Mapping[str, int], before: Mapping[str, int]) -> str:
    """What there is now, and what was refused since `before`."""
    line = (
        f"{stats['circuits']} circuits (most {stats['circuits_peak']}),"
        f" {stats['channels']} channels, {stats['subscriptions']} subscriptions,"
        f" {stats['pvs']} PVs; updates {stats['updates']},"
        f" replaced by newer {stats['updates_merged']}"
    )
    grown = trouble(stats, before)
    if grown:
        line += "; " + ", ".join(f"{_TROUBLE[name]} {n}" for name, n in grown.items())
    return line


def trouble(stats: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """How much each counter of what went wrong has grown."""
    grown = {name: stats.get(name, 0) - before.get(name, 0) for name in _TROUBLE}
    return {name: count for name, count in grown.items() if count}


def counted(pvs: int) -> str:
    """How many PVs, in words."""
    return "1 PV" if pvs == 1 else f"{pvs} PVs"


def announcement(engine: Server, pva: Pva | None, pvs: int) -> str:
    """The line that a server prints when it starts to serve."""
    where = ", ".join(engine.interfaces) or "all addresses"
    return f"serving {counted(pvs)} on {where}: {ports(engine, pva)}; Ctrl-C ends it"


def ports(engine: Server, pva: Pva | None) -> str:
    """Where clients find a server."""
    text = f"searches on UDP port {engine.udp_port}, connections on TCP port"
    text += f" {engine.tcp_port}"
    if pva is None:
        return text
    return f"{text}; PVAccess on UDP port {pva.udp_port}, TCP port {pva.tcp_port}"


class Summary:
    """Logs the counters at the end, and once per PERIOD in which something was refused.

    Called by the thread that processes the server.
    """

    def __init__(self, stats: Callable[[], dict[str, int]]) -> None:
        self._stats = stats
        self._before: dict[str, int] = {}
        self.last_turn = time.monotonic()  # on its clock
        self._next = self.last_turn + PERIOD

    def turn(self) -> None:
        """Once per batch of requests."""
        now = self.last_turn = time.monotonic()
        if now < self._next:
            return
        self._next = now + PERIOD
        stats = self._stats()
        if trouble(stats, self._before):
            _log.warning("%s", text(stats, self._before))
            self._before = stats

    def end(self) -> None:
        """Before the server closes. Of interest only if not all went well."""
        stats = self._stats()
        level = logging.INFO if trouble(stats, {}) else logging.DEBUG
        _log.log(level, "closes: %s", text(stats, {}))
        self._before = stats
