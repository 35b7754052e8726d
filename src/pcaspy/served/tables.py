"""The dicts that programs know and edit; what is put in or taken out takes effect."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterator, Mapping

from ..lowlevel.pv import casPV, prepare
from ..native._data import Data
from ..native._handle import (
    PvHandle,
    give_memory_back,
    info_of,
    is_given,
    name_of,
    put_names,
    put_reasons,
)
from ..native._links import Changed, data_of
from ..native._time import epicsTimeStamp
from .pv import SimplePV, overrides
from .pvdb import PVInfo, overrides_checks

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from .registry import Registry

    _Dict = dict[Any, Any]
else:
    _Dict = dict

_MISSING = object()
_MOST_COMPARED = 5000  # names that are looked through for one like a wrong one
_NOTHING_OVERRIDDEN = (False, False, False)
_MANY = 1000  # new objects that are worth to hold the garbage collector off
_MUCH = 10_000  # those whose making leaves memory that is worth to be given back


_log = logging.getLogger("pcaspy.SimpleServer")


def warn_of_names(names: list[Any], what: str) -> None:
    """One warning for what holds for all PVs of these names."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    _log.warning("PV %s%s %s", names[0], more, what)


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


def memory_made_for(count: int) -> None:
    """So many objects were made: what that took for a while goes back to the system."""
    if count >= _MUCH:
        give_memory_back()


class HookedDict(_Dict):
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


def replace(table: HookedDict, contents: Mapping[Any, Any]) -> None:
    """Makes `contents` all that is in `table`."""
    contents = dict(contents)
    table.clear()
    table.update(contents)


def overridden_hooks(pv: Any) -> tuple[bool, bool, bool]:
    """Whether checkValue, checkAlarm and updateValue are not pcaspy's own."""
    kind = type(info_of(pv))
    if type(pv) is SimplePV and kind is PVInfo:
        return _NOTHING_OVERRIDDEN
    return (*overrides_checks(kind), overrides(type(pv)).update)


class NoSuchParameter(KeyError):
    """There is no parameter of that reason, and what may have been meant."""

    def __init__(self, reason: Any, text: str) -> None:
        super().__init__(reason)
        self._text = text

    def __str__(self) -> str:
        return self._text


# What a traceback calls it: programs know it by that name.
NoSuchParameter.__name__ = NoSuchParameter.__qualname__ = "KeyError"
NoSuchParameter.__module__ = "builtins"


