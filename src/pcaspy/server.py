"""SimpleServer: serves the PVs of pvdb dicts."""

from __future__ import annotations

import functools
import os
import time
import types
from collections.abc import Callable, Mapping

from . import cas
from .extras import Extras
from .host import access, pva, summary
from .host.options import resolve, switched
from .native._handle import open_pvs
from .native._server import Server
from .served.pv import SimplePV
from .served.pvdb import parse
from .served.registry import Registry, claim, last, last_server, warn_of_groups
from .served.requests import DriverDispatcher
from .served.tables import collector_held, memory_made_for

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    import asyncio
    from typing import Any, Literal

    from typing_extensions import Unpack

    from .host.option_types import ServerOptions
    from .putlog.options import PutLog, PutLogTarget
    from .served.pvdb_types import PVSpec
    from .state.groups import Autosave

_TURN = 0.1  # seconds in process() where nobody says


class _Static:
    """A method that uses the server created last if it is called on the class."""

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

        import inspect  # takes long

        # Less `self`, which calls on the class do not give.
        shape = inspect.signature(self._function)
        without_server.__signature__ = shape.replace(  # type: ignore[attr-defined]
            parameters=list(shape.parameters.values())[1:]
        )
        return without_server


# pyright: reportSelfClsParameterName=false
# As type checkers see it, such a method is a class method.
if TYPE_CHECKING:
    _static = classmethod
else:
    _static = _Static


def _host(server: Callable[[], Any], options: dict[str, Any]) -> Registry:
    """What serves a new server."""
    loop = options.pop("loop", None)
    if loop is not None:
        _check_loop(loop)
    over_pva = pva.wanted(options.pop("pva", None))
    extras = Extras(options)
    fields = switched("fields", options.pop("fields", None), "PCASPY_FIELDS", "YES")
    chosen = resolve(options)
    engine = Server(chosen)
    if fields:
        engine.serve_fields()
    kind = type(server())
    engine.set_search_by_request(kind.pvExistTest is not SimpleServer.pvExistTest)
    engine.set_attach_by_request(kind.pvAttach is not SimpleServer.pvAttach)
    held = claim(server)
    held.pva = pva.serve(engine, chosen) if over_pva else None
    held.coroutines.given = loop
    held.serve_with(engine, DriverDispatcher(engine, server, held.coroutines))
    extras.add_to(held)
    return held


def _check_loop(loop: Any) -> None:
    import asyncio  # takes long

    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise TypeError(
            "SimpleServer(loop=) takes an event loop of asyncio, not a"
            f" {type(loop).__name__}"
        )


