"""How EPICS' command line tools print values, with alarms, times and metadata."""

from __future__ import annotations

import os
import time

from aioca.native._plain_values import (
    CHAR,
    CLASS_NAME,
    DOUBLE,
    ENUM,
    EPICS_EPOCH,
    FLOAT,
    STSACK_STRING,
)

# Known to type checkers; the module itself takes longer to import than this one.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any

    from aioca.native._plain_values import Value

#: Names of the types, by the code of the plain type
TYPES = ("STRING", "SHORT", "FLOAT", "ENUM", "CHAR", "LONG", "DOUBLE")
#: Prefixes of the kinds of structures; a code is kind * 7 + type
KINDS = ("", "STS_", "TIME_", "GR_", "CTRL_")
STS, TIME, GR, CTRL = 1, 2, 3, 4

#: Alarm conditions and severities, by number
CONDITIONS = (
    "NO_ALARM READ WRITE HIHI HIGH LOLO LOW STATE COS COMM TIMEOUT HWLIMIT CALC SCAN "
    "LINK SOFT BAD_SUB UDF DISABLE SIMM READ_ACCESS WRITE_ACCESS"
).split()
SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")

_ESCAPES = {
    0: "\\0",
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
    34: '\\"',
    39: "\\'",
    92: "\\\\",
}
_RAW = {text[1]: bytes([code]) for code, text in _ESCAPES.items()}
_ESCAPED = r"(?s)\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)"


class Style:
    """What the options of the tools choose about the output."""

    def __init__(self) -> None:
        #: printf format of floating point numbers
        self.real = "%g"
        #: Whole numbers as ``d``, ``x``, ``o`` or ``b``
        self.whole = "d"
        #: Floating point numbers rounded to whole ones of this kind; ``d``: not
        self.real_as_whole = "d"
        #: Between the fields of a line
        self.separator = " "
        #: Enums as numbers
        self.enum_as_number = False
        #: Arrays of characters as text
        self.text = False
        #: Number of elements asked for, 0 for all
        self.count = 0
        #: Which time stamps, and of which kind, as in ``camonitor -t``
        self.server_time = True
        self.client_time = False
        self.relative = ""
        #: Moments that relative time stamps refer to, by what they belong to
        self.moments: dict[Any, tuple[float, float]] = {}


