"""Conversions between the types of a gdd, as the server library of EPICS does them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..native._fields import MAX_COUNT

INVALID, ENUM, DOUBLE, FIXED_STRING, STRING, CONTAINER = 0, 5, 9, 10, 11, 12
DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("i1"),
    2: np.dtype("u1"),
    3: np.dtype("i2"),
    4: np.dtype("u2"),
    ENUM: np.dtype("u2"),
    6: np.dtype("i4"),
    7: np.dtype("u4"),
    8: np.dtype("f4"),
    DOUBLE: np.dtype("f8"),
}
TEXTS = (FIXED_STRING, STRING)
# Of each integer type: from where on a C cast is not defined, the least, the greatest.
_RANGES = {
    name: (
        2.0**63 if name == "u4" else 2.0**31,
        int(np.iinfo(name).min),
        int(np.iinfo(name).max),
    )
    for name in ("i1", "u1", "i2", "u2", "i4", "u4")
}
_NUMBER = re.compile(
    r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"
)


def sixteen_bit(number: int) -> int:
    if not isinstance(number, int):
        raise TypeError(f"{number!r} is no alarm status or severity")
    if not 0 <= number <= 0xFFFF:
        raise OverflowError(f"{number} is no alarm status or severity")
    return int(number)


def size_of(asked: int | None, default: int) -> int:
    if asked is None:
        return default
    if not 0 <= asked <= MAX_COUNT:
        raise ValueError(f"there are no {asked} elements")
    return asked


def of_size(items: list[Any], asked: int | None, rest: Any) -> list[Any]:
    size = size_of(asked, len(items))
    return [*items[:size], *[rest] * (size - len(items))]


def number_in(value: Any) -> float:
    """A number; text is none."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def text_in(value: Any) -> str:
    """Text; a number is none."""
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is no text")
    return as_str(value)


def as_str(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def bytes_of(text: Any) -> bytes:
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    if isinstance(text, int):
        raise TypeError(f"{text!r} is no text")
    return bytes(text)


def until_nul(text: str) -> str:
    return text.partition("\0")[0]


def shortened(text: str) -> str:
    """At most 39 bytes, and no half of a character."""
    text = until_nul(text)
    if len(text) > 9:  # else at most 36 bytes
        cut = bytes_of(text)[:39]
        text = cut.decode("utf-8", "ignore") if len(cut) == 39 else text
    return text


def _read_number(text: str) -> float | None:
    """The number that a text begins with, or None."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    sign, digits, number = found.groups()
    size = float(int(digits, 16)) if digits else float(number)
    return -size if sign == "-" else size


def as_number(value: Any) -> float:
    if isinstance(value, str):
        return _read_number(value) or 0.0
    return float(value)


def as_text(value: Any, prim: int) -> str:
    """A number as the server library writes it: four decimals where they say enough."""
    if isinstance(value, str):
        return value
    if prim == ENUM:
        return str(int(value))
    number = float(value)
    plain = number == 0 or 1e-4 < abs(number) < 1e4
    return f"{number:.4f}" if plain else f"{number:g}"


def one(value: Any, prim: int, old: int = DOUBLE) -> Any:
    """One number or text as that type; None for text that is not such a number.

    `old` is the type that a number had.
    """
    if prim in TEXTS:
        text = as_text(value, old)
        return shortened(text) if prim == FIXED_STRING else until_nul(text)
    dtype = DTYPES.get(prim, DTYPES[DOUBLE])
    if isinstance(value, str):
        number = None if prim == ENUM else _read_number(value)
        if number is None or not _fits(number, dtype):
            return None
        value = number
    if dtype.kind != "f":
        return _integer(float(value), dtype)
    return float(value) if dtype.itemsize == 8 else _single(value)


def _integer(number: float, dtype: np.dtype[Any]) -> int:
    """As `cast`, of one number."""
    if number != number:
        return 0
    edge, least, most = _RANGES[dtype.str[1:]]
    if not -edge < number < edge:
        return most if number > 0 else least
    whole = int(number) & (1 << 8 * dtype.itemsize) - 1
    return whole if whole <= most else whole - (1 << 8 * dtype.itemsize)


def _single(value: Any) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _fits(number: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "f":
        return True
    info = np.iinfo(dtype)
    return int(info.min) <= number <= int(info.max)


def converted(value: Any, old: int, prim: int) -> Any:
    """A copy of what a gdd of type `old` holds, for one of type `prim`."""
    if isinstance(value, (np.ndarray, list)):
        if prim not in DTYPES and prim not in TEXTS:
            return value.copy()
        if prim in TEXTS:
            return [one(item, prim, old) for item in value]
        if isinstance(value, list):
            value = np.array([as_number(item) for item in value], "f8")
        return cast(value, DTYPES[prim])
    if old == INVALID:
        return "" if prim in TEXTS else 0
    new = one(value, prim, old)
    return one(0, prim) if new is None else new


def in_array(value: Any, prim: int, count: int) -> Any:
    """An array of that size with one element, and nothing in the others."""
    if prim in TEXTS:
        return [value, *[""] * (count - 1)]
    made = np.zeros(count, DTYPES.get(prim, DTYPES[DOUBLE]))
    made[0] = value
    return made


def cast(values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> Any:
    """A new array: as a C cast where that is defined, else the nearest; NaN is 0."""
    if values.dtype.kind == "f" and dtype.kind in "iu":
        edge, least, most = _RANGES[dtype.str[1:]]
        whole = np.where(np.abs(values) < edge, values, 0.0).astype("i8").astype(dtype)
        whole[values >= edge] = most
        whole[values <= -edge] = least
        return whole
    with np.errstate(over="ignore"):
        return values.astype(dtype)
