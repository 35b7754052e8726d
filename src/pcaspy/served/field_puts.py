"""Puts to fields of PVs: what they change of the PV's own fields, those of its entry.

Reads of fields, and their events, need no Python: the engine makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType

from ..lowlevel.casdef import DBE_LOG, DBE_VALUE
from ..native._handle import info_of
from ..native._links import data_of
from ..native._request import Request
from .pvdb_fields import RULES

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

# Fields of a pvdb entry by the names that records have for them.
_ENTRY = {
    "DESC": "desc",
    "EGU": "unit",
    "PREC": "prec",
    "HOPR": "hilim",
    "LOPR": "lolim",
    "DRVH": "drvh",
    "DRVL": "drvl",
    "HIHI": "hihi",
    "HIGH": "high",
    "LOW": "low",
    "LOLO": "lolo",
    "ADEL": "adel",
    "MDEL": "mdel",
    "HYST": "hyst",
    "HHSV": "hhsv",
    "HSV": "hsv",
    "LSV": "lsv",
    "LLSV": "llsv",
}
_STATES = (
    "ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV",
    "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF",
)  # fmt: skip
_LABELS = {
    "ZNAM": 0,
    "ONAM": 1,
    **{f"{name}ST": index for index, name in enumerate(_STATES)},
}
_SEVERITIES = {
    "ZSV": 0,
    "OSV": 1,
    **{f"{name}SV": index for index, name in enumerate(_STATES)},
}
# Seconds of the choices of SCAN; None where nothing here stands for it.
_PERIODS = (0, None, None, 10, 5, 2, 1, 0.5, 0.2, 0.1)


def _with_element(elements: tuple[Any, ...], index: int, new: Any, fill: Any) -> Any:
    made = [*elements, *[fill] * (index + 1 - len(elements))]
    made[index] = new
    return tuple(made)


def _changes(values: dict[str, Any], field: str, value: Any) -> dict[str, Any] | None:
    """The fields of a pvdb entry that a put changes; None: none that a put can."""
    if _ENTRY.get(field) in RULES:
        return {_ENTRY[field]: value}
    if field in _LABELS:
        return {"enums": _with_element(values["enums"], _LABELS[field], value, "")}
    if field in _SEVERITIES:
        index = _SEVERITIES[field]
        return {"states": _with_element(values["states"], index, value, 0)}
    if field == "SCAN" and _PERIODS[value] is not None:
        return {"scan": _PERIODS[value]}
    return None


def process(pv: Any, driver: Any, read: Callable[[], Any]) -> Any:
    """As an IOC processes a record: posts what ``read()`` returns.

    Returns:
        The coroutine that it returned in place of a value; nothing is done then.
    """
    reason, data = info_of(pv).reason, data_of(pv)
    try:
        value = read()
        if isinstance(value, CoroutineType):
            return value
        if value is None:
            raise ValueError("read() returned None")
        driver.setParam(reason, value)
    except Exception:
        if data is not None:
            data.fail_read()
        raise
    driver.updatePV(reason)
    if data is not None:
        data.post(True)
    return None


def _set(pv: Any, driver: Any, field: str, value: Any) -> None:
    fields = info_of(pv).fields
    changes = _changes(fields.values, field, value)
    if changes is None:
        raise ValueError(f"the field {field} cannot be changed by clients")
    new = {
        name: wanted
        for name, wanted in changes.items()
        if name not in fields.given or fields.values[name] != wanted
    }
    if not new:
        return
    reason, data = info_of(pv).reason, data_of(pv)
    driver.setParamInfo(reason, new)
    if data is not None and field.endswith("ST") and data.value == _LABELS[field]:
        data.mask |= DBE_VALUE | DBE_LOG  # its text is another one, as an mbbo's
    driver.updatePV(reason)
    if data is not None:
        data.post(True)  # one that is scanned waits for its next value otherwise


def put(request: Request, pv: Any, driver: Any, field: str) -> Any:
    """Carries out a put to a field of `pv`.

    Returns:
        A coroutine whose value `process` still has to take, or None.

    Raises:
        ValueError: Clients cannot change it, or not to that value.
    """
    request.field_put_begins()
    if field == "PROC":
        later = process(pv, driver, lambda: driver.read(info_of(pv).reason))
        if later is not None:
            return later
    elif field != "DISP":  # which the engine keeps
        _set(pv, driver, field, request.value)
    request.field_put_done()
    return None
