"""DBR layouts written down from the type table, to check replies byte by byte.

Every offset here stands in the table of the protocol text; nothing is computed from C
structures. `decode` also proves that padding and unused bytes are zero.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

STRING, SHORT, FLOAT, ENUM, CHAR, LONG, DOUBLE = range(7)
BASES = ("STRING", "SHORT", "FLOAT", "ENUM", "CHAR", "LONG", "DOUBLE")
FAMILIES = ("PLAIN", "STS", "TIME", "GR", "CTRL")
PLAIN, STS, TIME, GR, CTRL = (7 * n for n in range(5))
PUT_ACKT, PUT_ACKS, STSACK_STRING, CLASS_NAME = 35, 36, 37, 38

ELEMENT_SIZE = (40, 2, 4, 2, 1, 4, 8)
ELEMENT_CODE = ("40s", "h", "f", "H", "B", "i", "d")
VALUE_OFFSET = (
    (0, 0, 0, 0, 0, 0, 0),
    (4, 4, 4, 4, 5, 4, 8),
    (12, 14, 12, 14, 15, 12, 16),
    (4, 24, 40, 422, 19, 36, 64),
    (4, 28, 48, 422, 21, 44, 80),
)
STRUCT_SIZE = (
    (40, 2, 4, 2, 1, 4, 8),
    (44, 6, 8, 6, 6, 8, 16),
    (52, 16, 16, 16, 16, 16, 24),
    (44, 26, 44, 424, 20, 40, 72),
    (44, 30, 52, 424, 22, 48, 88),
)
NAMES = {
    7 * f + b: (BASES[b] if f == 0 else f"{FAMILIES[f]}_{BASES[b]}")
    for f in range(5)
    for b in range(7)
}
# Where the unused bytes of a type lie, as (start, end).
PADS = {
    STS + CHAR: [(4, 5)],
    STS + DOUBLE: [(4, 8)],
    TIME + SHORT: [(12, 14)],
    TIME + ENUM: [(12, 14)],
    TIME + CHAR: [(12, 15)],
    TIME + DOUBLE: [(12, 16)],
    GR + CHAR: [(18, 19)],
    CTRL + CHAR: [(20, 21)],
    GR + FLOAT: [(6, 8)],
    GR + DOUBLE: [(6, 8)],
    CTRL + FLOAT: [(6, 8)],
    CTRL + DOUBLE: [(6, 8)],
}


@dataclass
class Value:
    """A decoded payload; fields that its type does not carry stay None."""

    elements: list[Any]
    status: int | None = None
    severity: int | None = None
    seconds: int | None = None
    nanoseconds: int | None = None
    precision: int | None = None
    units: str | None = None
    limits: list[float] | None = None
    states: list[str] | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def scalar(self) -> Any:
        """The only element."""
        (one,) = self.elements
        return one


def size(dbr: int, count: int) -> int:
    """Bytes of `count` elements of a DBR type, without the padding to eight."""
    family, base = divmod(dbr, 7)
    return STRUCT_SIZE[family][base] + (count - 1) * ELEMENT_SIZE[base]


def encode(base: int, *elements: Any) -> bytes:
    """Plain elements as a client puts them; strings are str or bytes."""
    if base == STRING:
        slots = (e.encode() if isinstance(e, str) else e for e in elements)
        return b"".join(s.ljust(40, b"\0") for s in slots)
    return struct.pack(f">{len(elements)}{ELEMENT_CODE[base]}", *elements)


def decode(dbr: int, count: int, payload: bytes, *, zeroed: bool = True) -> Value:
    """Decode and check sizes and string termination.

    Args:
        dbr: DBR type, 0-34.
        count: Elements in the payload.
        payload: As sent, padded to eight.
        zeroed: Check that padding and unused bytes are zero, too.
    """
    family, base = divmod(dbr, 7)
    needed = size(dbr, count)
    assert len(payload) == needed + -needed % 8, (
        f"{NAMES[dbr]}[{count}]: {len(payload)} bytes, needed {needed} padded to 8"
    )
    unused = [(needed, len(payload)), *PADS.get(dbr, ())] if zeroed else []
    for start, end in unused:
        assert not any(payload[start:end]), f"pad at {start}: {payload[start:end]!r}"
    offset = VALUE_OFFSET[family][base]
    elements = _elements(base, count, payload[offset:], zeroed)
    value = Value(elements, raw=payload)
    if family:
        value.status, value.severity = struct.unpack_from(">hh", payload)
    if family == 2:
        value.seconds, value.nanoseconds = struct.unpack_from(">II", payload, 4)
    if family >= 3:
        _metadata(value, family, base, payload, zeroed)
    return value


def _elements(base: int, count: int, data: bytes, zeroed: bool) -> list[Any]:
    code = f">{count * 40}s" if base == STRING else f">{count}{ELEMENT_CODE[base]}"
    found = struct.unpack_from(code, data)
    if base != STRING:
        return list(found)
    return [_c_string(found[0][40 * i : 40 * i + 40], zeroed) for i in range(count)]


def _c_string(slot: bytes, zeroed: bool) -> bytes:
    head, nul, rest = slot.partition(b"\0")
    assert nul, f"string without NUL: {slot!r}"
    assert not (zeroed and any(rest)), f"old bytes after a string: {slot!r}"
    return head


def _metadata(
    value: Value, family: int, base: int, payload: bytes, zeroed: bool
) -> None:
    if base == STRING:
        return
    if base == ENUM:
        (number,) = struct.unpack_from(">h", payload, 4)
        slots = [payload[6 + 26 * i : 32 + 26 * i] for i in range(16)]
        value.states = [_c_string(s, zeroed).decode() for s in slots[:number]]
        assert not (zeroed and any(b"".join(slots[number:]))), "bytes after the states"
        return
    units_at = 4
    if base in (FLOAT, DOUBLE):
        (value.precision,) = struct.unpack_from(">h", payload, 4)
        units_at = 8
    units = _c_string(payload[units_at : units_at + 8], zeroed)
    value.units = units.decode("latin-1")
    code = f">{6 if family == 3 else 8}{ELEMENT_CODE[base]}"
    value.limits = list(struct.unpack_from(code, payload, units_at + 8))