class SimpleServer(cas.caServer):
    """A Channel Access server.

    It starts to serve with the first `process()`, `start()` or ``with`` block. The
    ``EPICS_CAS_`` and ``EPICS_CA_`` environment variables select addresses and ports.
    Keyword arguments override them.

    Args:
        port: Port for searches and connections, instead of EPICS_CAS_SERVER_PORT. If it
            is in use, connections use another port. 0 selects free ports.
        interfaces: Addresses to serve on; empty for all.
        defined: Whether a PV whose entry has a `value` starts without the alarm UDF,
            with what its limits say of that value.
        pva: Whether the PVs are served over PVAccess, too; None for what PCASPY_PVA
            says (YES or NO). The ``EPICS_PVAS_`` and ``EPICS_PVA_`` variables select
            its ports, and its addresses unless `interfaces` does.
        loop: An event loop of asyncio in which ``async def read`` and ``async def
            write`` of drivers run, instead of one in a separate thread. The program
            runs it, for example for `serve`.
        fields: Whether clients find the fields that an IOC's records have, NAME.EGU
            and so on; None for what PCASPY_FIELDS says (YES or NO), and that is YES if
            it is not set.
        control: Whether `pcaspy list`, `top` and others can look into the server, and
            put; or the name that it has there, instead of the program's. None for what
            PCASPY_CONTROL says (YES, NO or a name).
        put_log: Where puts are written down: the path of a file, "tcp://host:port", a
            logger or a handler, True for the logger pcaspy.putlog, or a `PutLog`; None
            for what PCASPY_PUT_LOG says, False for nowhere.
        state: A file in which values are kept while the server does not run; None for
            what PCASPY_STATE says, False for none.
        autosave: Names of PVs whose values are saved, besides those with the field
            `autosave`: a list, with ``*`` and ``?``, or a dict of names and periods in
            seconds. True for all PVs.
        options: Limits, each a keyword as in `Limits`, and udp_port, tcp_port, ignored,
            beacon_addresses, auto_beacon_addresses, beacon_port, beacon_period,
            multicast_ttl, neighbours. The environment can set the other limits.

    Raises:
        ImportError: `pva` is True and pvxslibs is not installed.
        OSError: `control` is on and this system has no Unix sockets.
        TypeError: An option does not exist, `loop` is no event loop, `state` no path,
            or `put_log` nothing that puts can be written to.
        ValueError: A limit, here or in the environment, is not an allowed number,
            `control` no name, or `autosave` or an option of the put log not allowed.
    """

    _pcaspy_host = staticmethod(_host)

    def __init__(
        self,
        *,
        port: int | None = None,
        interfaces: list[str] | None = None,
        defined: bool = False,
        pva: bool | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        fields: bool | None = None,
        control: bool | str | None = None,
        put_log: PutLog | PutLogTarget | None = None,
        state: str | os.PathLike[str] | Literal[False] | None = None,
        autosave: Autosave | None = None,
        **options: Unpack[ServerOptions],
    ) -> None:
        given: dict[str, Any] = {**options}
        if port is not None:
            given["port"] = port
        if interfaces is not None:
            given["interfaces"] = interfaces
        given["pva"], given["fields"], given["loop"] = pva, fields, loop
        given["control"] = control
        given["put_log"] = put_log
        given["state"], given["autosave"] = state, autosave
        cas.caServer.__init__(self, 0, **given)
        self._pcaspy.defined = defined

    def __del__(self) -> None:
        """Nothing to do; kept for subclasses that call it."""

    def stats(self) -> dict[str, int]:
        """Returns the server's counters by name.

        The reference has a table of them. Call it from any thread, also after
        `close()`.

        Example::

            print(server.stats()["circuits"])
        """
        return dict(self._pcaspy.stats())

    def pvExistTest(self, context: Any, addr: Any, fullname: str) -> Any:
        """Returns whether `fullname` is served. Called by process() if overridden.

        Returns:
            pverExistsHere, pverDoesNotExistHere, or a PV.
        """
        if fullname in self._pcaspy.pvf or fullname in self._pcaspy.own:
            return cas.pverExistsHere
        return cas.pverDoesNotExistHere

    def pvAttach(self, context: Any, fullname: str) -> Any:
        """Returns the PV or a status. Called by process() if overridden."""
        held = self._pcaspy
        own = held.own.get(fullname, cas.S_casApp_pvNotFound)
        return held.pvf.get(fullname, own)

    @_static
    def createPV(
        self,
        prefix: str,
        pvdb: Mapping[str, PVSpec] | Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Creates a PV for each entry of `pvdb`, named `prefix` + key.

        Can be called at any time. Called on the class, it uses the server created last.

        Raises:
            ValueError: An entry is invalid; no PV is created.

        Example::

            server.createPV("LAB:", {"TEMP": {"value": 20.5, "prec": 1, "unit": "C"}})
        """
        _create(last() if self is None else self._pcaspy, prefix, pvdb)

    def add_status(
        self,
        prefix: str,
        *,
        engineer: str | None = None,
        location: str | None = None,
        period: float = 1.0,
        asg: str = "",
    ) -> None:
        """Serves PVs that report how the server is, named `prefix` + name.

        They have the names of EPICS' iocStats, such as HEARTBEAT and CA_CLNT_CNT, and
        more. No table that programs see contains them. Can be called at any time, and
        again with another prefix. A thread updates them while the server serves.

        Args:
            prefix: Goes before each name.
            engineer: The value of ENGINEER; None for the variable of that name, or
                LOGNAME, or USER.
            location: The value of LOCATION; None for the variable of that name.
            period: Seconds between two updates of HEARTBEAT and of the counters.
            asg: Their access security group.

        Raises:
            ImportError: It needs psutil, which is not installed. Not on Linux.
            ValueError: There is a PV of one of the names, or `period` is not between
                0.1 and 3600, or not that of the other status PVs of this server.

        Example::

            server.add_status("IOC1:")
        """
        from .status.status import add

        add(self._pcaspy, prefix, engineer, location, period, asg)

    def __repr__(self) -> str:
        """Its class, how many PVs it has, and where it serves them."""
        held = vars(self).get("_pcaspy")
        engine = getattr(held, "engine", None)
        if held is None or engine is None:
            return f"<{type(self).__name__}, gone>"
        where = f"on port {engine.tcp_port}" if engine.running else "not serving"
        return f"<{type(self).__name__}, {summary.counted(len(held.pvf))}, {where}>"

    def run(self) -> None:
        """Serves until Ctrl-C, SIGTERM, or `close()` in another thread.

        Prints the number of PVs, the addresses and the ports when it starts. Both
        signals end it without a traceback, but only in the main thread. Afterwards the
        server is closed, as at the end of a ``with`` block. Under systemd it reports
        that it serves, and gives signs of life.

        Raises:
            OSError: An address or port cannot be used.
        """
        from .host.signals import ended_by_signals

        held = self._pcaspy
        _report(held)
        try:
            with ended_by_signals():
                held.start()
                print(
                    summary.announcement(held.engine, held.pva, len(held.pvf)),
                    flush=True,
                )
                while held.is_open:
                    held.process(_TURN)
        finally:
            held.close()

    async def serve(self) -> None:
        """Serves in the running event loop until it is cancelled, or until `close()`.

        Takes the place of `process`: `read` and `write` of drivers run in the thread of
        the event loop, also those of PVs with `scan`, whether they are ``async`` or
        not. One that is not ``async`` must not block. Afterwards the server is closed.

        Raises:
            OSError: An address or port cannot be used.
            RuntimeError: `process` or `run` runs in another thread, `serve` runs
                already, or the event loop is not the `loop` of the server.

        Example::

            async def main():
                server = SimpleServer()
                server.createPV("LAB:", {"TEMP": {}})
                driver = Driver()
                await asyncio.wait_for(server.serve(), timeout=1)
        """
        _report(self._pcaspy)
        await self._pcaspy.serve()

    @_static
    def process(self, delay: float = _TURN) -> None:
        """Passes clients' requests to the drivers for `delay` seconds.

        Calls `read` and `write` of drivers in the calling thread. After `close()` it
        only waits. Called on the class, it uses the server created last.

        Raises:
            OSError: An address or port cannot be used.
            RuntimeError: `serve` handles the requests.

        Example::

            for _ in range(3):
                server.process(0.1)
        """
        if self is None:
            time.sleep(delay)
        else:
            self._pcaspy.process(delay)

    @_static
    def initAccessSecurityFile(self, filename: str, **subst: str) -> None:
        """Replaces the access security rules of the whole process.

        Can be called at any time, before or after `createPV`, and again. Clients are
        notified of their new rights. `cas.asCaStart` describes how the inputs of rules
        are found.

        Args:
            filename: An access security file.
            subst: Macros of the file.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is invalid: file, line and reason. The old rules stay.
        """
        cas.asInitFile(filename, access.as_definitions(subst))
        cas.asCaStart()
        warn_of_groups()


def pause(server: SimpleServer) -> None:
    """Ends serving until the next `process()`: clients lose their connections."""
    server._pcaspy.shut()  # noqa: SLF001


def reports(server: SimpleServer) -> bool:
    """Has the server report to a service manager; False if there is none."""
    return _report(server._pcaspy)  # noqa: SLF001


def _report(held: Registry) -> bool:
    """To a service manager, if there is one."""
    if not os.environ.get("NOTIFY_SOCKET"):
        return False
    from .host.notify import service_manager

    return service_manager(held) is not None


def is_replaced(server: SimpleServer) -> bool:
    """Whether the server of a later run of a cell replaces it."""
    return bool(server._pcaspy.replaced)  # noqa: SLF001


def _create(
    target: Registry, prefix: str, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    with collector_held(len(entries)):
        made: list[Any] = parse(prefix, entries)  # all, before there is a PV
        open_pvs(SimplePV, made)
        target.add(made)
    count = len(made)
    del made
    memory_made_for(count)
