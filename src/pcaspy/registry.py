"""The PVs and drivers of a server, in the dicts that programs know and edit.

`manager.pvs` is {port: {reason: PV}}, `manager.pvf` {full name: PV} and
`manager.driver` {port: Driver}; a Driver's `pvDB` is {reason: Data}. Whatever is put
into them or taken out takes effect at once: names are served or not, values linked or
not, drivers asked or not.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import access
from ._engine import Data, PvHandle, Server, epicsTimeStamp
from .pv import SimplePV, overrides
from .pvdb import PVInfo, overrides_checks
from .scan import Scanner

_MISSING = object()
_NOTHING_OVERRIDDEN = (False, False, False)
_MANY = 1000  # new objects that are worth to hold the garbage collector off


@contextlib.contextmanager
def collector_held(count: int) -> Iterator[None]:
    """While `count` objects are made that all stay, the collector has nothing to find.

    Without this it would go through them again and again.
    """
    held = count >= _MANY and gc.isenabled()
    if held:
        gc.disable()
    try:
        yield
    finally:
        if held:
            gc.enable()


class HookedDict(dict[Any, Any]):
    """A dict whose changes go through `_put` and `_drop`; looking up is a dict's."""

    __slots__ = ("__weakref__",)

    def _put(self, key: Any, value: Any) -> Any:
        """What is stored for `key`."""
        return value

    def _drop(self, key: Any, value: Any) -> None:
        """`value` was there and is not any more."""

    def __setitem__(self, key: Any, value: Any) -> None:
        old = self.get(key, _MISSING)
        value = self._put(key, value)
        super().__setitem__(key, value)
        if old is not _MISSING and old is not value:
            self._drop(key, old)

    def __delitem__(self, key: Any) -> None:
        old = self[key]
        super().__delitem__(key)
        self._drop(key, old)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        if key not in self:
            if default is _MISSING:
                raise KeyError(key)
            return default
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("the dict is empty")

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self


def overridden_hooks(pv: Any) -> tuple[bool, bool, bool]:
    """Whether checkValue, checkAlarm and updateValue are not pcaspy's own."""
    if type(pv) is SimplePV and type(pv.info) is PVInfo:
        return _NOTHING_OVERRIDDEN
    return (*overrides_checks(type(pv.info)), overrides(type(pv)).update)


class ParamTable(HookedDict):
    """`Driver.pvDB`: {reason: Data}, linked to the PVs of the driver's port."""

    __slots__ = ("changed", "port", "registry")

    def __init__(self, registry: Registry, port: str) -> None:
        super().__init__()
        self.registry = registry
        self.port = port
        self.changed: list[Data] = []  # with events that wait for updatePVs
        now = epicsTimeStamp()
        pvs = registry.pvs.get(port)
        if pvs is not None:
            with collector_held(len(pvs)):
                for reason, pv in pvs.items():
                    self.attach(reason, pv, now)
            for reason, others in pvs.aliases.items():
                for other in others:
                    self[reason].alias(other)

    def attach(self, reason: str, pv: Any, now: epicsTimeStamp) -> None:
        """Links `pv` to its Data: one that waits for it, or else a new one."""
        checks = overridden_hooks(pv)
        data = self.get(reason)
        if data is not None and data.handle is None:
            data.link(pv, self.changed, checks)
        else:
            data = Data()
            data.start(pv, self.changed, now, checks)
            super(HookedDict, self).__setitem__(reason, data)

    def _put(self, key: Any, value: Any) -> Any:
        pv = self.registry.find(self.port, key)
        old = self.get(key)
        if old is not None and old is not value:
            old.unlink()
        if pv is not None and value.handle is not pv:
            value.link(pv, self.changed, overridden_hooks(pv))
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if value is not self.get(key):
            value.unlink()


