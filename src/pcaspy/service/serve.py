"""A server for the PVs that a file defines: what ``pcaspy serve`` runs.

A .yaml or .json file that changes while it is served is taken over in place: PVs whose
fields are as before keep their clients and values. A .py file has code in it, perhaps
with threads: there the whole program restarts. Where something is wrong in one of the
files, nothing of them is taken over.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ..control.metrics_http import Metrics
from ..driver import Driver
from ..host.notify import service_manager
from ..host.summary import ports
from ..served.manager import manager
from ..served.pvdb import parse
from ..server import SimpleServer
from .definition import Definition, DefinitionError, Stamp, hints, stamp_of
from .module import describe_failure
from .read import read

__all__ = ["AccessFile", "Service", "log_hints"]

_log = logging.getLogger("pcaspy.serve")
_TURN = 0.1  # seconds in process() before the next look at the clock
_LOOK = 0.5  # seconds between two looks at the file


@dataclass
class AccessFile:
    """A file with rules of access security, and the macros in it."""

    path: Path
    macros: Mapping[str, str] = field(default_factory=dict)

    def load(self, server: SimpleServer) -> None:
        """Replaces the rules.

        Raises:
            DefinitionError: The file cannot be read or is wrong; the old rules stay.
        """
        try:
            server.initAccessSecurityFile(str(self.path), **self.macros)
        except (OSError, ValueError) as error:
            raise DefinitionError(str(error)) from error


class Service:
    """A server and the drivers of a definition.

    Args:
        definition: What to serve.
        prefix: Stays the prefix whatever the file will say.
        access: Rules of access security.
        status: Prefix of status PVs; None for none.
        of_server: Options of the server; None for what the environment says.

    Raises:
        ImportError: PVAccess needs pvxslibs.
        DefinitionError: A driver of the file cannot be made, the access file or an
            option of the server is wrong, or a status PV has the name of a PV of the
            file.
    """

    def __init__(
        self,
        definition: Definition,
        prefix: str | None = None,
        access: AccessFile | None = None,
        *,
        status: str | None = None,
        **of_server: Any,
    ) -> None:
        self.definition = definition
        self._prefix = prefix
        self._access = access
        # Of the files as they were read: what changes from here on is reloaded.
        self._seen = [definition.stamp, *self._stamps()[1:]]
        try:
            self.server = SimpleServer(defined=True, **of_server)
        except ValueError as error:  # of the environment
            raise DefinitionError(str(error)) from error
        self.server.createPV(definition.prefix, definition.pvdb)
        self._drivers: dict[str, Driver] = {}
        if status is not None:
            try:
                self.server.add_status(status)
            except (TypeError, ValueError) as error:
                raise DefinitionError(f"status PVs: {error}") from None
        if access is not None:
            access.load(self.server)
        self._make_drivers()
        self._manager = service_manager(self.server._pcaspy)  # noqa: SLF001
        self._hung_up = False

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

    def hang_up(self) -> None:
        """Has the files reloaded soon. For handlers of signals."""
        self._hung_up = True

    def run(self, reload: bool = False) -> None:
        """Serves until an exception, such as KeyboardInterrupt, ends it.

        Args:
            reload: Whether to look for changes of the files and serve them.
        """
        next_look = time.monotonic() + _LOOK
        while True:
            self.server.process(_TURN)
            wanted, self._hung_up = self._hung_up, False
            if reload and time.monotonic() >= next_look:
                next_look = time.monotonic() + _LOOK
                wanted = wanted or self._stamps() != self._seen
            if wanted:
                self._seen = self._stamps()
                self.reload()

    def _stamps(self) -> list[Stamp | None]:
        files = [self.definition.path]
        if self._access is not None:
            files.append(self._access.path)
        return [stamp_of(path) for path in files]

    def reload(self) -> None:
        """Takes over the files; if one is wrong nothing changes."""
        if self._manager is not None:
            self._manager.reloading()
        also = ""
        try:
            self._reload()
        except DefinitionError as error:
            _log.error("not reloaded\n%s", error)
            also = "; not reloaded, see the log"
        if self._manager is not None:
            self._manager.ready(also)

    def _reload(self) -> None:
        path = self.definition.path
        if path.suffix == ".py":
            self._check_module(path)
            self._load_access()
            self._begin_anew()
        new = read(path, self._prefix)
        try:
            self._check_names(new)
        except ValueError as error:
            raise DefinitionError(str(error)) from None
        log_hints(new)
        self._load_access()
        self._take_over(new)
        _log.info("reloaded %s: %d PVs", path, len(new.pvdb))

    def _load_access(self) -> None:
        if self._access is not None:
            self._access.load(self.server)

    def _check_names(self, new: Definition) -> None:
        """None of them is that of a status PV."""
        for info in parse(new.prefix, new.pvdb):
            for reason in info.reason, *info.alias:
                self.server._pcaspy.check_name(new.prefix + reason)  # noqa: SLF001

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

    def _check_module(self, path: Path) -> None:
        """Whether another process can serve it; this one continues meanwhile.

        Raises:
            DefinitionError: It cannot.
        """
        command = [sys.executable, "-m", "pcaspy", "check", str(path)]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as printed:
            with subprocess.Popen(command, stdout=printed, stderr=said) as check:
                try:
                    while check.poll() is None:
                        self.server.process(_TURN)
                except BaseException:
                    check.kill()
                    raise
            said.seek(0)
            printed.seek(0)
            if check.returncode or not printed.read().rstrip().endswith(b" PVs"):
                why = said.read().decode(errors="replace").rstrip()
                raise DefinitionError(
                    why or f"{path}: it ends the program (status {check.returncode})"
                )

    def _begin_anew(self) -> NoReturn:
        """Replaces this process by one with the same command."""
        _log.info("beginning anew with %s", self.definition.path)
        if self._manager is not None:
            self._manager.stays = True
        self.server.close()
        if hasattr(signal, "SIGHUP"):  # until the next program has a handler
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
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
