"""The type of a pvdb entry, for editors and type checkers. No server needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

# As display.form of EPICS' normative types has them, in their order.
Form = Literal[
    "Default", "String", "Binary", "Decimal", "Hex", "Exponential", "Engineering"
]
SeverityName = Literal["NO_ALARM", "MINOR", "MAJOR", "INVALID"]


class PVSpec(TypedDict, total=False):
    """The fields of a pvdb entry; all are optional."""

    type: Literal[
        "enum",
        "bool",
        "string",
        "text",
        "char",
        "uchar",
        "float",
        "double",
        "int",
        "long",
        "short",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "table",
        "ndarray",
    ]
    count: int
    value: Any
    enums: Sequence[str]
    states: Sequence[int]
    prec: float
    unit: str
    lolim: float
    hilim: float
    drvl: float
    drvh: float
    hihi: float
    lolo: float
    high: float
    low: float
    hhsv: SeverityName | int
    hsv: SeverityName | int
    lsv: SeverityName | int
    llsv: SeverityName | int
    hyst: float
    alarm_delay: float
    adel: float
    mdel: float
    scan: float
    asyn: bool
    asg: str
    port: str
    desc: str
    form: Form
    alias: str | Sequence[str]
    readonly: bool
    enforce_limits: bool | Literal["refuse", "clamp"]
    udf: bool
    columns: Mapping[str, str]
    labels: Sequence[str]
    autosave: bool | float | str
