"""Values in the lines of a state file, and how they fit the PVs of now.

A number is a JSON number; NaN and the infinities are texts. An enum has its labels. An
array of more than a hundred numbers is its bytes in base 64. All are exact.
"""

from __future__ import annotations

import base64
import math
import struct
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from ..native._fields import Fields
from .format import Entry

_PIECE = 3 * 2**16  # bytes
LISTED = 100  # elements of an array that people may want to read
INTEGERS = {
    **dict.fromkeys(("int", "long", "int32"), (-(2**31), 2**31 - 1)),
    **dict.fromkeys(("short", "int16"), (-(2**15), 2**15 - 1)),
    **dict.fromkeys(("char", "uchar", "uint8"), (0, 255)),
    "int8": (-128, 127),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
FLOATS = ("float", "double", "float32", "float64")
_TEXTS = ("string", "str", "text", "char", "uchar")
_CHARACTERS = ("char", "uchar")
_LABELLED = ("enum", "bool")
_STRUCTURED = ("table", "ndarray")
# Codes of `array` by that of the bytes, with which base 64 is labelled.
_CODES = {
    **{"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"},
    **{"i8": "q", "u8": "Q", "f4": "f", "f8": "d", "b1": "B"},
}
_NAN = struct.pack(">d", math.nan)


class MisfitError(ValueError):
    """A saved value is none that the PV can have; the text says which ones can be."""


class Labelled(NamedTuple):
    """Values of an enum: its labels, and their numbers when it was saved."""

    labels: list[str]
    numbers: list[int]


class Saved(NamedTuple):
    """What a line says: the type by its name in a pvdb, and the value."""

    type_name: str
    value: Any  # a number, text, list, Labelled, or what numpy makes of the rest


# ---- writing ----


def float_text(value: float) -> str:
    """A number of JSON, or a text for what has none."""
    if math.isfinite(value):
        return repr(value)
    if value == value:
        return '"inf"' if value > 0 else '"-inf"'
    packed = struct.pack(">d", value)
    return '"nan"' if packed == _NAN else f'"nan:{packed.hex()}"'


def text_text(value: str) -> str:
    """A text of JSON; bytes that are no UTF-8 stay what they are."""
    encoded = encode_basestring(value)
    return encoded if _is_plain(encoded) else encode_basestring_ascii(value)


def _is_plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def bool_text(value: Any) -> str:
    return "true" if value else "false"


_TEXT_OF: dict[type, Callable[[Any], str]] = {
    float: float_text,
    int: int.__repr__,
    bool: bool_text,
    str: text_text,
}


def members(value: Any, labels: Sequence[str] | None, most: int) -> str:
    """The members of a line that say what a value is, without braces.

    Args:
        value: A number or a text, a list of them, a pair of bytes and what they are, or
            what numpy makes of a table or an image.
        labels: Of an enum or a bool; else None.
        most: Elements that the PV may have.
    """
    count = f',"count":{most}' if most > 1 else ""
    if labels is not None:
        return _labelled(value, labels) + count
    simple = _TEXT_OF.get(type(value))
    if simple is not None:
        return f'"value":{simple(value)}{count}'
    return f'"value":{_compound(value)}{count}'


def _labelled(value: Any, labels: Sequence[str]) -> str:
    numbers: list[int] = value if isinstance(value, list) else [value]
    names = [labels[n] if n < len(labels) else str(int(n)) for n in numbers]
    texts = [text_text(name) for name in names]
    whole = [str(int(n)) for n in numbers]
    if isinstance(value, list):
        chosen, index = f"[{','.join(texts)}]", f"[{','.join(whole)}]"
    else:
        chosen, index = texts[0], whole[0]
    listed = ",".join(map(text_text, labels))
    return f'"value":{chosen},"index":{index},"labels":[{listed}]'


def _compound(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join([_TEXT_OF[type(item)](item) for item in value])}]"
    if isinstance(value, tuple):
        return _bytes_text(*value)
    if isinstance(value, dict):
        columns = [f"{text_text(k)}:{_column(v)}" for k, v in value.items()]
        return f'{{"columns":{{{",".join(columns)}}}}}'
    return _image_text(value)


def _column(value: Any) -> str:
    if isinstance(value, list):
        return _compound(value)
    return _numbers_text(value)


def _numbers_text(values: Any) -> str:
    """Of an array of numpy with one dimension."""
    if values.size <= LISTED:
        return _compound(values.tolist())
    return _bytes_text(_code_of(values), values.tobytes())


