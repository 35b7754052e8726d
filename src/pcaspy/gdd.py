"""gdd: a value with type, alarm and time, as the low-level layer passes it around.

A plain Python container: one number or text, or a numpy array of numbers, or a list of
text. `primitiveType` says as what it is kept; a value that is put is converted to it.
Of a gdd without a type the first value decides: numbers are double, text is string.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._engine import epicsTimeStamp

_INVALID, _ENUM, _DOUBLE, _FIXED_STRING, _STRING, _CONTAINER = 0, 5, 9, 10, 11, 12
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("i1"),
    2: np.dtype("u1"),
    3: np.dtype("i2"),
    4: np.dtype("u2"),
    _ENUM: np.dtype("u2"),
    6: np.dtype("i4"),
    7: np.dtype("u4"),
    8: np.dtype("f4"),
    _DOUBLE: np.dtype("f8"),
}
_CHARS = (1, 2)
_TEXTS = (_FIXED_STRING, _STRING)
_VALUE = 16  # application type "value", what most gdds are
_MAX_BOUND = 1 << 27


class gdd:
    """A value with type, alarm and time.

    Args:
        appl: Application type, a number that says what the value is for.
        prim: Type of an element, aitEnum...
        dimen: 0 for a scalar, 1 for an array.
    """

    __slots__ = ("_appl", "_prim", "_sevr", "_stat", "_status", "_time", "_value")

    def __init__(
        self, appl: int = _VALUE, prim: int = _INVALID, dimen: int = 0
    ) -> None:
        self._appl = int(appl)
        self._prim = _INVALID
        self._value: Any = 0
        self._stat = self._sevr = self._status = 0
        self._time = epicsTimeStamp(0, 0)
        self.setPrimType(prim)
        self.setDimension(dimen)

    @staticmethod
    def createDD(appl: int) -> gdd:
        """A gdd for that application type."""
        return gdd(appl)

    # ---- any value ----

    def put(self, value: Any) -> None:
        """Takes a number, text, a sequence or array of either, or another gdd.

        bytes are a sequence of numbers; for a char type text is one of characters.

        Raises:
            TypeError, ValueError: It cannot be converted to this gdd's type.
        """
        if isinstance(value, gdd):
            self.putDD(value)
        elif isinstance(value, str):
            self._put_text(value)
        elif isinstance(value, np.ndarray) and value.ndim == 0:
            self.put(value.item())
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self._put_numbers(np.frombuffer(value, "u1"))
        elif isinstance(value, Iterable):
            items = value if isinstance(value, np.ndarray) else list(value)
            if len(items) and isinstance(items[0], (str, np.str_)):
                self.putStringArray(items)
            elif self._prim in _TEXTS:
                self.putStringArray([_text_of(item) for item in items])
            else:
                self._put_numbers(items)
        else:
            self.putNumeric(value)

    def get(self) -> Any:
        """A number or text; a list of them; text for a char type."""
        if self._prim in _CHARS:
            return self.getCharArray()
        if isinstance(self._value, np.ndarray):
            return self._value.tolist()
        return list(self._value) if isinstance(self._value, list) else self._value

    def putDD(self, dd: gdd) -> None:
        """Takes over type, value, alarm and time of another gdd."""
        for name in ("_prim", "_stat", "_sevr", "_status", "_time"):
            setattr(self, name, getattr(dd, name))
        held = dd._value
        self._value = held.copy() if isinstance(held, (np.ndarray, list)) else held

    def clear(self) -> None:
        """Forgets type, value, alarm and time."""
        gdd.__init__(self, self._appl)

    # ---- one number or text ----

    def putNumeric(self, value: Any) -> None:
        """Takes a number; as text for a string type."""
        if self._prim == _INVALID:
            self._prim = _DOUBLE
        if self._prim in _TEXTS:
            self._value = f"{float(value):.4f}"
        else:
            self._value = self._numbers([value])[0].item()

    putConvertNumeric = putNumeric

    def putString(self, text: str) -> None:
        """Takes text, and becomes a string."""
        self._prim = _STRING
        self._value = str(text)

    def putConvertString(self, text: str) -> None:
        """Takes text and converts it to this gdd's type."""
        self._put_text(str(text))

    def getConvertNumeric(self) -> float:
        """The first element as a number.

        Raises:
            ValueError: It is text that is no number, or there is no element.
        """
        return float(self._first())

    def getConvertString(self) -> str:
        """The first element as text."""
        return _text_of(self._first())

    # ---- arrays ----

    def putNumericArray(self, values: Sequence[Any]) -> None:
        """Takes numbers."""
        self._put_numbers(values)

    def putStringArray(self, values: Iterable[Any]) -> None:
        """Takes text, and becomes an array of strings."""
        self._prim = _STRING
        self._value = [_as_text(value) for value in values]

    def putFStringArray(self, values: Iterable[Any]) -> None:
        """Takes text, and becomes an array of strings of at most 39 bytes."""
        self._prim = _FIXED_STRING
        self._value = [_as_text(value) for value in values]

    def putCharArray(self, text: str | bytes) -> None:
        """Takes the bytes of a text, and becomes an array of characters."""
        self._prim = 2
        self._value = np.frombuffer(_bytes_of(text), "u1").copy()

    putCharDataBuffer = putCharArray

    def putDoubleDataBuffer(self, values: Any) -> None:
        """Takes numbers, and becomes an array of doubles."""
        self._become(_DOUBLE, values)

    def putFloatDataBuffer(self, values: Any) -> None:
        """Takes numbers, and becomes an array of floats."""
        self._become(8, values)

    def putIntDataBuffer(self, values: Any) -> None:
        """Takes numbers, and becomes an array of 32 bit integers."""
        self._become(6, values)

    def putShortDataBuffer(self, values: Any) -> None:
        """Takes numbers, and becomes an array of 16 bit integers."""
        self._become(3, values)

    def getNumericArray(self) -> list[Any]:
        """All elements as numbers."""
        if isinstance(self._value, np.ndarray):
            numbers: list[Any] = self._value.tolist()
            return numbers
        return [float(value) for value in self._elements()]

    def getStringArray(self) -> list[str]:
        """All elements as text."""
        return [_text_of(value) for value in self._elements()]

    def getCharArray(self) -> str:
        """All elements as the text that their bytes are, without NULs at the end."""
        if isinstance(self._value, (str, list)):
            return "".join(self.getStringArray())
        raw: bytes = np.atleast_1d(self._value).astype("u1").tobytes()
        return raw.rstrip(b"\0").decode("utf-8", "surrogateescape")

    # ---- shape and type ----

    def primitiveType(self) -> int:
        """Type of an element, aitEnum..."""
        return self._prim

    def setPrimType(self, prim: int) -> None:
        """Sets the type of an element; a value that is there is converted.

        Raises:
            ValueError: There is no such type, or the value cannot be converted.
        """
        if prim not in _DTYPES and prim not in (_INVALID, *_TEXTS, _CONTAINER):
            raise ValueError(f"there is no primitive type {prim!r}")
        if prim in _DTYPES and isinstance(self._value, (str, list)):
            value, self._value = self._value, 0
            old, self._prim = self._prim, prim
            try:
                self.put(value)
            except (TypeError, ValueError):
                self._value, self._prim = value, old
                raise
        elif prim in _TEXTS and not isinstance(self._value, (str, list)):
            scalar = self.isScalar()
            self._value = _text_of(self._value) if scalar else self.getStringArray()
            if self._prim == _INVALID and scalar:
                self._value = ""
        elif prim in _DTYPES:
            kept = _converted(np.atleast_1d(self._value), _DTYPES[prim])
            self._value = kept[0].item() if self.isScalar() else kept
        self._prim = int(prim)

    def applicationType(self) -> int:
        """What the value is for."""
        return self._appl

    def setApplType(self, appl: int) -> None:
        """Sets what the value is for."""
        self._appl = int(appl)

    def dimension(self) -> int:
        """0 for a scalar, 1 for an array."""
        return 0 if self.isScalar() else 1

    def setDimension(self, dimen: int) -> None:
        """Makes it a scalar (0) or an array (1).

        Raises:
            ValueError: More than one dimension.
        """
        if dimen not in (0, 1):
            raise ValueError(f"a gdd has 0 or 1 dimensions, not {dimen}")
        if dimen == self.dimension():
            return
        if dimen == 0:
            elements = self._elements()
            empty = "" if self._prim in _TEXTS else 0
            self._value = elements[0] if len(elements) else empty
        elif self._prim in _TEXTS:
            self._value = [self._value]
        else:
            self._value = self._numbers([self._value])

    def getBound(self, dim: int = 0) -> list[int]:
        """[dimension, index of the first element, number of elements]."""
        if dim != 0:
            raise IndexError(f"a gdd has no dimension {dim}")
        return [0, 0, self.getDataSizeElements()]

    def setBound(self, dim: int, first: int, count: int) -> None:
        """Makes it an array of `count` elements; new ones are 0 or empty.

        Raises:
            ValueError: The dimension is not 0, or the size is not possible.
        """
        if dim != 0 or first != 0 or not 0 <= count <= _MAX_BOUND:
            raise ValueError(f"a gdd cannot have the bounds {dim}, {first}, {count}")
        self.setDimension(1)
        held = self._value[:count]
        missing = count - len(held)
        if isinstance(held, list):
            self._value = [*held, *[""] * missing]
        else:
            self._value = np.concatenate([held, np.zeros(missing, held.dtype)])

    def getDataSizeElements(self) -> int:
        """Number of elements."""
        return 1 if self.isScalar() else len(self._value)

    def isScalar(self) -> bool:
        """True for a value that is no array."""
        return not isinstance(self._value, (list, np.ndarray))

    def isAtomic(self) -> bool:
        """True for an array."""
        return not self.isScalar()

    def isContainer(self) -> bool:
        """False: there are no gdds made of gdds."""
        return False

    # ---- alarm and time ----

    def getStat(self) -> int:
        """Alarm."""
        return self._stat

    def getSevr(self) -> int:
        """Severity."""
        return self._sevr

    def getStatSevr(self) -> tuple[int, int]:
        """(alarm, severity)."""
        return self._stat, self._sevr

    def setStat(self, stat: int) -> None:
        """Sets the alarm."""
        self._stat = _sixteen_bit(stat)

    def setSevr(self, sevr: int) -> None:
        """Sets the severity."""
        self._sevr = _sixteen_bit(sevr)

    def setStatSevr(self, stat: int, sevr: int) -> None:
        """Sets alarm and severity."""
        self._stat, self._sevr = _sixteen_bit(stat), _sixteen_bit(sevr)

    def getStatus(self) -> int:
        """A number for any use."""
        return self._status

    def setStatus(self, status: int) -> None:
        """Sets that number."""
        self._status = int(status)

    def getTimeStamp(self) -> epicsTimeStamp:
        """When the value was so."""
        return self._time

    def setTimeStamp(self, timestamp: epicsTimeStamp | None = None) -> None:
        """Sets when the value was so; without argument: now."""
        if timestamp is None:
            timestamp = epicsTimeStamp()
        elif not isinstance(timestamp, epicsTimeStamp):
            raise TypeError(f"{timestamp!r} is no epicsTimeStamp")
        self._time = timestamp

    # ---- of no use here, but called by programs ----

    def reference(self) -> int:
        """Does nothing: Python counts the references."""
        return 0

    def unreference(self) -> int:
        """Does nothing: Python counts the references."""
        return 0

    def dump(self) -> None:
        """Prints it."""
        print(self)

    def __repr__(self) -> str:
        return (
            f"gdd(type={self._prim} value={self.get()!r} stat={self._stat} "
            f"sevr={self._sevr} time={self._time})"
        )

    # ---- inside ----

    def _elements(self) -> Any:
        return [self._value] if self.isScalar() else self._value

    def _first(self) -> Any:
        elements = self._elements()
        if not len(elements):
            raise ValueError("the gdd has no element")
        return elements[0]

    def _numbers(self, values: Any) -> np.ndarray[Any, Any]:
        dtype = _DTYPES.get(self._prim, _DTYPES[_DOUBLE])
        numbers: np.ndarray[Any, Any]
        numbers = _converted(np.atleast_1d(np.asarray(values)), dtype)
        return numbers

    def _put_numbers(self, values: Any) -> None:
        if self._prim in (_INVALID, *_TEXTS, _CONTAINER):
            self._prim = _DOUBLE
        self._value = self._numbers(values).ravel()

    def _become(self, prim: int, values: Any) -> None:
        numbers = _converted(np.atleast_1d(np.asarray(values)), _DTYPES[prim])
        self._prim, self._value = prim, numbers.ravel()

    def _put_text(self, text: str) -> None:
        if self._prim in _CHARS:
            self._value = np.frombuffer(_bytes_of(text), _DTYPES[self._prim]).copy()
        elif self._prim in _DTYPES:
            self._value = self._numbers([float(text)])[0].item()
        else:
            self._prim = self._prim if self._prim in _TEXTS else _STRING
            self._value = text


def _sixteen_bit(number: int) -> int:
    if not 0 <= int(number) <= 0xFFFF:
        raise ValueError(f"{number} is no alarm status or severity")
    return int(number)


def _bytes_of(text: str | bytes) -> bytes:
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    return bytes(text)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def _text_of(value: Any) -> str:
    """A number as EPICS writes it: integers plain, others with four decimals."""
    if isinstance(value, (str, bytes)):
        return _as_text(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.4f}"


def _converted(values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> Any:
    """A new array, integers wrapped to the size of `dtype` as a C cast does."""
    if values.dtype.kind not in "biuf":
        values = np.array([float(value) for value in values.ravel().tolist()])
    if values.dtype.kind == "f" and dtype.kind in "iu":
        finite = np.nan_to_num(values, nan=0.0, posinf=2.0**62, neginf=-(2.0**62))
        values = np.clip(finite, -(2.0**62), 2.0**62).astype("i8")
    return values.astype(dtype)
