"""The PVs and drivers of one server, and which ways their requests go."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable

from ..host.lifetime import Host, open_hosts
from ..host.notebook import run_of_cell
from ..native._access import lacks_access_group
from ..native._fields import has_64_bits, is_structured
from ..native._handle import (
    PvHandle,
    Way,
    by_port,
    driver_of,
    info_of,
    name_of,
    reopen_pv,
    set_read_only,
    wants_interest,
)
from ..native._links import wire_pv
from ..native._server import Server
from ..native._time import epicsTimeStamp
from .coroutines import Coroutines
from .delays import Delays
from .put_client import how_with_client
from .pv import overrides
from .pvdb import PVInfo
from .scan import Scanner
from .tables import DriverMap, NameTable, PortMap, warn_of_names

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..host.lifetime import Dispatcher

    class ValueKeeper(Protocol):
        """What restores and saves values, and has to know which ones there are."""

        @property
        def stamp(self) -> epicsTimeStamp | None:
            """When the value was set that this thread restores; None: it does not."""

        def came(self, driver: Any, reasons: Iterable[str], fresh: bool = True) -> None:
            """The driver has these parameters; `fresh` ones may be restored."""

        def looked_at(self, data: Any, pv: Any) -> bool:
            """Whether this PV, to which it will be linked, may take over this value."""
            ...

        def leaves(self, data: Any) -> None:
            """This value will be linked to no PV."""


_log = logging.getLogger("pcaspy.SimpleServer")
_NAMED = 3  # PVs that one line names


def incomplete(driver: Any) -> str:
    """What is wrong with a driver that was made without Driver.__init__."""
    return (
        f"{type(driver).__name__}.__init__ did not call Driver.__init__: it has to call"
        " super().__init__()"
    )


def _tell_of_types(pvs: Iterable[Any], over_pva: bool) -> None:
    """Of PVs that Channel Access has no type for."""
    handles = [pv for pv in pvs if isinstance(pv, PvHandle)]
    _tell(
        [pv for pv in handles if has_64_bits(info_of(pv))],
        "integers of 64 bits are doubles for clients of Channel Access, without their"
        " last digits above 2**53; PVAccess has all of them",
    )
    if not over_pva:
        _tell(
            [pv for pv in handles if is_structured(info_of(pv))],
            "no client finds tables and images, which only PVAccess has:"
            " SimpleServer(pva=True) or PCASPY_PVA=YES serves it",
        )


def _tell(pvs: list[Any], what: str) -> None:
    names = list(dict.fromkeys(map(name_of, pvs)))  # an alias is no other PV
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _log.warning("PV %s%s: %s", ", ".join(names[:_NAMED]), more, what)


class Registry(Host):
    """Everything that a server serves.

    `engine` is set while there is a server; PVs and drivers outlive it.
    """

    def __init__(self) -> None:
        self.server: Callable[[], Any] | None = None
        self.cell_run: int | None = None  # of a notebook, in which the server was made
        self.replaced = False  # by the server of a later run: its thread ends
        self.defined = False  # a `value` that is given has no UDF alarm
        self.keeper: ValueKeeper | None = None  # values are saved
        # Drivers that were made without Driver.__init__, which may still come.
        self.incomplete: weakref.WeakSet[Any] = weakref.WeakSet()
        self.coroutines = Coroutines()
        self.scanner = Scanner(coroutines=self.coroutines)
        self.delays = Delays()
        self.pvf = NameTable(self)
        self.driver = DriverMap(self)
        self.pvs = PortMap(self)
        # Names that PVs are served under besides their own.
        self.other_names: dict[Any, set[str]] = {}
        # Status PVs by all their names. Programs do not see them.
        self.own: dict[str, Any] = {}
        self.naming = threading.RLock()  # held while names are looked at and taken

    def find(self, port: str, reason: str) -> Any:
        """The PV of that reason, or None."""
        table = self.pvs.get(port)
        return None if table is None else table.get(reason)

    def named(self, port: str, reason: str) -> list[Any]:
        """All PVs of that reason: the last one added, then those it took over from.

        Raises:
            KeyError: The port has no such PV.
        """
        table = self.pvs[port]
        return [table[reason], *table.aliases.get(reason, ())]

    def add(self, pvs: list[Any]) -> None:
        """Serves many PVs; those of the same names are replaced.

        Raises:
            ValueError: A name is that of a status PV; nothing is done.
        """
        self._check_names(pvs)
        now = epicsTimeStamp()
        ports, saved, with_alias = by_port(pvs)
        self._look_for_others(pvs)
        if self.engine is not None and self.engine.running:
            self.warn_of_groups(pvs)
            _tell_of_types(pvs, self.pva is not None)
        with self.naming:
            self._check_names(pvs)  # there may be status PVs since
            self.pvf.extend(pvs)
        for port, members in ports.items():
            self.pvs.table(port).extend(members, now)
        for pv in with_alias:
            for alias in info_of(pv).fields.values["alias"]:
                name, reason = name_of(pv), info_of(pv).reason
                self.pvf[name[: len(name) - len(reason)] + alias] = pv
        if saved and self.keeper is None:
            warn_of_names(
                [name_of(pv) for pv in saved],
                "has the field 'autosave', which has no effect:"
                " SimpleServer(state=FILE) or PCASPY_STATE says where values are saved",
            )

    def _check_names(self, pvs: Iterable[Any]) -> None:
        for pv in pvs if self.own else ():
            name, info = name_of(pv), info_of(pv)
            stem = name[: len(name) - len(info.reason)]
            self.check_name(name)
            for alias in info.fields.values["alias"]:
                self.check_name(stem + alias)

    def check_name(self, name: str) -> None:
        """Whether a program may serve a PV of that name.

        Raises:
            ValueError: It may not.
        """
        if name in self.own:
            raise ValueError(f"PV {name!r}: a status PV of this server has that name")

    def _look_for_others(self, pvs: list[Any]) -> None:
        """Servers with PVs of these names are replaced, or are worth a warning."""
        others = [
            host
            for host in open_hosts()
            if isinstance(host, Registry) and host is not self and host.pvf
        ]
        for other in others:
            common = [name for pv in pvs if (name := name_of(pv)) in other.pvf]
            if common and self._is_made_again(other):
                other.replaced = True
                other.close()
                warn_of_names(
                    common,
                    "served by a server of an earlier run of a cell, which is closed:"
                    " this one replaces it",
                )
            elif common:
                warn_of_names(
                    common,
                    "served by another server of this process, too:"
                    " clients find either one. close() the server that is not needed",
                )

    def _is_made_again(self, other: Registry) -> bool:
        """Cells make this server, and an earlier run of them has made the other one.

        What is added to a server that has PVs already replaces no other.
        """
        run = self.cell_run
        if run is None or other.cell_run is None:
            return False
        is_new = run == run_of_cell() or not self.pvf
        return is_new and other.cell_run < run

    def serve_with(self, engine: Server, dispatcher: Dispatcher) -> None:
        """From now on the PVs are served by `engine`."""
        super().serve_with(engine, dispatcher)
        engine.add(
            [
                pv
                for name, pv in self.pvf.items()
                if isinstance(pv, PvHandle) and name_of(pv) == name
            ]
        )
        for pv in list(self.other_names):
            self._serve_other_names(pv)

    def _serve_other_names(self, pv: PvHandle) -> None:
        for name in self.other_names.get(pv, ()):
            if self.engine is not None and self.pvf.get(name) is pv:
                self.engine.add_as(name, pv)

    def start(self) -> None:
        """Begins to serve; after `close()` again."""
        self.replaced = False
        super().start()

    def begin(self) -> None:
        """Binds the sockets and begins to scan."""
        self._warn_of_ports()
        self.warn_of_groups(self.pvf.values())
        _tell_of_types(self.pvf.values(), self.pva is not None)
        super().begin()
        self.scanner.start()
        self.delays.start()

    async def serve(self) -> None:
        """Serves in the running event loop until it is cancelled, or until `close()`.

        Raises:
            OSError: An address or port cannot be used.
            RuntimeError: Something else handles the requests, or the event loop is not
                the one that was given.
        """
        import asyncio  # takes long

        from ..host.in_loop import Turns

        loop = asyncio.get_running_loop()
        self._check_that_only_one_serves()
        if self.coroutines.given not in (None, loop):
            raise RuntimeError(
                "serve() runs in another event loop than the one of SimpleServer(loop=)"
            )
        self.coroutines.serving = loop
        turns, gone = None, False
        try:
            self.start()
            if self.engine is not None:  # let go of by another thread
                self.turns = turns = Turns(self.engine, self._take_turn, loop)
                await turns.run()
        except GeneratorExit:  # the loop was closed, nothing can be awaited any more
            gone = True
            raise
        finally:
            if self.turns is turns:  # else close() was called, and perhaps start()
                self.close()
            if not gone:
                await self.coroutines.cancel()

    def _check_that_only_one_serves(self) -> None:
        if self.serves_in_loop:
            raise RuntimeError("serve() runs already")
        if self.processing:
            raise RuntimeError(
                "serve() cannot run while process() or run() does, in another thread"
            )

    def _take_turn(self) -> bool:
        """Handles some requests; whether there are more."""
        engine = self.engine
        if engine is None or self.closed or not engine.running:
            if self.turns is not None:
                self.turns.end()
            return False
        self.turn(0)
        return engine.waits

    def _warn_of_ports(self) -> None:
        """A driver whose port no PV has, or without a base, is asked for nothing."""
        for driver in list(self.incomplete):
            if "pvDB" not in vars(driver):
                _log.warning("%s", incomplete(driver))
        self.incomplete.clear()
        ports = [port for port, table in self.pvs.items() if table]
        for port, driver in self.driver.items():
            if ports and port not in ports:
                _log.warning(
                    "%s.port is %r, but no PV has that port: those of PVs are %s."
                    " `port` says which PVs a driver serves; for anything else use"
                    " another name",
                    type(driver).__name__,
                    port,
                    ", ".join(map(repr, ports)),
                )

    def warn_of_groups(self, pvs: Iterable[Any]) -> None:
        """Of PVs in groups without rules: no client gets at them."""
        if not lacks_access_group(""):
            return  # there are no rules
        lacking: dict[str, list[str]] = {}
        known: dict[str, bool] = {"": False}
        for pv in pvs:
            info = info_of(pv) if isinstance(pv, PvHandle) else None
            if not isinstance(info, PVInfo):
                continue
            group = info.fields.values["asg"]
            if group not in known:
                known[group] = lacks_access_group(group)
            if known[group]:
                lacking.setdefault(group, []).append(name_of(pv))
        for group, names in lacking.items():
            warn_of_names(
                names,
                f"in access security group {group!r}, which the rules do not have: no"
                " client can read or write",
            )

    def shut(self) -> None:
        """Ends everything that runs for the server."""
        self.scanner.stop()
        self.delays.stop()
        super().shut()

    def close(self) -> None:
        """Ends serving, in an event loop as well."""
        super().close()
        self.coroutines.serving = None

    def let_go(self) -> None:
        """The server was deleted; the PVs wait for the next one."""
        super().let_go()
        self.own.clear()
        if self.closed:
            discard(self)

    def forget_threads(self) -> None:
        """In the child of a fork: threads are the parent's; so are the circuits."""
        self.naming = threading.RLock()
        self.scanner.forget_threads()
        self.delays.forget_threads()
        super().forget_threads()

    def forget(self, pv: Any) -> None:
        """`pv` is not served under its name any more."""
        info = info_of(pv) if isinstance(pv, PvHandle) else None
        if not isinstance(info, PVInfo):
            return
        table = self.pvs.get(info.port)
        if table is not None:
            table.forget(pv)
        if table is None or table.get(info.reason) is not pv:
            self.scanner.set(pv, 0)

    @staticmethod
    def way_to(driver: Any) -> Way:
        """What a driver has when it is registered, or None."""
        if driver is None:
            return Way(None, True, True)
        return Way(
            driver,
            driver.overrides_read(),
            driver.overrides_update(),
            how_with_client(driver),
        )

    def wire_port(self, port: str, driver: Any) -> None:
        """`driver` (None: no driver) answers for the PVs of `port`."""
        table = self.pvs.get(port)
        if table is not None:
            way = self.way_to(driver)
            for pv in list(table.members()):  # another thread may add some
                self.wire(pv, way)

    def wire(self, pv: Any, way: Way) -> None:
        """Decides which ways the requests of `pv` go."""
        own = overrides(type(pv))
        driver, fields = way.driver, info_of(pv).fields
        scanned = fields.scanned
        wire_pv(
            pv,
            way,
            plain_read=not own.read,
            plain_write=not (
                own.write
                or way.updates
                or way.client_how
                or fields.asyn
                or fields.values["enforce_limits"]
            ),
            in_series=fields.asyn and driver is not None and not own.write,
            asks=(way.reads and not scanned) or driver is None or own.read,
        )
        if own.interest:
            wants_interest(pv)
        if scanned and driver is not None:
            self.scanner.set(pv, fields.values["scan"])
        else:
            self.scanner.set(pv, 0)

    def changed_fields(self, pv: Any) -> None:
        """The fields of `pv` are others now: it may need another native type."""
        if reopen_pv(pv):
            served = self.pvf.get(name_of(pv)) is pv
            if self.engine is not None and served:
                self.engine.add([pv])  # its clients connect anew
            self._serve_other_names(pv)
        set_read_only(pv, info_of(pv).fields.values["readonly"])
        self.wire(pv, self.way_to(driver_of(pv)))


class _Last:
    """The registry of the server created last."""

    registry = Registry()


def warn_of_groups() -> None:
    """After rules are loaded: of PVs of servers that serve, in groups without rules."""
    for host in open_hosts():
        if isinstance(host, Registry) and host.engine is not None:
            if host.engine.running:
                host.warn_of_groups(host.pvf.values())


def last() -> Registry:
    """The registry of the server created last; before there is one, the next one's."""
    return _Last.registry


def last_server() -> Any:
    """The server created last; None before there is one and after it was freed."""
    server = _Last.registry.server
    return None if server is None else server()


def claim(server: Callable[[], Any]) -> Registry:
    """The registry for a new server: that of a deleted one, or else a new one."""
    if _Last.registry.engine is not None:
        _Last.registry = Registry()
    _Last.registry.server = server
    _Last.registry.cell_run = run_of_cell()
    _Last.registry.replaced = False
    _Last.registry.keeper = None
    return _Last.registry


def discard(registry: Registry) -> None:
    """The server of `registry` was closed for good: the next one begins empty."""
    if _Last.registry is registry:
        _Last.registry = Registry()
