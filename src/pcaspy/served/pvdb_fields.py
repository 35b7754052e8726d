"""The fields of a pvdb entry: one table for checks, docs and the JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from ..alarm import Severity, SeverityStrings
from ..lowlevel import casdef
from ..native._fields import COLUMN_TYPES, FORMS, MAX_COUNT

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]  # a piece of JSON Schema

# pcaspy's numbers for types, which have none for 64 bits: those go as what is given.
AIT_OF_TYPE = {
    "enum": casdef.aitEnumEnum16,
    "bool": casdef.aitEnumEnum16,
    "str": casdef.aitEnumString,
    "string": casdef.aitEnumString,
    "text": casdef.aitEnumUint8,
    "float": casdef.aitEnumFloat64,
    "double": casdef.aitEnumFloat64,
    "int": casdef.aitEnumInt32,
    "long": casdef.aitEnumInt32,
    "short": casdef.aitEnumInt16,
    "char": casdef.aitEnumUint8,
    "uchar": casdef.aitEnumUint8,
    "int8": casdef.aitEnumInt8,
    "int16": casdef.aitEnumInt16,
    "int32": casdef.aitEnumInt32,
    "int64": casdef.aitEnumFloat64,
    "uint8": casdef.aitEnumUint8,
    "uint16": casdef.aitEnumUint16,
    "uint32": casdef.aitEnumUint32,
    "uint64": casdef.aitEnumFloat64,
    "float32": casdef.aitEnumFloat32,
    "float64": casdef.aitEnumFloat64,
    "table": casdef.aitEnumContainer,
    "ndarray": casdef.aitEnumContainer,
}
_TYPES_ALLOWED = (
    "'float', 'int', 'short', 'char', 'string', 'text', 'enum', 'bool', 'int8' to"
    " 'int64', 'uint8' to 'uint64', 'float32' or 'float64'; over PVAccess alone"
    " 'table' or 'ndarray'"
)
# Of the numbers of them that a program may give.
NAME_OF_AIT = {
    casdef.aitEnumEnum16: "enum",
    casdef.aitEnumString: "string",
    casdef.aitEnumFloat64: "float",
    casdef.aitEnumInt32: "int",
    casdef.aitEnumInt16: "short",
    casdef.aitEnumUint8: "char",
    casdef.aitEnumInt8: "int8",
    casdef.aitEnumUint16: "uint16",
    casdef.aitEnumUint32: "uint32",
    casdef.aitEnumFloat32: "float32",
}
INTEGERS_OF_64_BITS = ("int64", "uint64")
LONGEST_TEXT = 4096  # bytes, where `count` says nothing
SHORTEST_TEXT = 2  # an array, for clients
LABELS_OF_BOOL = ("False", "True")
STRUCTURED = ("table", "ndarray")  # which only PVAccess has
LEAST_PERIOD = 0.1  # seconds between two looks at a value that is saved


def _number(value: Any) -> Any:
    if isinstance(value, (str, bytes)) or value is None:
        raise ValueError
    float(value)
    return value


def _finite(value: Any) -> Any:
    if not math.isfinite(_number(value)):
        raise ValueError
    return value


def _precision(value: Any) -> Any:
    if not 0 <= _number(value) <= 32767:
        raise ValueError
    return value


def _period(value: Any) -> Any:
    if not _finite(value) >= 0:
        raise ValueError
    return value


def _type(value: Any) -> int:
    if isinstance(value, str):
        return AIT_OF_TYPE[value]
    if value not in NAME_OF_AIT:
        raise ValueError
    return int(value)


def _count(value: Any) -> int:
    if not 1 <= _number(value) <= MAX_COUNT or int(value) != value:
        raise ValueError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)):
        raise ValueError
    return tuple(_text(label) for label in value)


def _columns(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    if not all(re.fullmatch(_COLUMN_NAME, name) for name in value):
        raise ValueError
    if not all(kind in COLUMN_TYPES for kind in value.values()):
        raise ValueError
    return dict(value)


def _severities(value: Any) -> tuple[int, ...]:
    if isinstance(value, (str, bytes)):
        raise ValueError
    severities = tuple(int(_number(severity)) for severity in value)
    if not all(Severity.NO_ALARM <= s <= Severity.INVALID_ALARM for s in severities):
        raise ValueError
    return severities


def _severity(value: Any) -> int:
    if isinstance(value, str):
        return SeverityStrings.index(value)
    if not Severity.NO_ALARM <= _number(value) <= Severity.INVALID_ALARM:
        raise ValueError
    if int(value) != value:
        raise ValueError
    return int(value)


def _form(value: Any) -> str:
    if value not in FORMS:
        raise ValueError
    return str(value)


def _names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else _labels(value)
    if not all(names) or any("\0" in name for name in names):
        raise ValueError
    return names


def _enforcing(value: Any) -> Any:
    if value is True:
        return "refuse"
    if value not in (False, "refuse", "clamp"):
        raise ValueError
    return value


def _truth(value: Any) -> Any:
    return value if isinstance(value, str) and value else bool(value)


def _flag(value: Any) -> bool:
    if isinstance(value, (str, bytes)) or value not in (0, 1):
        raise ValueError
    return bool(value)


def _autosave(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and value):
        return value
    if not LEAST_PERIOD <= _finite(value):
        raise ValueError
    return float(value)


# What a field of a structure may be called over PVAccess.
_COLUMN_NAME = "[A-Za-z_][A-Za-z0-9_]*"


class Rule:
    """How one field is checked, and what it is without being given.

    Args:
        meaning: A sentence for the docs.
        default: The value of a field that is not given.
        take: Returns what is stored for a value, or raises.
        allowed: What a value may be, for texts of errors.
        schema: The same as JSON Schema.
    """

    __slots__ = ("allowed", "default", "meaning", "schema", "take")

    def __init__(
        self,
        meaning: str,
        default: Any,
        take: Callable[[Any], Any],
        allowed: str,
        schema: Schema,
    ) -> None:
        self.meaning, self.default, self.take = meaning, default, take
        self.allowed, self.schema = allowed, schema


def _severity_rule(limit: str, default: int) -> Rule:
    return Rule(
        f"Severity of the alarm of {limit}; with NO_ALARM the limit is not looked at.",
        default,
        _severity,
        "'NO_ALARM', 'MINOR', 'MAJOR' or 'INVALID', or 0 to 3",
        {"enum": [*SeverityStrings, 0, 1, 2, 3]},
    )


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_STRING: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_BOOL: Schema = {"type": "boolean"}

#: All fields but `value`.
RULES: dict[str, Rule] = {
    "type": Rule(
        "Type of an element; in a PVInfo as an ait number, float is 9.",
        casdef.aitEnumFloat64,
        _type,
        _TYPES_ALLOWED,
        {"enum": [*AIT_OF_TYPE]},
    ),
    "count": Rule(
        "Largest number of elements.",
        1,
        _count,
        f"an integer from 1 to {MAX_COUNT}",
        {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
    ),
    "enums": Rule(
        "Labels of the states.",
        (),
        _labels,
        "a sequence of str",
        _list_of({"type": "string"}),
    ),
    "states": Rule(
        "Severity of each state.",
        (),
        _severities,
        "a sequence of severities, 0 to 3",
        _list_of({"enum": [0, 1, 2, 3]}),
    ),
    "prec": Rule(
        "Decimals to show.",
        0.0,
        _precision,
        "a number from 0 to 32767",
        {"type": "number", "minimum": 0, "maximum": 32767},
    ),
    "unit": Rule(
        "Engineering unit.",
        "",
        _text,
        "a str",
        _STRING,
    ),
    "lolim": Rule(
        "Lower display limit, and control limit without drvl.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "hilim": Rule(
        "Upper display limit, and control limit without drvh.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "drvl": Rule(
        "Lower control limit, for setting the value.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "drvh": Rule(
        "Upper control limit, for setting the value.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "hihi": Rule(
        "From here on HIHI, of severity hhsv.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "lolo": Rule(
        "Down from here LOLO, of severity llsv.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "high": Rule(
        "From here on HIGH, of severity hsv.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "low": Rule(
        "Down from here LOW, of severity lsv.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "hhsv": _severity_rule("hihi", Severity.MAJOR_ALARM),
    "hsv": _severity_rule("high", Severity.MINOR_ALARM),
    "lsv": _severity_rule("low", Severity.MINOR_ALARM),
    "llsv": _severity_rule("lolo", Severity.MAJOR_ALARM),
    "hyst": Rule(
        "A limit's alarm ends when the value is back by more than this.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "alarm_delay": Rule(
        "Seconds that a limit is exceeded before its alarm is raised.",
        0.0,
        _period,
        "a time in seconds, 0 for none",
        {"type": "number", "minimum": 0},
    ),
    "adel": Rule(
        "Change that archivers are told about.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "mdel": Rule(
        "Change that monitors are told about.",
        0.0,
        _number,
        "a number",
        {"type": "number"},
    ),
    "scan": Rule(
        "Seconds from one read() to the next; 0: none.",
        0,
        _period,
        "a period in seconds, 0 for none",
        {"type": "number", "minimum": 0},
    ),
    "asyn": Rule(
        "Put callbacks are answered by callbackPV().",
        False,
        _truth,
        "a bool",
        _BOOL,
    ),
    "asg": Rule(
        "Access security group.",
        "",
        _text,
        "a str",
        _STRING,
    ),
    "port": Rule(
        "Which driver serves this PV.",
        "default",
        _text,
        "a str",
        _STRING,
    ),
    "desc": Rule(
        "What it is, for people.",
        "",
        _text,
        "a str",
        _STRING,
    ),
    "form": Rule(
        "How displays show it, over PVAccess. An array of char that is a 'String' is"
        " text there.",
        "Default",
        _form,
        "one of " + ", ".join(map(repr, FORMS)),
        {"enum": [*FORMS]},
    ),
    "alias": Rule(
        "Further names, behind the same prefix.",
        (),
        _names,
        "a name, or a sequence of names",
        {"anyOf": [_NAME, _list_of(_NAME)]},
    ),
    "readonly": Rule(
        "No client may put to it.",
        False,
        _flag,
        "a bool",
        _BOOL,
    ),
    "enforce_limits": Rule(
        "What happens to puts outside the control limits: False, 'refuse' or 'clamp'.",
        False,
        _enforcing,
        "False, True or 'refuse', or 'clamp'",
        {"enum": [False, True, "refuse", "clamp"]},
    ),
    "udf": Rule(
        "Undefined until it is set; False: `value` counts as set.",
        True,
        _flag,
        "a bool",
        _BOOL,
    ),
    "columns": Rule(
        "Names and types of the columns of a table.",
        {},
        _columns,
        "a dict of names, made of letters, digits and '_', and types: "
        + ", ".join(map(repr, COLUMN_TYPES)),
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{_COLUMN_NAME}$"},
            "additionalProperties": {"enum": [*COLUMN_TYPES]},
        },
    ),
    "labels": Rule(
        "What displays call the columns of a table; their names without it.",
        (),
        _labels,
        "a sequence of str, one for each column",
        _list_of({"type": "string"}),
    ),
    "autosave": Rule(
        "Saved, and restored after a restart; True, a period, or the name of a group.",
        False,
        _autosave,
        f"a bool, a period in seconds from {LEAST_PERIOD}, or the name of a group",
        {"anyOf": [_BOOL, {"type": "number", "minimum": LEAST_PERIOD}, _NAME]},
    ),
}
# Fields that the released package does not have.
NEW = (
    *("drvl", "drvh", "hhsv", "hsv", "lsv", "llsv", "hyst", "alarm_delay"),
    *("desc", "form", "alias", "readonly", "enforce_limits", "udf"),
    *("columns", "labels", "autosave"),
)
DEFAULTS = {
    **{name: rule.default for name, rule in RULES.items()},
    "type_name": "float",  # no field: what `type` was given as
}
