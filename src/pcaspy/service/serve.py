"""A server for the PVs that a file defines: what ``pcaspy serve`` runs.

A .yaml or .json file that changes while it is served is taken over in place: PVs whose
fields are as before keep their clients and values. A .py file has code in it, perhaps
with threads: there the whole program restarts.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from ..control.metrics_http import Metrics
from ..driver import Driver
from ..host.summary import ports
from ..served.manager import manager
from ..server import SimpleServer
from .definition import Definition, DefinitionError, hints, stamp_of
from .module import describe_failure
from .read import read

__all__ = ["Service", "log_hints"]

_log = logging.getLogger("pcaspy.serve")
_TURN = 0.1  # seconds in process() before the next look at the clock
_LOOK = 0.5  # seconds between two looks at the file


class Service:
    """A server and the drivers of a definition.

    Args:
        definition: What to serve.
        prefix: Stays the prefix whatever the file will say.
        of_server: Options of the server; None for what the environment says.

    Raises:
        ImportError: PVAccess needs pvxslibs.
        DefinitionError: A driver of the file cannot be made.
    """

    def __init__(
        self,
        definition: Definition,
        prefix: str | None = None,
        **of_server: Any,
    ) -> None:
        self.definition = definition
        self._prefix = prefix
        self.server = SimpleServer(defined=True, **of_server)
        self.server.createPV(definition.prefix, definition.pvdb)
        self._drivers: dict[str, Driver] = {}
        self._make_drivers()

    def __enter__(self) -> Service:
        self.server.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.close()

    def where(self) -> str:
        """The ports that clients use."""
        held = self.server._pcaspy  # noqa: SLF001
        return ports(held.engine, held.pva)

    def serve_metrics(self, port: int, name: str) -> Metrics:
        """Serves the counters for Prometheus, until it is closed.

        Raises:
            ImportError: prometheus_client is not installed.
            OSError: The port cannot be used.
        """
        held = self.server._pcaspy  # noqa: SLF001
        return Metrics(port, name, self.server.stats, held.pva is not None)

    def run(self, reload: bool = False) -> None:
        """Serves until an exception, such as KeyboardInterrupt, ends it.

        Args:
            reload: Whether to look for changes of the file and serve them.
        """
        seen = self.definition.stamp
        next_look = time.monotonic() + _LOOK
        while True:
            self.server.process(_TURN)
            if not reload or time.monotonic() < next_look:
                continue
            stamp = stamp_of(self.definition.path)
            if stamp != seen:
                seen = stamp
                self.reload()
            next_look = time.monotonic() + _LOOK

    def reload(self) -> None:
        """Takes over the file as it is now; if it is wrong all stays as it is."""
        path = self.definition.path
        if path.suffix == ".py":
            self._begin_anew()
            return
        try:
            new = read(path, self._prefix)
        except DefinitionError as error:
            _log.error("not reloaded\n%s", error)
            return
        log_hints(new)
        self._take_over(new)
        _log.info("reloaded %s: %d PVs", path, len(new.pvdb))

    def _make_drivers(self) -> None:
        """A driver for each port that has none: of the file's class, or a plain one."""
        for port in self.definition.ports() - self._drivers.keys():
            kind = self.definition.drivers.get(port)
            if kind is None:
                kind = type("Driver", (Driver,), {"port": port})
            self._drivers[port] = self._make_driver(kind)

    def _make_driver(self, kind: type[Driver]) -> Driver:
        try:
            return kind()
        except Exception as error:
            raise describe_failure(self.definition.path, error) from error

    def _take_over(self, new: Definition) -> None:
        old, self.definition = self.definition, new
        before = {old.prefix + reason: spec for reason, spec in old.pvdb.items()}
        after = {new.prefix + reason: spec for reason, spec in new.pvdb.items()}
        for name in before.keys() - after.keys():
            _remove(name)
        changed = {
            reason: spec
            for reason, spec in new.pvdb.items()
            if before.get(new.prefix + reason) != spec
        }
        for reason in changed:
            if new.prefix + reason in before:
                _remove(new.prefix + reason)
        self.server.createPV(new.prefix, changed)
        self._make_drivers()

    def _begin_anew(self) -> None:
        """Replaces this process by one with the same command, if that can serve."""
        path = self.definition.path
        command = [sys.executable, "-m", "pcaspy", "check", str(path)]
        checked = subprocess.run(command, capture_output=True, text=True)
        if checked.returncode:
            _log.error("not reloaded\n%s", checked.stderr.rstrip())
            return
        _log.info("%s has changed, beginning anew", path)
        self.server.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "pcaspy", *sys.argv[1:]])


def _remove(name: str) -> None:
    pv = manager.pvf.pop(name)
    info = pv.info
    table: Mapping[str, Any] = manager.pvs[info.port]
    if table.get(info.reason) is pv:
        del manager.pvs[info.port][info.reason]
    driver = manager.driver.get(info.port)
    if driver is not None:
        driver.pvDB.pop(info.reason, None)


def log_hints(definition: Definition) -> None:
    """Says which fields have no effect."""
    for hint in hints(definition):
        _log.warning("%s", hint)
