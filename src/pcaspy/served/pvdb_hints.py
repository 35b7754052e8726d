"""Warnings about pvdb entries that are probably wrong, but are served.

Programs written for the released pcaspy have such entries and must continue to run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sized

from ..lowlevel import casdef
from ..native._fields import Fields
from .pvdb_fields import STRUCTURED

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("pcaspy.pvdb")

_LONGEST_UNIT = 7  # bytes: MAX_UNITS_SIZE of db_access.h, less the NUL
_NUMBERS = (
    *("prec", "unit", "lolim", "hilim", "drvl", "drvh", "hihi", "lolo", "high", "low"),
    *("adel", "mdel", "enforce_limits"),
)
_PAIRS = [
    ("lolo", "hihi", "neither raises an alarm"),
    ("low", "high", "neither raises an alarm"),
    ("lolim", "hilim", "displays show an empty range"),
    ("drvl", "drvh", "displays show an empty range"),
]


def warn_of_fields(pv: str, values: Mapping[str, Any], given: frozenset[str]) -> None:
    """For checked fields, before they are completed."""
    for text in _in_fields(values, given):
        _log.warning("PV %r: %s", pv, text)


def _in_fields(values: Mapping[str, Any], given: frozenset[str]) -> Iterator[str]:
    unit = values["unit"].encode("utf-8", "surrogateescape")
    if len(unit) > _LONGEST_UNIT:
        cut = unit[:_LONGEST_UNIT].decode("utf-8", "ignore")
        yield (
            f"field 'unit' is {values['unit']!r}, which clients get as {cut!r}:"
            f" {_LONGEST_UNIT} bytes are sent"
        )
    if values["enums"] and values["type"] != casdef.aitEnumEnum16:
        yield "field 'enums' has no effect: only types 'enum' and 'bool' have labels"
    if isinstance(values["asyn"], str):
        yield f"field 'asyn' is {values['asyn']!r}: every text counts as True"
    enums, states = len(values["enums"]), len(values["states"])
    if "states" in given and states and states < enums:
        yield (
            f"field 'states' has {states} severities for {enums} labels: the others"
            " are NO_ALARM"
        )
    if values["type_name"] != "table":
        for name in ("columns", "labels"):
            if values[name]:
                yield f"field {name!r} has no effect: only type 'table' has columns"
    if values["type_name"] in STRUCTURED:
        for name in _NUMBERS:
            if name in given:
                yield f"field {name!r} has no effect: the type is not a number"
    for low, high, so in _PAIRS:
        if low in given and high in given and values[low] > values[high]:
            yield f"field {low!r} is {values[low]}, above {high!r} {values[high]}: {so}"
    if values["enforce_limits"]:
        low = "drvl" if "drvl" in given else "lolim"
        high = "drvh" if "drvh" in given else "hilim"
        if not values[low] < values[high]:
            yield (
                f"field 'enforce_limits' has no effect: {high!r} {values[high]} is not"
                f" above {low!r} {values[low]}"
            )


def warn_of_value(pv: str, fields: Fields, value: Any) -> Any:
    """For a value that can be one of such a PV; what that makes of it.

    Raises:
        TypeError, ValueError: It cannot.
    """
    stored, cut = fields.stored(value)
    if cut:
        _log.warning(
            "PV %r: field 'value' has %s elements, the first %d are kept",
            pv,
            len(value) if isinstance(value, Sized) else "more",
            fields.values["count"],
        )
    elif _is_no_state(fields, stored):
        _log.warning(
            "PV %r: field 'value' is %r, but there are only %d states",
            pv,
            value,
            len(fields.values["enums"]),
        )
    elif _is_one_of_many(fields, value):
        _log.warning(
            "PV %r: field 'value' is one text for an array of %d; the type of a long"
            " text is 'text'",
            pv,
            fields.values["count"],
        )
    elif _is_another(fields, value, stored):
        _log.warning("PV %r: field 'value' is %r, which becomes %r", pv, value, stored)
    return stored


def _is_no_state(fields: Fields, stored: Any) -> bool:
    values = fields.values
    enum = values["type"] == casdef.aitEnumEnum16 and values["count"] == 1
    return bool(enum and values["enums"] and stored >= len(values["enums"]))


def _is_one_of_many(fields: Fields, value: Any) -> bool:
    """A text for a PV of type string that has more than one."""
    values = fields.values
    many = values["type"] == casdef.aitEnumString and values["count"] > 1
    return many and isinstance(value, str) and value != ""


def _is_another(fields: Fields, value: Any, stored: Any) -> bool:
    """A single number or text that is not kept as it is."""
    if fields.values["count"] > 1 or isinstance(value, (list, tuple)):
        return False
    if fields.values["type_name"] in STRUCTURED:
        return False
    if fields.is_text and not isinstance(value, str):
        return not 0 <= value <= 255
    if isinstance(value, str) != isinstance(stored, str):
        return False  # a label, or a number as text: it may be written so
    nan = value != value and stored != stored
    return bool(value != stored) and not nan