class PortTable(HookedDict):
    """`manager.pvs[port]`: {reason: PV}."""

    __slots__ = ("aliases", "port", "registry")

    def __init__(self, registry: Registry, port: str) -> None:
        super().__init__()
        self.registry = registry
        self.port = port
        # PVs with a reason that another PV has taken over, by reason.
        self.aliases: dict[str, list[Any]] = {}

    def extend(self, pvs: Iterable[Any], now: epicsTimeStamp) -> None:
        """Adds many PVs by their reason."""
        registry, port = self.registry, self.port
        driver = registry.driver.get(port)
        names = registry.pvf
        for pv in pvs:
            reason = pv.info.reason
            old = self.get(reason)
            super(HookedDict, self).__setitem__(reason, pv)
            if old is not None and old is not pv and names.get(old.name) is old:
                self.aliases.setdefault(reason, []).append(old)
            if driver is not None:
                driver.pvDB.attach(reason, pv, now)
                for other in self.aliases.get(reason, ()):
                    driver.pvDB[reason].alias(other)
                registry.wire(pv, driver)

    def _put(self, key: Any, value: Any) -> Any:
        if value.info.reason != key:
            value.info.reason = key
        self.extend([value], epicsTimeStamp())
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if key not in self:
            self.registry.scanner.set(value, 0)

    def members(self) -> Iterator[Any]:
        """All PVs of the port."""
        yield from self.values()
        for others in self.aliases.values():
            yield from others

    def forget(self, pv: Any) -> None:
        """`pv` is not served any more."""
        others = self.aliases.get(pv.info.reason)
        if others is not None and pv in others:
            others.remove(pv)
            if pv.data is not None:
                pv.data.unlink(pv)


class PortMap(HookedDict):
    """`manager.pvs`: {port: {reason: PV}}."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.registry = registry

    def table(self, port: str) -> PortTable:
        """The PVs of `port`, made when there are none."""
        if port not in self:
            self[port] = {}
        table: PortTable = self[port]
        return table

    def _put(self, key: Any, value: Any) -> Any:
        if isinstance(value, PortTable):
            return value
        table = PortTable(self.registry, key)
        super(HookedDict, self).__setitem__(key, table)
        table.update(value)
        return table

    def _drop(self, key: Any, value: Any) -> None:
        if value is not self.get(key):
            for pv in value.values():
                self.registry.scanner.set(pv, 0)


class NameTable(HookedDict):
    """`manager.pvf`: {full name: PV}; what is in it is served."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.registry = registry

    def extend(self, pvs: list[Any]) -> None:
        """Serves many PVs by their names."""
        put = super(HookedDict, self).__setitem__
        replaced = [old for pv in pvs if (old := self.get(pv.name)) is not None]
        for pv in pvs:
            put(pv.name, pv)
        if self.registry.engine is not None:
            self.registry.engine.add(pvs)
        for old in replaced:
            if self.get(old.name) is not old:
                self.registry.forget(old)

    def _put(self, key: Any, value: Any) -> Any:
        if self.registry.engine is not None and isinstance(value, PvHandle):
            if value.name != key:
                value.name = key
                value.open()
            self.registry.engine.add([value])
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if key not in self and self.registry.engine is not None:
            self.registry.engine.remove(key)
        self.registry.forget(value)


