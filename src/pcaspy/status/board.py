"""The status PVs of one prefix, and what their driver does with puts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..alarm import Alarm, Severity
from ..native._data import Data
from ..native._handle import info_of
from ..native._time import epicsTimeStamp
from ..served.pv import SimplePV
from ..served.pvdb import parse
from ..served.registry import Registry
from ..served.tables import ParamTable
from .entries import PERIOD_OF, Entry, Group

_log = logging.getLogger("pcaspy.status")

PORT = "pcaspy status"


class Reactions:
    """What puts to status PVs bring about. Called by process()."""

    def __init__(
        self, read_rules: Callable[[], None], set_period: Callable[[Group, float], None]
    ) -> None:
        self.read_rules = read_rules
        self.set_period = set_period


class StatusDriver:
    """The driver of status PVs: what a server asks of a Driver, and no more."""

    port = PORT

    def __init__(self, registry: Registry, reactions: Reactions) -> None:
        self.pvDB = ParamTable(registry, PORT)
        self._reactions = reactions

    def read(self, reason: str) -> Any:
        """Of a put to PROC: the value as it is."""
        return self.pvDB[reason].value

    def write(self, reason: str, value: Any) -> bool:
        """Clients set the mode and the periods, and have the access file read."""
        if reason == "READACF":
            return value != 1 or self._read_rules()
        if reason == "ACCESS":
            return self._set_mode(value)
        if reason not in PERIOD_OF or value != value:
            return False
        self._reactions.set_period(PERIOD_OF[reason], value)
        return True

    def _read_rules(self) -> bool:
        data: Data = self.pvDB["READACF"]
        try:
            self._reactions.read_rules()
        except (OSError, ValueError, RuntimeError) as error:
            _log.error("READACF: %s", error)
            data.set_status(Alarm.SOFT_ALARM, Severity.INVALID_ALARM)
            data.post()
            return False
        self.show({"READACF": 0.0})
        return True

    def _set_mode(self, value: Any) -> bool:
        data: Data = self.pvDB["ACCESS"]
        if not isinstance(value, int) or value >= len(info_of(data.handle).enums):
            return False
        data.set(value)
        return True

    # ---- parameters ----

    def show(
        self, values: Mapping[str, Any], when: epicsTimeStamp | None = None
    ) -> None:
        """Sets those of the values that are of PVs here, and sends them to clients."""
        now = epicsTimeStamp() if when is None else when
        table = self.pvDB
        for reason, value in values.items():
            data = dict.get(table, reason)
            if data is not None:
                data.set(value, now)
                data.post(True)

    def getParam(self, reason: str) -> Any:
        """For the line that a log has of a put."""
        return self.pvDB[reason].value

    def setParam(self, reason: str, value: Any) -> None:
        """Of a put to PROC."""
        self.pvDB[reason].set(value)

    def setParamInfo(self, reason: str, info: Mapping[str, Any]) -> None:
        """Of a put to a field: a limit, say."""
        data = self.pvDB[reason]
        info_of(data.handle).change(info)
        self.pvDB.registry.changed_fields(data.handle)
        data.refresh(True)

    def setParamStatus(self, reason: str, alarm: int, severity: int) -> None:
        """A put was refused. The PV says how the server is, so it gets no alarm."""

    def updatePV(self, reason: str) -> None:
        """What a put has changed."""
        self.pvDB[reason].post()

    def overrides_read(self) -> bool:
        """Gets need no Python."""
        return False

    def overrides_update(self) -> bool:
        """Neither do posts."""
        return False


class Board:
    """The status PVs of a prefix. They are of no table that programs see.

    Raises:
        ValueError: The prefix or the group is not one.
    """

    def __init__(
        self,
        prefix: str,
        entries: list[Entry],
        asg: str,
        reactions: Reactions,
    ) -> None:
        pvdb = {entry.name: entry.fields(PORT, asg) for entry in entries}
        pvdb["ACCESS"]["desc"] = f"{prefix.removesuffix(':')} Acc Mode"
        pvdb["READACF"]["desc"] = f"{prefix.removesuffix(':')} ACF Update"
        self._registry = Registry()
        self._registry.add([SimplePV(i.name, i) for i in parse(prefix, pvdb)])
        self.driver = StatusDriver(self._registry, reactions)
        self._registry.driver[PORT] = self.driver
        self.names: dict[str, SimplePV] = dict(self._registry.pvf)
        self.constant: dict[str, Any] = {}  # of this prefix alone
