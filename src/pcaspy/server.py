"""SimpleServer: serves the PVs of pvdb dicts."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import access, cas, pvdb, registry
from ._engine import Server
from .dispatch import Dispatcher
from .options import ServerOptions, resolve
from .pv import SimplePV

if TYPE_CHECKING:
    from typing_extensions import Unpack

_log = logging.getLogger("pcaspy.SimpleServer")

_registries: weakref.WeakSet[registry.Registry] = weakref.WeakSet()


class _Default:
    """The server made last, if it still exists."""

    server: weakref.ref[SimpleServer] | None = None


class _Static:
    """A method that called on the class works on the server made last."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, server: SimpleServer | None, kind: type) -> Callable[..., Any]:
        if server is None:
            server = default_server()
        return functools.partial(self._function, server)


class SimpleServer(cas.caServer):
    """A Channel Access server.

    It begins to serve with the first `process()`, `start()` or ``with`` block. The
    ``EPICS_CAS_`` and ``EPICS_CA_`` variables of the environment say where; keywords go
    first.

    Args:
        port: Port for searches and connections, instead of EPICS_CAS_SERVER_PORT. If it
            is taken, connections use another one. 0: any free ports.
        interfaces: Addresses to serve on; empty for all.
        options: Limits, each a keyword as in `Limits`, and udp_port, tcp_port, ignored,
            beacon_addresses, auto_beacon_addresses, beacon_port, beacon_period,
            multicast_ttl. A limit that is no keyword may be set by the environment.

    Raises:
        TypeError: There is no such option.
        ValueError: A limit is not a number that is allowed, here or in the environment.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        interfaces: list[str] | None = None,
        **options: Unpack[ServerOptions],
    ) -> None:
        given: dict[str, Any] = {**options}
        if port is not None:
            given = {"udp_port": port, "tcp_port": port, **given}
        if interfaces is not None:
            given["interfaces"] = interfaces
        self._engine = Server(resolve(given))
        for warning in self._engine.warnings:
            _log.warning("%s", warning)
        self._registry = registry.claim(self._engine)
        self._registry.dispatcher = Dispatcher(self._registry, weakref.ref(self))
        kind = type(self)
        self._engine.set_search_by_request(
            kind.pvExistTest is not SimpleServer.pvExistTest
        )
        self._engine.set_attach_by_request(kind.pvAttach is not SimpleServer.pvAttach)
        self._registry.closed = False
        self._registry.serve(self._engine)
        _Default.server = weakref.ref(self)
        _registries.add(self._registry)

    def __del__(self) -> None:
        # At the interpreter's end _close_all has done all this, and a thread that is
        # not run any more may hold a lock of it for ever.
        if "_registry" not in self.__dict__ or sys.is_finalizing():
            return
        self._registry.shut()
        self._registry.engine = None
        if self._registry.closed:
            registry.discard(self._registry)

    def start(self) -> None:
        """Binds the sockets and begins to serve; after `close()` again.

        Raises:
            OSError: An address or port cannot be used.
        """
        self._registry.closed = False
        self._engine.start()
        self._registry.scanner.start()
        access.server_started(self._engine)

    def close(self) -> None:
        """Ends serving and disconnects all clients. PVs and their values stay."""
        self._registry.closed = True
        self._registry.shut()

    def __enter__(self) -> SimpleServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def tcp_port(self) -> int:
        """Where clients connect to; 0 while not serving."""
        return self._engine.tcp_port

    @property
    def udp_port(self) -> int:
        """Where searches are answered; 0 while not serving."""
        return self._engine.udp_port

    def stats(self) -> dict[str, int]:
        """Counters by name: what there is, what was done, refused and dropped.

        The reference has a table of them. Any thread, also after `close()`.
        """
        return self._engine.stats()

    def pvExistTest(self, context: Any, addr: Any, fullname: str) -> Any:
        """Whether `fullname` is served. Called by process() only if overridden.

        Returns:
            pverExistsHere, pverDoesNotExistHere, or a PV.
        """
        if fullname in self._registry.pvf:
            return cas.pverExistsHere
        return cas.pverDoesNotExistHere

    def pvAttach(self, context: Any, fullname: str) -> Any:
        """The PV of that name, or a status. Called by process() only if overridden."""
        return self._registry.pvf.get(fullname, cas.S_casApp_pvNotFound)

    @_Static
    def createPV(self, prefix: str, pvdb: Mapping[str, Mapping[str, Any]]) -> None:
        """Serves a PV for each entry of `pvdb`, named `prefix` + key. At any time.

        Called on the class it acts on the server made last.

        Raises:
            ValueError: An entry is wrong; none of them is served then.
        """
        _create(registry.current() if self is None else self._registry, prefix, pvdb)

    @_Static
    def process(self, delay: float) -> None:
        """Handles what clients want from the drivers, for `delay` seconds.

        `read` and `write` of drivers are called in here, in the calling thread. After
        `close()` it only waits. Called on the class it acts on the server made last.
        """
        if self is None:
            time.sleep(delay)
            return
        end = time.monotonic() + delay
        if not self._registry.closed:
            if not self._engine.running:
                self.start()
            self._engine.process(delay, self._registry.dispatcher)
        time.sleep(max(end - time.monotonic(), 0.0))

    @_Static
    def initAccessSecurityFile(self, filename: str, **subst: str) -> None:
        """Replaces the rules of access security, which hold for the whole process.

        At any time, before or after `createPV`, and again. Clients are told of their
        new rights. Inputs of rules are found as `cas.asCaStart` says.

        Args:
            filename: An access security file.
            subst: Macros of the file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not valid: file, line and reason. The old rules stay.
        """
        cas.asInitFile(filename, access.as_definitions(subst))
        cas.asCaStart()


def default_server() -> SimpleServer | None:
    """The server made last, if there still is one."""
    return None if _Default.server is None else _Default.server()


def _create(
    target: registry.Registry, prefix: str, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    with registry.collector_held(len(entries)):
        infos = list(pvdb.parse(prefix, entries))
        target.add([SimplePV(info.name, info) for info in infos])


def _close_all() -> None:
    for held in list(_registries):
        held.closed = True
        held.shut()


# Registries between _before_fork and what follows it.
_forking: list[registry.Registry] = []


def _before_fork() -> None:
    for held in list(_registries):
        if held.engine is not None:
            held.engine.prepare_fork()
            _forking.append(held)


def _after_fork_in_parent() -> None:
    while _forking:
        engine = _forking.pop().engine
        if engine is not None:
            engine.after_fork_in_parent()


def _after_fork_in_child() -> None:
    while _forking:
        _forking.pop().after_fork_in_child()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