class DriverMap(HookedDict):
    """`manager.driver`: {port: Driver}; what is in it answers for the PVs."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.registry = registry

    def _put(self, key: Any, value: Any) -> Any:
        self.registry.wire_port(key, value)
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if key not in self:
            self.registry.wire_port(key, None)


def overrides_of(driver: Any) -> tuple[bool, bool]:
    """Whether gets have to ask `read`, and puts have to call `updatePV`."""
    if driver is None:
        return True, True
    return driver.overrides_read(), driver.overrides_update()


class Registry:
    """Everything that a server serves.

    `engine` is set while there is a server; PVs and drivers outlive it.
    """

    def __init__(self) -> None:
        self.engine: Server | None = None
        self.closed = False  # serve no more until start()
        self.scanner = Scanner()
        self.dispatcher: Any = None
        self.pvf = NameTable(self)
        self.driver = DriverMap(self)
        self.pvs = PortMap(self)

    def find(self, port: str, reason: str) -> Any:
        """The PV of that reason, or None."""
        table = self.pvs.get(port)
        return None if table is None else table.get(reason)

    def add(self, pvs: list[Any]) -> None:
        """Serves many PVs; those of the same names are replaced."""
        now = epicsTimeStamp()
        ports: dict[str, list[Any]] = {}
        for pv in pvs:
            ports.setdefault(pv.info.fields.values["port"], []).append(pv)
        self.pvf.extend(pvs)
        for port, members in ports.items():
            self.pvs.table(port).extend(members, now)

    def serve(self, engine: Server | None) -> None:
        """From now on the PVs are served by `engine`."""
        self.engine = engine
        if engine is not None:
            engine.add([pv for pv in self.pvf.values() if isinstance(pv, PvHandle)])

    def wake(self) -> None:
        """Lets process() look for postponed puts. Any thread."""
        if self.engine is not None:
            self.engine.interrupt()

    def stats(self) -> dict[str, int]:
        """The engine's counters, none without an engine."""
        return {} if self.engine is None else self.engine.stats()

    def shut(self) -> None:
        """Ends everything that runs for the server."""
        self.scanner.stop()
        if self.dispatcher is not None:
            self.dispatcher.coroutines.stop()
        if self.engine is not None:
            access.server_stopped(self.engine)
            if self.dispatcher is not None:
                self.dispatcher.end(self.engine)
            self.engine.close()

    def after_fork_in_child(self) -> None:
        """The threads are the parent's; so are the circuits."""
        if self.engine is not None:
            self.engine.after_fork_in_child()
        self.scanner.forget_threads()
        if self.dispatcher is not None:
            self.dispatcher.coroutines.forget_threads()

    def forget(self, pv: Any) -> None:
        """`pv` is not served under its name any more."""
        info = getattr(pv, "info", None)
        if info is None:
            return
        table = self.pvs.get(info.port)
        if table is not None:
            table.forget(pv)
        if table is None or table.get(info.reason) is not pv:
            self.scanner.set(pv, 0)

    def wire_port(self, port: str, driver: Any) -> None:
        """`driver` (None: nobody) answers for the PVs of `port`."""
        table = self.pvs.get(port)
        if table is not None:
            reads, updates = overrides_of(driver)
            for pv in table.members():
                self._wire(pv, driver, reads, updates)

    def wire(self, pv: Any, driver: Any) -> None:
        """Decides which ways the requests of `pv` go."""
        self._wire(pv, driver, *overrides_of(driver))

    def _wire(self, pv: Any, driver: Any, reads: bool, updates: bool) -> None:
        own = overrides(type(pv))
        fields = pv.info.fields
        scanned = fields.scanned
        pv.driver = driver
        pv.plain_read = not own.read
        pv.plain_write = not (own.write or updates or fields.asyn)
        pv.set_reads_by_request((reads and not scanned) or driver is None or own.read)
        if own.interest:
            pv.set_wants_interest(True)
        if scanned and driver is not None:
            self.scanner.set(pv, fields.values["scan"])
        else:
            self.scanner.set(pv, 0)

    def changed_fields(self, pv: Any) -> None:
        """The fields of `pv` are others now: it may need another native type."""
        if not pv.fits:
            pv.open()
            served = self.pvf.get(pv.name) is pv
            if self.engine is not None and served:
                self.engine.add([pv])  # its clients connect anew
        self.wire(pv, pv.driver)


class _Current:
    """The registry of the server made last."""

    registry = Registry()


def current() -> Registry:
    """The registry of the server made last; before there is one, the next one's."""
    return _Current.registry


def claim(engine: Server) -> Registry:
    """The registry for a new server: that of a deleted one, or else a new one."""
    if _Current.registry.engine is not None:
        _Current.registry = Registry()
    return _Current.registry


def discard(registry: Registry) -> None:
    """The server of `registry` was closed for good: the next one begins anew."""
    if _Current.registry is registry:
        _Current.registry = Registry()


def _replace(table: HookedDict, contents: Mapping[Any, Any]) -> None:
    contents = dict(contents)
    table.clear()
    table.update(contents)


class ManagerType(type):
    """Makes the dicts of `Manager` those of the server made last."""

    @property
    def pvs(cls) -> PortMap:
        return current().pvs

    @pvs.setter
    def pvs(cls, contents: Mapping[str, Mapping[str, Any]]) -> None:
        _replace(current().pvs, contents)

    @property
    def pvf(cls) -> NameTable:
        return current().pvf

    @pvf.setter
    def pvf(cls, contents: Mapping[str, Any]) -> None:
        _replace(current().pvf, contents)

    @property
    def driver(cls) -> DriverMap:
        return current().driver

    @driver.setter
    def driver(cls, contents: Mapping[str, Any]) -> None:
        _replace(current().driver, contents)


class Manager(metaclass=ManagerType):
    """The PVs and drivers of the server made last: `pvs`, `pvf` and `driver`."""

    pvs = property(
        lambda self: Manager.pvs, lambda self, new: _replace(Manager.pvs, new)
    )
    pvf = property(
        lambda self: Manager.pvf, lambda self, new: _replace(Manager.pvf, new)
    )
    driver = property(
        lambda self: Manager.driver, lambda self, new: _replace(Manager.driver, new)
    )


manager = Manager()