def _image_text(values: Any) -> str:
    shape = ",".join(map(str, values.shape))
    return (
        f'{{"shape":[{shape}],"dtype":"{_code_of(values)}",'
        f'"elements":{_numbers_text(values.reshape(-1))}}}'
    )


def _code_of(values: Any) -> str:
    return f"{values.dtype.kind}{values.dtype.itemsize}"


def _bytes_text(code: str, data: bytes | bytearray) -> str:
    if sys.byteorder == "big":
        swapped = array(_CODES[code], bytes(data))
        swapped.byteswap()
        data = swapped.tobytes()
    view = memoryview(data)  # in pieces, between which other threads run
    pieces = [
        base64.b64encode(view[start : start + _PIECE])
        for start in range(0, len(view), _PIECE)
    ]
    return f'{{"dtype":"{code}","base64":"{b"".join(pieces).decode()}"}}'


# ---- reading ----


def saved_value(entry: Entry) -> Saved:
    """The value that a line has.

    Raises:
        ValueError: It makes no sense.
    """
    try:
        name, value = entry["type"], entry["value"]
        if name in FLOATS and type(value) is float:
            return Saved(name, value)
        return Saved(name, _value(name, value, entry))
    except ValueError:
        raise
    except Exception as error:  # anything may stand in a file
        raise ValueError(f"{error!r}") from None


def _value(name: str, value: Any, entry: Entry) -> Any:
    if name in _LABELLED:
        index = entry["index"]
        if isinstance(value, list):
            pairs = Labelled(value, index)
        else:
            pairs = Labelled([value], [index])
        if not all(isinstance(label, str) for label in pairs.labels):
            raise ValueError("labels are no texts")
        if [type(number) for number in pairs.numbers] != [int] * len(pairs.labels):
            raise ValueError("labels and index do not belong together")
        return pairs
    if name in FLOATS:
        return _each(value, _float)
    if isinstance(value, str) and name in _TEXTS:
        return value
    if name in INTEGERS:
        return _each(value, _whole)
    if name in _TEXTS:
        return _each(value, _string)
    if name in _STRUCTURED:
        return _structured(value)
    raise ValueError(f"there is no type {name!r}")