class ParamTable(HookedDict):
    """`Driver.pvDB`: {reason: Data}, linked to the PVs of the driver's port."""

    __slots__ = ("_changed", "port", "registry")

    def __init__(self, registry: Registry, port: str) -> None:
        super().__init__()
        self.registry = registry
        self.port = port
        self._changed = Changed(registry.delays.add)
        now = epicsTimeStamp()
        pvs = registry.pvs.get(port)
        if pvs is not None:
            with collector_held(len(pvs)):
                for reason, pv in pvs.items():
                    self.attach(reason, pv, now)
            memory_made_for(len(pvs))
            for reason, others in pvs.aliases.items():
                for other in others:
                    self[reason].alias(other)

    @property
    def changed(self) -> list[Data]:
        """Those with events that wait for updatePVs."""
        return self._changed.waiting

    @classmethod
    def of(cls, registry: Registry, port: str, contents: dict[Any, Any]) -> ParamTable:
        """A table with these contents in place of new parameters."""
        table = cls(registry, port)
        replace(table, contents)
        return table

    def __missing__(self, reason: Any) -> Any:
        raise NoSuchParameter(reason, self._no_such(reason))

    def _no_such(self, reason: Any) -> str:
        text = f"there is no PV {reason!r} in port {self.port!r}"
        served = self.registry.pvf.get(reason) if isinstance(reason, str) else None
        info = info_of(served) if isinstance(served, SimplePV) else None
        if info is not None and info.port != self.port:
            return f"{text}; it is in port {info.port!r}, which has its own Driver"
        if info is not None and info.reason in self:
            return f"{text}; call it {info.reason!r}, without the prefix"
        for port, table in self.registry.pvs.items():
            if port != self.port and reason in table:
                return f"{text}; it is in port {port!r}, which has its own Driver"
        names = [name for name in self if isinstance(name, str)]
        if len(names) <= _MOST_COMPARED:
            same = [name for name in names if name.lower() == str(reason).lower()]
            import difflib  # takes long

            close = same or difflib.get_close_matches(str(reason), names, n=3)
            if close:
                return f"{text}; did you mean {' or '.join(map(repr, close))}?"
        return text

    def attach(self, reason: str, pv: Any, now: epicsTimeStamp) -> None:
        """Links `pv` to the Data of its reason, or to a new one if it does not fit."""
        checks = overridden_hooks(pv)
        data = self.get(reason)
        if data is not None:
            keeper = self.registry.keeper
            try:
                if keeper is None or keeper.looked_at(data, pv):
                    data.link(pv, self._changed, checks)
                    return
            except (TypeError, ValueError):
                pass
            data.unlink()
        data = Data()
        info = info_of(pv)
        defined = not info.fields.values["udf"] or (
            self.registry.defined and info.has_value
        )
        data.start(pv, self._changed, now, checks, defined)
        data.udf = not defined
        super(HookedDict, self).__setitem__(reason, data)

    def _put(self, key: Any, value: Any) -> Any:
        pv = self.registry.find(self.port, key)
        old = self.get(key)
        if old is not None and old is not value:
            if self.registry.keeper is not None:
                self.registry.keeper.leaves(old)
            old.unlink()
        if pv is not None and value.handle is not pv:
            value.link(pv, self._changed, overridden_hooks(pv))
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if value is not self.get(key):
            if self.registry.keeper is not None:
                self.registry.keeper.leaves(value)
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

    def extend(self, pvs: list[Any], now: epicsTimeStamp) -> None:
        """Adds many PVs by their reason."""
        registry = self.registry
        for pv, old in put_reasons(self, pvs):
            if registry.pvf.get(name_of(old)) is old:
                self.aliases.setdefault(info_of(pv).reason, []).append(old)
            else:
                registry.scanner.set(old, 0)
        driver = registry.driver.get(self.port)
        if driver is not None:
            self._attach(pvs, driver, now)

    def _attach(self, pvs: list[Any], driver: Any, now: epicsTimeStamp) -> None:
        """Gives PVs that were added to the driver that there is."""
        keeper, way = self.registry.keeper, self.registry.way_to(driver)
        for pv in pvs:
            reason = info_of(pv).reason
            before = None if keeper is None else driver.pvDB.get(reason)
            driver.pvDB.attach(reason, pv, now)
            for other in self.aliases.get(reason, ()):
                driver.pvDB[reason].alias(other)
            if keeper is not None:
                fresh = driver.pvDB[reason] is not before
                keeper.came(driver, [reason], fresh)
            self.registry.wire(pv, way)

    def _put(self, key: Any, value: Any) -> Any:
        info = info_of(value) if isinstance(value, SimplePV) else None
        if info is None:
            raise TypeError(f"{value!r} is no SimplePV that was made with its info")
        if info.reason != key:
            info.reason = key
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
        others = self.aliases.get(info_of(pv).reason)
        if others is not None and pv in others:
            others.remove(pv)
            data = data_of(pv)
            if data is not None:
                data.unlink(pv)


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
        replaced = put_names(self, pvs)
        if self.registry.engine is not None:
            self.registry.engine.add(pvs)
        if replaced:
            warn_of_names(
                [_name(old) for old in replaced],
                "served already: the new entry takes its place",
            )
        for old in replaced:
            if self.get(_name(old)) is not old:
                self.registry.forget(old)

    def _put(self, key: Any, value: Any) -> Any:
        if self.registry.own:
            self.registry.check_name(key)
        if isinstance(value, PvHandle):
            if isinstance(value, casPV) and not is_given(value):
                prepare(value, key)
            if name_of(value) != key:
                self.registry.other_names.setdefault(value, set()).add(key)
            if self.registry.engine is not None:
                self.registry.engine.add_as(key, value)
        return value

    def _drop(self, key: Any, value: Any) -> None:
        if key not in self and self.registry.engine is not None:
            self.registry.engine.remove(key)
        if not self._other_name(value, key) and self.get(_name(value)) is not value:
            self.registry.forget(value)

    def _other_name(self, pv: Any, gone: str) -> bool:
        """Whether `pv` has another name, after one was removed."""
        names = self.registry.other_names.get(pv, set())
        names.discard(gone)
        if not names:
            self.registry.other_names.pop(pv, None)
        return bool(names)


def _name(served: Any) -> Any:
    """The own name of what stood in a NameTable."""
    return name_of(served) if isinstance(served, PvHandle) else None


class DriverMap(HookedDict):
    """`manager.driver`: {port: Driver}; what is in it answers for the PVs."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.registry = registry

    def _put(self, key: Any, value: Any) -> Any:
        table = getattr(value, "pvDB", None)
        if isinstance(table, dict) and not isinstance(table, ParamTable):
            value.pvDB = ParamTable.of(self.registry, key, table)
        old = self.get(key)
        if old is not value:
            if old is not None:
                _log.warning(
                    "%s takes the place of %s for the PVs of port %r: a port has one"
                    " driver",
                    type(value).__name__,
                    type(old).__name__,
                    key,
                )
            if self.registry.keeper is not None:
                self._restore(value)
            self.registry.wire_port(key, value)
        return value

    def _restore(self, driver: Any) -> None:
        """Before it is asked for values; one that overrides `restore` is not done yet.

        Its class calls it then.
        """
        overrides = getattr(driver, "overrides_restore", None)
        if self.registry.keeper is not None and (overrides is None or not overrides()):
            self.registry.keeper.came(driver, list(driver.pvDB))

    def _drop(self, key: Any, value: Any) -> None:
        if key not in self:
            self.registry.wire_port(key, None)