def type_name(code: int) -> str:
    """The name of a DBR code, for example ``DBR_TIME_DOUBLE``."""
    if code == STSACK_STRING:
        return "DBR_STSACK_STRING"
    if code == CLASS_NAME:
        return "DBR_CLASS_NAME"
    return "DBR_" + KINDS[code // 7] + TYPES[code % 7]


def escape(raw: bytes) -> str:
    """Text as it can be printed: what is not printable ASCII is escaped."""
    return "".join(
        _ESCAPES.get(code) or (chr(code) if 32 <= code < 127 else f"\\x{code:02x}")
        for code in raw
    )


def unescape(text: str) -> bytes:
    """The bytes that an argument with escapes stands for."""
    if "\\" not in text:
        return os.fsencode(text)
    import re

    def replace(match: re.Match[str]) -> str:
        sequence = match[1]
        if sequence[0] == "x" and len(sequence) > 1:
            return chr(int(sequence[1:], 16))
        if sequence.isdigit() and sequence[0] in "01234567":
            return chr(int(sequence, 8) & 0xFF)
        return _RAW.get(sequence, sequence.encode()).decode("latin-1")

    # Bytes as characters, so that escapes and UTF-8 come out as they are.
    plain = os.fsencode(text).decode("latin-1")
    return re.sub(_ESCAPED, replace, plain).encode("latin-1")


def whole_number(number: int, kind: str) -> str:
    """A whole number in one of the bases; negative ones as 32 bits."""
    if kind == "d":
        return str(number)
    number &= 0xFFFFFFFF
    if kind == "b":
        return f"{number:b}"
    return f"0x{number:X}" if kind == "x" else f"0o{number:o}"


def real_number(number: float, style: Style) -> str:
    """A floating point number, perhaps rounded to a whole one."""
    if style.real_as_whole == "d":
        return style.real % number
    return whole_number(
        int(number + (0.5 if number > 0 else -0.5)), style.real_as_whole
    )


def element(item: Any, value: Value, style: Style) -> str:
    """One element of a value."""
    base = value.datatype
    if isinstance(item, str):
        return escape(item.encode())
    if isinstance(item, bytes):
        return escape(item)
    if base in (FLOAT, DOUBLE):
        return real_number(item, style)
    if base == CHAR:
        return str(item - 256 if item > 127 else item)
    if base == ENUM:
        labels = getattr(value, "enums", None)
        if labels is None or style.enum_as_number:
            return str(item)
        if item < len(labels):
            return escape(labels[item].encode())
        return (
            f"Illegal Value ({item})"
            if item >= 16
            else (f"Enum Index Overflow ({item})")
        )
    return whole_number(item, style.whole)


def is_text(value: Value, style: Style) -> bool:
    """Whether an array of characters is to be printed as one text."""
    return (
        style.text
        and value.datatype == CHAR
        and (style.count > 0 or len(value.elements) > 1)
    )


def value_text(value: Value, style: Style, counted: bool = True) -> str:
    """A value as the tools print it, arrays with their number of elements in front."""
    items = value.elements
    if is_text(value, style):
        return escape(bytes(items).partition(b"\0")[0])
    words = [element(item, value, style) for item in items]
    if counted and (style.count or len(items) > 1):
        words.insert(0, str(len(items)))
    return style.separator.join(words)


def name_text(name: str, count: int, style: Style) -> str:
    """A name in its column."""
    if count <= 1 and style.separator == " ":
        name = f"{name:<30}"
    return name + style.separator


def moment_text(seconds: int, nanoseconds: int) -> str:
    """A moment as local time with microseconds."""
    if (seconds, nanoseconds) == (EPICS_EPOCH, 0):
        return "<undefined>"
    micros = min((nanoseconds + 500) // 1000, 999999)
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    return f"{clock}.{micros:06d}"


def now_text() -> str:
    """This moment."""
    return moment_text(*divmod(time.time_ns(), 1_000_000_000))


def alarm_text(value: Value) -> tuple[str, str]:
    """Names of condition and severity."""
    condition, severity = value.status, value.severity
    return (
        CONDITIONS[condition] if 0 <= condition < len(CONDITIONS) else "??",
        SEVERITIES[severity] if 0 <= severity < len(SEVERITIES) else "??",
    )


def stamp_text(value: Value, style: Style) -> str:
    """The time stamps of a wide line, absolute or relative to an earlier moment."""
    now = time.time_ns()
    server = value.raw_stamp[0] + value.raw_stamp[1] * 1e-9
    client = now * 1e-9
    keys = {"r": "start", "i": "last", "I": value.name}
    key = keys.get(style.relative)
    first = ("first", value.name) not in style.moments
    style.moments[("first", value.name)] = (server, client)
    # Relative to the start of the program: the first stamp that any server sent.
    start = style.moments.setdefault("start", (server, client))
    if style.moments["start"][0] == 0:
        start = style.moments["start"] = (server, start[1])
    reference = style.moments.get(key, (server, client)) if key else (0.0, 0.0)
    style.moments["last"] = style.moments[value.name] = (server, client)
    text = ""
    if key is None or first:
        if style.server_time:
            text += moment_text(*value.raw_stamp)
        if style.client_time:
            text += f"({moment_text(*divmod(now, 1_000_000_000))})"
        return text
    if style.server_time:
        text += f"              {server - reference[0]:+12.6f}"
    if style.client_time:
        text += f"              ({client - reference[1]:+12.6f})"
    return text


def wide_line(value: Value, style: Style) -> str:
    """Name, time stamp, value, alarm."""
    line = name_text(value.name, len(value.elements), style)
    line += stamp_text(value, style) + style.separator + value_text(value, style)
    alarm = alarm_text(value) if value.status or value.severity else ("", "")
    return line + style.separator + style.separator.join(alarm)


def details(value: Value, code: int) -> list[str]:
    """The lines about what came along with a value, as ``caget -d`` prints them."""
    lines: list[str] = []

    def add(label: str, text: str) -> None:
        lines.append(f"    {label + ':':<18}{text}")

    kind = code // 7
    if code < 7 or code == CLASS_NAME:
        return lines
    if kind == TIME:
        add("Timestamp", moment_text(*value.raw_stamp))
    condition, severity = alarm_text(value)
    add("Status", condition)
    add("Severity", severity)
    if code == STSACK_STRING:
        add("Ack transient?", "YES" if value.ackt else "NO")
        add("Ack severity", SEVERITIES[value.acks] if value.acks < 4 else "??")
    elif kind in (GR, CTRL) and hasattr(value, "enums"):
        add("Enums", f"({len(value.enums):2d})")
        lines += [
            f"                      [{index:2d}] {label}"
            for index, label in enumerate(value.enums)
        ]
    elif kind in (GR, CTRL) and hasattr(value, "units"):
        add("Units", value.units)
        if hasattr(value, "precision"):
            add("Precision", str(value.precision))
        limits = ["disp", "alarm", "warning", "ctrl"][: 3 if kind == GR else 4]
        order = [("lower", "disp"), ("upper", "disp"), ("lower", "alarm"),
                 ("lower", "warning"), ("upper", "warning"), ("upper", "alarm"),
                 ("lower", "ctrl"), ("upper", "ctrl")]  # fmt: skip
        for side, which in order:
            if which in limits:
                label = "Lo" if side == "lower" else "Hi"
                short = "warn" if which == "warning" else which
                number = getattr(value, f"{side}_{which}_limit")
                shown = f"{number:g}" if hasattr(value, "precision") else f"{number:8d}"
                add(f"{label} {short} limit", shown)
    return lines
