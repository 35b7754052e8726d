"""SimpleServer: serves the PVs of pvdb dicts."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import cas
from .host import access, summary
from .host.options import ServerOptions, resolve
from .host.signals import ended_by_signals
from .native._server import Server
from .served.pv import SimplePV
from .served.pvdb import parse
from .served.pvdb_fields import PVSpec
from .served.registry import Registry, claim, last, last_server
from .served.requests import DriverDispatcher
from .served.tables import collector_held

if TYPE_CHECKING:
    from typing_extensions import Unpack


_TURN = 0.1  # seconds in process() where nobody says


class _Static:
    """A method that called on the class works on the server made last."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, server: SimpleServer | None, kind: type) -> Callable[..., Any]:
        if server is None:
            server = last_server()
        if server is not None:
            return types.MethodType(self._function, server)

        @functools.wraps(self._function)
        def without_server(*args: Any, **kargs: Any) -> Any:
            return self._function(None, *args, **kargs)

        return without_server


# pyright: reportSelfClsParameterName=false
# As type checkers see it, such a method is a class method.
if TYPE_CHECKING:
    _static = classmethod
else:
    _static = _Static


def _host(server: Callable[[], Any], options: dict[str, Any]) -> Registry:
    """What serves a new server."""
    engine = Server(resolve(options))
    kind = type(server())
    engine.set_search_by_request(kind.pvExistTest is not SimpleServer.pvExistTest)
    engine.set_attach_by_request(kind.pvAttach is not SimpleServer.pvAttach)
    held = claim(server)
    held.serve_with(engine, DriverDispatcher(engine, server))
    return held


class SimpleServer(cas.caServer):
    """A Channel Access server.

    It begins to serve with the first `process()`, `start()` or ``with`` block. The
    ``EPICS_CAS_`` and ``EPICS_CA_`` variables of the environment say where; keywords go
    first.

    Args:
        port: Port for searches and connections, instead of EPICS_CAS_SERVER_PORT. If it
            is taken, connections use another one. 0: any free ports.
        interfaces: Addresses to serve on; empty for all.
        defined: Whether a PV whose entry has a `value` starts without the alarm UDF,
            with what its limits say of that value.
        options: Limits, each a keyword as in `Limits`, and udp_port, tcp_port, ignored,
            beacon_addresses, auto_beacon_addresses, beacon_port, beacon_period,
            multicast_ttl. A limit that is no keyword may be set by the environment.

    Raises:
        TypeError: There is no such option.
        ValueError: A limit is not a number that is allowed, here or in the environment.
    """

    _pcaspy_host = staticmethod(_host)

    def __init__(
        self,
        *,
        port: int | None = None,
        interfaces: list[str] | None = None,
        defined: bool = False,
        **options: Unpack[ServerOptions],
    ) -> None:
        given: dict[str, Any] = {**options}
        if port is not None:
            given = {"udp_port": port, "tcp_port": port, **given}
        if interfaces is not None:
            given["interfaces"] = interfaces
        cas.caServer.__init__(self, 0, **given)
        self._pcaspy.defined = defined

    def __del__(self) -> None:
        """Nothing to do; kept for subclasses that call it."""

    def stats(self) -> dict[str, int]:
        """Counters by name: what there is, what was done, refused and dropped.

        The reference has a table of them. Any thread, also after `close()`.
        """
        return dict(self._pcaspy.engine.stats())

    def pvExistTest(self, context: Any, addr: Any, fullname: str) -> Any:
        """Whether `fullname` is served. Called by process() only if overridden.

        Returns:
            pverExistsHere, pverDoesNotExistHere, or a PV.
        """
        if fullname in self._pcaspy.pvf:
            return cas.pverExistsHere
        return cas.pverDoesNotExistHere

    def pvAttach(self, context: Any, fullname: str) -> Any:
        """The PV of that name, or a status. Called by process() only if overridden."""
        return self._pcaspy.pvf.get(fullname, cas.S_casApp_pvNotFound)

    @_static
    def createPV(
        self,
        prefix: str,
        pvdb: Mapping[str, PVSpec] | Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Serves a PV for each entry of `pvdb`, named `prefix` + key. At any time.

        Called on the class it acts on the server made last.

        Raises:
            ValueError: An entry is wrong; none of them is served then.
        """
        _create(last() if self is None else self._pcaspy, prefix, pvdb)

    def __repr__(self) -> str:
        """Its class, how many PVs it has, and where it serves them."""
        held = vars(self).get("_pcaspy")
        engine = getattr(held, "engine", None)
        if held is None or engine is None:
            return f"<{type(self).__name__}, gone>"
        where = f"on port {engine.tcp_port}" if engine.running else "not serving"
        return f"<{type(self).__name__}, {summary.counted(len(held.pvf))}, {where}>"

    def run(self) -> None:
        """Serves until Ctrl-C, SIGTERM, or `close()` by another thread.

        Prints one line when it begins: how many PVs, and where. Both signals end it
        without a traceback; only the main thread can wait for them. The server is
        closed then, as at the end of a ``with`` block.

        Raises:
            OSError: An address or port cannot be used.
        """
        held = self._pcaspy
        try:
            with ended_by_signals():
                held.start()
                print(summary.announcement(held.engine, len(held.pvf)), flush=True)
                while held.is_open:
                    held.process(_TURN)
        finally:
            held.close()

    @_static
    def process(self, delay: float = _TURN) -> None:
        """Handles what clients want from the drivers, for `delay` seconds.

        `read` and `write` of drivers are called in here, in the calling thread. After
        `close()` it only waits. Called on the class it acts on the server made last.
        """
        if self is None:
            time.sleep(delay)
        else:
            self._pcaspy.process(delay)

    @_static
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


def pause(server: SimpleServer) -> None:
    """Ends serving until the next `process()`: clients lose their connections."""
    server._pcaspy.shut()  # noqa: SLF001


def _create(
    target: Registry, prefix: str, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    with collector_held(len(entries)):
        infos = list(parse(prefix, entries))
        target.add([SimplePV(info.name, info) for info in infos])
