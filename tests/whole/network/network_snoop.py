"""`pcaspy snoop` on a host: `snoop(host)`, and the reports that it prints."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from network_hosts import Host

from support.environment import without_epics

SECONDS = 60.0  # only against hanging
Look = dict[str, Any]


class Snoop:
    """The command at work; a thread takes its lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def wait_for(self, holds: Callable[[Look], Any]) -> Look:
        """The first report for which that holds."""
        deadline = time.monotonic() + SECONDS
        seen = None
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                seen = json.loads(self._lines.get(timeout=1))
                if holds(seen):
                    return dict(seen)
        raise AssertionError(f"not in time; the last report: {seen}")

    def now(self) -> Look:
        """A report of what there was until this call."""
        begin = time.time()
        return self.wait_for(lambda report: report["time"] > begin)

    def name(self, name: str, state: str, servers: int | None = None) -> Look:
        """What it says of a name, once that is so."""

        def found(report: Look) -> list[Look]:
            return [
                row
                for row in report["names"]
                if (row["name"], row["state"]) == (name, state)
                and servers in (None, len(row["servers"]))
            ]

        return found(self.wait_for(found))[0]


@contextlib.contextmanager
def snoop(host: Host, *options: str, **environment: str) -> Iterator[Snoop]:
    """Until the end of the block; then it must have ended well."""
    command = [sys.executable, "-m", "pcaspy", "snoop", "--json", "--period", "0.2"]
    with subprocess.Popen(
        host.command(*command, *options),
        env={**without_epics(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "Ctrl-C ends it" in first, first + process.stderr.read()
        try:
            yield Snoop(process)
        finally:
            process.send_signal(2)
            process.wait(SECONDS)
    assert process.returncode == 0
