"""The PVs and drivers of a server, in dicts that programs can edit.

`manager.pvs` is {port: {reason: PV}}, `manager.pvf` is {full name: PV} and
`manager.driver` is {port: Driver}; a Driver's `pvDB` is {reason: Data}. Every change of
these dicts takes effect at once: a PV that is added is served, a PV that is removed is
not.
"""

from __future__ import annotations

from collections.abc import Mapping

from .registry import last
from .tables import DriverMap, NameTable, PortMap, replace

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any


class ManagerType(type):
    """Maps the dicts of `Manager` to those of the server created last."""

    @property
    def pvs(cls) -> PortMap:
        return last().pvs

    @pvs.setter
    def pvs(cls, contents: Mapping[str, Mapping[str, Any]]) -> None:
        replace(last().pvs, contents)

    @property
    def pvf(cls) -> NameTable:
        return last().pvf

    @pvf.setter
    def pvf(cls, contents: Mapping[str, Any]) -> None:
        replace(last().pvf, contents)

    @property
    def driver(cls) -> DriverMap:
        return last().driver

    @driver.setter
    def driver(cls, contents: Mapping[str, Any]) -> None:
        replace(last().driver, contents)


class Manager(metaclass=ManagerType):
    """The PVs and drivers of the server created last: `pvs`, `pvf` and `driver`."""

    pvs = property(
        lambda self: Manager.pvs, lambda self, new: replace(Manager.pvs, new)
    )
    pvf = property(
        lambda self: Manager.pvf, lambda self, new: replace(Manager.pvf, new)
    )
    driver = property(
        lambda self: Manager.driver, lambda self, new: replace(Manager.driver, new)
    )


manager = Manager()