def _each(value: Any, check: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        value = elements_of(value).tolist()
    if isinstance(value, list):
        return [check(item) for item in value]
    return check(value)


def _float(value: Any) -> float:
    if isinstance(value, str):
        if value.startswith("nan:"):
            return float(struct.unpack(">d", bytes.fromhex(value[4:]))[0])
        if value not in ("nan", "inf", "-inf"):
            raise ValueError(f"{value!r} is no number")
    elif isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def elements_of(value: Mapping[str, Any]) -> array[Any]:
    """The numbers that are in base 64.

    Raises:
        KeyError, TypeError, ValueError: It is nothing of that kind.
    """
    data = base64.b64decode(value["base64"], validate=True)
    made = array(_CODES[value["dtype"]])
    made.frombytes(data)
    if sys.byteorder == "big":
        made.byteswap()
    return made


def _structured(value: Any) -> Any:
    import numpy

    if "columns" in value:
        return {name: _column_of(items) for name, items in value["columns"].items()}
    listed = value["elements"]
    code = value["dtype"]
    if code not in _CODES:
        raise ValueError(f"there are no elements of {code!r}")
    if isinstance(listed, dict):
        listed = elements_of(listed)
    elif code.startswith("f"):
        listed = [_float(item) for item in listed]
    return numpy.asarray(listed, "?" if code == "b1" else code).reshape(value["shape"])


def _column_of(items: Any) -> Any:
    if isinstance(items, dict):
        return elements_of(items).tolist()
    if not isinstance(items, list):
        raise ValueError("a column is no list")
    return [_float(i) if i in ("nan", "inf", "-inf") else i for i in items]


# ---- fitting ----


def fitting(saved: Saved, fields: Fields) -> Any:
    """The value, as `Driver.write` would get it, for a PV that is so now.

    Raises:
        MisfitError: The PV cannot have it: its field, and what is allowed.
    """
    values = fields.values
    name = values["type_name"]
    if name in _STRUCTURED or saved.type_name in _STRUCTURED:
        return _fitting_structure(saved, values)
    value = saved.value
    if name in _LABELLED:
        made = _numbers_of(saved, name, values["enums"])
    elif isinstance(value, Labelled):
        raise _other_type(saved, name)
    elif name == saved.type_name and name in FLOATS:
        made = value
    elif name in FLOATS:
        made = _all(value, lambda item: _as_float(item, saved, name))
    elif isinstance(value, str) and name in _TEXTS:
        made = value
    elif name in INTEGERS:
        made = _all(value, lambda item: _as_whole(item, saved, name))
    elif name == "text":  # several texts are none
        made = _as_text(value, saved, name)
    else:
        made = _all(value, lambda item: _as_text(item, saved, name))
    _check_count(made, fields)
    return made


def is_same_kind(entry: Entry, fields: Fields) -> bool:
    """Whether the PV of a line had the type, labels and size that one has now."""
    values = fields.values
    kind, most = entry["type"], entry.get("count", 1)
    labels = list(values["enums"]) if kind in _LABELLED else entry.get("labels")
    return (kind, most, entry.get("labels")) == (
        values["type_name"],
        max(values["count"], 1),
        labels,
    )


def _other_type(saved: Saved, name: str) -> MisfitError:
    return MisfitError(
        f"field 'type' is {name!r} now, and the saved value is one of type"
        f" {saved.type_name!r}, {_short(saved.value)}; allowed is {_allowed(name)}"
    )


def _allowed(name: str) -> str:
    if name in INTEGERS and name not in _CHARACTERS:
        low, high = INTEGERS[name]
        return f"a whole number from {low} to {high}"
    if name in _STRUCTURED:
        return f"a saved {name!r}"
    return "a number" if name in FLOATS else "a text"


def _short(value: Any) -> str:
    if isinstance(value, Labelled):
        value = value.labels if len(value.labels) != 1 else value.labels[0]
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _all(value: Any, make: Callable[[Any], Any]) -> Any:
    return [make(item) for item in value] if isinstance(value, list) else make(value)


def _as_float(item: Any, saved: Saved, name: str) -> float:
    if isinstance(item, str):
        raise _other_type(saved, name)
    made = float(item)
    if made != item and item == item:  # an integer that a double rounds
        raise _other_type(saved, name)
    return made


def _as_whole(item: Any, saved: Saved, name: str) -> int:
    low, high = INTEGERS[name]
    if isinstance(item, str) or item != item or not low <= item <= high:
        raise _other_type(saved, name)
    if int(item) != item:
        raise _other_type(saved, name)
    return int(item)


def _as_text(item: Any, saved: Saved, name: str) -> str:
    if not isinstance(item, str):
        raise _other_type(saved, name)
    return item


def _numbers_of(saved: Saved, name: str, labels: Sequence[str]) -> Any:
    """Each label's number now."""
    if not isinstance(saved.value, Labelled):
        raise MisfitError(
            f"field 'type' is {name!r} now, and the saved value is one of type"
            f" {saved.type_name!r}, {_short(saved.value)}; allowed is one of the labels"
            f" {', '.join(map(repr, labels))}"
        )
    found = [
        _number_of(label, number, name, labels)
        for label, number in zip(saved.value.labels, saved.value.numbers, strict=True)
    ]
    made = [bool(n) for n in found] if name == "bool" else found
    return made[0] if len(made) == 1 else made


def _number_of(label: str, number: int, name: str, labels: Sequence[str]) -> int:
    if 0 <= number < len(labels) and labels[number] == label:
        return number
    if label in labels:
        return list(labels).index(label)
    # A number that has no label and had none, or one of the two states of a bool.
    if label == str(number) and number >= len(labels) and 0 <= number < 2**16:
        return number
    if name == "bool" and number in (0, 1):
        return number
    raise MisfitError(
        f"field 'enums' does not have the saved label {label!r}, allowed is one of"
        f" {', '.join(map(repr, labels))}"
    )


def _check_count(value: Any, fields: Fields) -> None:
    most = fields.values["count"]
    if isinstance(value, list):
        size = len(value)
    elif isinstance(value, str) and fields.is_text:
        size = len(value.encode("utf-8", "surrogateescape"))
    else:
        return
    if not size and most == 1 and isinstance(value, list):
        raise MisfitError(
            "field 'count' is 1 now, and no element is saved; allowed is 1"
        )
    if size > most:
        raise MisfitError(
            f"field 'count' is {most} now, and {size} elements are saved; allowed are"
            f" at most {most}"
        )


def _fitting_structure(saved: Saved, values: Mapping[str, Any]) -> Any:
    name = values["type_name"]
    if name != saved.type_name:
        raise _other_type(saved, name)
    if name == "table" and [*saved.value] != [*values["columns"]]:
        raise MisfitError(
            f"field 'columns' is {[*values['columns']]} now, and a table of the columns"
            f" {[*saved.value]} is saved; allowed are the same ones"
        )
    return saved.value
