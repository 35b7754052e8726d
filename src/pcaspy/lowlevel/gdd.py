"""gdd: a value with type, alarm and time, as the low-level layer passes it around.

A plain Python container: one number or text, or a numpy array of numbers, or a list of
text. `primitiveType` says as what it is kept. One number or text that is put is
converted to it; sequences bring their own type: numbers are double, arrays what they
are. Of a gdd without a type the first value decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..native._fields import MAX_COUNT
from ..native._time import epicsTimeStamp
from .gdd_values import (
    CONTAINER,
    DOUBLE,
    DTYPES,
    FIXED_STRING,
    INVALID,
    STRING,
    TEXTS,
    as_number,
    as_str,
    as_text,
    bytes_of,
    cast,
    converted,
    in_array,
    number_in,
    of_size,
    one,
    shortened,
    sixteen_bit,
    size_of,
    text_in,
    until_nul,
)

# What arrays become; all others are converted to double.
_OF_ARRAY = {
    **{"i1": 1, "u1": 1, "i2": 3, "u2": 4, "i4": 6, "u4": 7},
    **{"f4": 8, "f8": DOUBLE},
}
_CHARS = (1, 2)
_VALUE = 16  # application type "value", what most gdds are
_OUT_OF_BOUNDS, _TYPE_MISMATCH = -5, -2  # statuses of some methods


class gdd:
    """A value with type, alarm and time.

    Args:
        appl: Application type, a number that says what the value is for.
        prim: Type of an element, aitEnum...
        dimen: 0 for a scalar, 1 for an array.
    """

    def __init__(self, appl: int = _VALUE, prim: int = INVALID, dimen: int = 0) -> None:
        self._appl = int(appl)
        self._prim = INVALID
        self._value: Any = 0
        self._stat = self._sevr = 0
        self._time = epicsTimeStamp(0, 0)
        self.setPrimType(prim)
        self.setDimension(dimen)

    @staticmethod
    def createDD(app: int) -> gdd:
        """A gdd for that application type."""
        return gdd(app)

    # ---- any value ----

    def put(self, value: Any) -> None:
        """Takes a number, text, a sequence or array of either, or another gdd.

        bytes are a sequence of numbers. Text that is put into a number is read as one,
        as far as it goes; what does not begin with a number changes nothing. For a char
        type, and where the gdd is an array, text is one of characters. What is none of
        all these (None, a dict) changes nothing.

        Raises:
            IndexError: An empty sequence, and there is no type yet.
            TypeError, ValueError: It cannot be converted.
        """
        if isinstance(value, gdd):
            self.putDD(value)
        elif isinstance(value, (bool, int, float)):
            if self.isScalar():
                self._set_first(value)
            else:
                self._put_sequence([value])
        elif isinstance(value, str) and not isinstance(value, np.generic):
            self._put_text(value)
        elif isinstance(value, (np.ndarray, np.generic)):
            if value.ndim == 0:
                self._set_first(float(value.astype(float)))
            else:
                self._put_array(np.asarray(value))
        elif isinstance(value, Sequence):
            self._put_sequence(value)

    def get(self) -> Any:
        """A number or text; a list of them; text for a char type."""
        if self._prim in _CHARS:
            return self.getCharArray()
        if self.isScalar():
            return self._value
        if self._prim in (INVALID, CONTAINER):
            return [0]
        held = self._value
        return held.tolist() if isinstance(held, np.ndarray) else list(held)

    def putDD(self, dd: gdd) -> int:
        """Takes over value, alarm and time of another gdd; its type if there is none.

        One number or text becomes the first element of an array; the others are 0.

        Returns:
            0, or a status below that if nothing is there to be taken over.
        """
        if not isinstance(dd, gdd):
            raise TypeError(f"{dd!r} is no gdd")
        if dd._prim == INVALID and self._prim != INVALID:
            if not self.isScalar():
                return -1
            self._mark_as(dd)
            return 0
        prim = dd._prim if self._prim == INVALID else self._prim
        if not dd.isScalar() or (prim == INVALID and self.isScalar()):
            self._value = converted(dd._value, dd._prim, prim)
        elif self.isScalar():
            new = one(dd._value, prim, dd._prim)
            self._value = self._value if new is None else new
        else:
            new = one(dd._value, prim, dd._prim)
            if new is None:
                return -1
            count = 1 if self._prim == INVALID else max(len(self._value), 1)
            self._value = in_array(new, prim, count)
        self._prim = prim
        self._mark_as(dd)
        return 0

    def clear(self) -> int:
        """Forgets what it is for, type and value; alarm and time stay.

        Returns:
            0.
        """
        self._appl, self._prim, self._value = 0, INVALID, 0
        return 0

    # ---- one number or text ----

    def putNumeric(self, d: float) -> int:
        """Takes a number, and becomes a double.

        Returns:
            0, or a status below that if this is an array.
        """
        number = number_in(d)
        if not self.isScalar():
            return _TYPE_MISMATCH
        self._prim, self._value = DOUBLE, number
        return 0

    def putConvertNumeric(self, d: float) -> None:
        """Takes a number and converts it to this gdd's type."""
        self._set_first(number_in(d))

    def putString(self, d: str) -> None:
        """Takes text, and becomes a string; does nothing if this is an array."""
        text = text_in(d)
        if self.isScalar():
            self._prim, self._value = STRING, until_nul(text)

    def putConvertString(self, d: str) -> None:
        """Takes text and converts it to this gdd's type, as far as it goes."""
        self._set_first(text_in(d))

    def getConvertNumeric(self) -> float:
        """The first element as a number; 0 for text that does not begin with one."""
        return as_number(self._first())

    def getConvertString(self) -> str:
        """The first element as text."""
        return "" if self._prim == INVALID else as_text(self._first(), self._prim)

    # ---- arrays ----

    def putNumericArray(self, dput: Sequence[Any]) -> None:
        """Takes numbers, and becomes an array of doubles."""
        self._become(DOUBLE, np.array([number_in(item) for item in dput], "f8"))

    def putStringArray(self, dput: Iterable[Any]) -> None:
        """Takes text, and becomes an array of strings."""
        self._become(STRING, [until_nul(text_in(item)) for item in dput])

    def putFStringArray(self, dput: Iterable[Any]) -> None:
        """Takes text, and becomes an array of strings of at most 39 bytes."""
        self._become(FIXED_STRING, [shortened(text_in(item)) for item in dput])

    def putCharArray(self, dput: str | bytes | Sequence[int]) -> None:
        """Takes the bytes of a text, and becomes an array of characters."""
        self._become(2, np.frombuffer(bytes_of(dput), "u1").copy())

    def putCharDataBuffer(self, dput: Any) -> None:
        """Takes bytes, and becomes an array of characters."""
        self._become(1, np.frombuffer(bytes_of(dput), "i1").copy())

    def putDoubleDataBuffer(self, dput: Any) -> None:
        """Takes numbers, and becomes an array of doubles."""
        self._take_numbers(DOUBLE, dput)

    def putFloatDataBuffer(self, dput: Any) -> None:
        """Takes numbers, and becomes an array of floats."""
        self._take_numbers(8, dput)

    def putIntDataBuffer(self, dput: Any) -> None:
        """Takes numbers, and becomes an array of 32 bit integers."""
        self._take_numbers(6, dput)

    def putShortDataBuffer(self, dput: Any) -> None:
        """Takes numbers, and becomes an array of 16 bit integers."""
        self._take_numbers(3, dput)

    def getNumericArray(self, dget: int | None = None) -> list[Any]:
        """The first `dget` elements as numbers, 0 behind the last; all for None."""
        if self._prim == INVALID:
            return [0.0] * size_of(dget, 0)
        numbers = [as_number(item) for item in self._elements()]
        return of_size(numbers, dget, 0.0)

    def getStringArray(self, dget: int | None = None) -> list[str]:
        """The first `dget` elements as text, with "" behind the last; all for None."""
        if self._prim == INVALID:
            return [""] * size_of(dget, 0)
        texts = [as_text(item, self._prim) for item in self._elements()]
        return of_size(texts, dget, "")

    def getCharArray(self, dget: int | None = None) -> Any:
        """The first `dget` elements as bytes, with 0 behind the last.

        Without `dget` all elements as the text that their bytes are, without NULs at
        the end.
        """
        if dget is not None:
            return [int(n) & 0xFF for n in self.getNumericArray(dget)]
        if isinstance(self._value, (str, list)):
            return "".join(self.getStringArray())
        raw: bytes = np.atleast_1d(self._value).astype("u1").tobytes()
        return raw.rstrip(b"\0").decode("utf-8", "surrogateescape")

    # ---- shape and type ----

    def primitiveType(self) -> int:
        """Type of an element, aitEnum..."""
        return self._prim

    def setPrimType(self, t: int) -> None:
        """Sets the type of an element and converts the value.

        Raises:
            ValueError: There is no such type.
        """
        if not isinstance(t, int):
            raise TypeError(f"{t!r} is no primitive type")
        if t not in DTYPES and t not in (INVALID, *TEXTS, CONTAINER):
            raise ValueError(f"there is no primitive type {t!r}")
        if t in DTYPES or t in TEXTS:
            self._value = converted(self._value, self._prim, int(t))
        self._prim = int(t)

    def applicationType(self) -> int:
        """What the value is for."""
        return self._appl

    def setApplType(self, t: int) -> None:
        """Sets what the value is for."""
        self._appl = int(t)

    def dimension(self) -> int:
        """0 for a scalar, 1 for an array."""
        return 0 if self.isScalar() else 1

    def setDimension(self, d: int, arg3: Any = None) -> None:
        """Makes it a scalar (0) or an array (1).

        Args:
            d: How many dimensions.
            arg3: Not used.

        Raises:
            ValueError: More than one dimension.
        """
        if d not in (0, 1):
            raise ValueError(f"a gdd has 0 or 1 dimensions, not {d}")
        if d == self.dimension():
            return
        empty = "" if self._prim in TEXTS else 0
        if d == 0:
            items = self._value
            items = items.tolist() if isinstance(items, np.ndarray) else items
            self._value = items[0] if items and self._prim != INVALID else empty
        elif self._prim in TEXTS:
            self._value = [self._value] if self._value else []
        else:
            dtype = DTYPES.get(self._prim, DTYPES[DOUBLE])
            self._value = np.array([self._value] if self._value else [], dtype)

    def getBound(self, dim_to_get: int = 0) -> list[int]:
        """[status, index of the first element, number of elements] of a dimension."""
        if dim_to_get < 0:
            raise OverflowError("a dimension is not negative")
        if dim_to_get >= self.dimension():
            return [_OUT_OF_BOUNDS, 0, 0]
        return [0, 0, len(self._value)]

    def setBound(self, dim_to_set: int, first: int, count: int) -> int:
        """Gives an array `count` elements; new ones are 0 or empty.

        Returns:
            0, or a status below that if there is no such dimension.

        Raises:
            ValueError: The size is not possible.
        """
        if min(dim_to_set, first, count) < 0:
            raise OverflowError("a bound is not negative")
        if count > MAX_COUNT:
            raise ValueError(f"a gdd cannot have {count} elements")
        if dim_to_set >= self.dimension():
            return _OUT_OF_BOUNDS
        held = self._value[:count]
        missing = count - len(held)
        if isinstance(held, list):
            self._value = [*held, *[""] * missing]
        else:
            self._value = np.concatenate([held, np.zeros(missing, held.dtype)])
        return 0

    def getDataSizeElements(self) -> int:
        """Number of elements."""
        alone = self._prim in (INVALID, CONTAINER) or self.isScalar()
        return 1 if alone else len(self._value)

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

    def getStatSevr(self) -> list[int]:
        """[alarm, severity]."""
        return [self._stat, self._sevr]

    def setStat(self, arg2: int) -> None:
        """Sets the alarm."""
        self._stat = sixteen_bit(arg2)

    def setSevr(self, arg2: int) -> None:
        """Sets the severity."""
        self._sevr = sixteen_bit(arg2)

    def setStatSevr(self, stat: int, sevr: int) -> None:
        """Sets alarm and severity."""
        self._stat, self._sevr = sixteen_bit(stat), sixteen_bit(sevr)

    def getStatus(self) -> int:
        """Severity in the upper, alarm in the lower 16 bits."""
        return self._sevr << 16 | self._stat

    def setStatus(self, *args: int) -> None:
        """Sets both from one such number, or from severity and alarm."""
        if len(args) == 1:
            args = (args[0] >> 16, args[0] & 0xFFFF)
        sevr, stat = args
        self.setStatSevr(stat, sevr)

    def getTimeStamp(self, timestamp: epicsTimeStamp | None = None) -> Any:
        """When the value was so: a new epicsTimeStamp, or put into `timestamp`."""
        if timestamp is None:
            return epicsTimeStamp(self._time.secPastEpoch, self._time.nsec)
        timestamp.secPastEpoch = self._time.secPastEpoch
        timestamp.nsec = self._time.nsec
        return None

    def setTimeStamp(self, timestamp: epicsTimeStamp | None = None) -> None:
        """Sets when the value was so; without argument: now."""
        if timestamp is None:
            self._time = epicsTimeStamp()
        elif isinstance(timestamp, epicsTimeStamp):
            self._time = epicsTimeStamp(timestamp.secPastEpoch, timestamp.nsec)
        else:
            raise TypeError(f"{timestamp!r} is no epicsTimeStamp")

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

    def _mark_as(self, other: gdd) -> None:
        """Takes over alarm and time."""
        self._stat, self._sevr, self._time = other._stat, other._sevr, other._time

    def _first(self) -> Any:
        elements = self._elements()
        return elements[0] if len(elements) else 0

    def _become(self, prim: int, elements: Any) -> None:
        self._prim, self._value = prim, elements

    def _set_first(self, value: Any) -> None:
        """One number or text, as this gdd's type; if it has none, it gets one."""
        if self._prim in (INVALID, CONTAINER):
            self._prim = STRING if isinstance(value, str) else DOUBLE
        if isinstance(value, str) and self._prim in _CHARS and self.isScalar():
            self._value = np.frombuffer(bytes_of(value), DTYPES[self._prim]).copy()
            return
        new = one(value, self._prim)
        if new is None:
            return
        if self.isScalar():
            self._value = new
        elif len(self._value):
            self._value[0] = new

    def _put_text(self, text: str) -> None:
        if self.isScalar():
            self._set_first(text)
        elif self._prim in TEXTS:
            self._value = [one(text, self._prim)]
        else:
            self.putCharArray(bytes_of(text) + b"\0")

    def _put_sequence(self, values: Sequence[Any]) -> None:
        prim = self._prim
        if prim == INVALID:
            prim = DOUBLE if isinstance(values[0], (bool, int, float)) else STRING
        if prim in TEXTS:
            self._become(prim, [one(str(value), prim) for value in values])
        else:
            self.putNumericArray(values)

    def _put_array(self, values: np.ndarray[Any, Any]) -> None:
        values = values.ravel()
        if self._prim in TEXTS or values.dtype.kind in "US":
            prim = self._prim if self._prim in TEXTS else STRING
            self._become(prim, [one(as_str(value), prim) for value in values])
        else:
            self._take_numbers(_OF_ARRAY.get(values.dtype.str[1:], DOUBLE), values)

    def _take_numbers(self, prim: int, values: Any) -> None:
        """Numbers as an array of that type."""
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            array = np.array([number_in(item) for item in values], "f8")
        self._become(prim, cast(array.ravel(), DTYPES[prim]))


# ---- for the layer ----


def filled(prim: int, value: Any, characters: bytes | None) -> gdd:
    """A gdd of that type with a value that a client has put, or its characters."""
    if characters is None:  # a gdd of one byte would show numbers as text
        prim = {1: 3, 2: 4}.get(prim, prim)
    made = gdd(prim=prim)
    if characters is not None:
        value = np.frombuffer(characters, "i1" if prim == 1 else "u1")
        value = value.copy() if len(value) != 1 else value[0].item()
    if characters is not None and prim in _CHARS and not isinstance(value, int):
        made._value = value  # noqa: SLF001
    elif isinstance(value, (list, tuple)) and prim in TEXTS:
        made.put(value)
    elif isinstance(value, (list, tuple, np.ndarray)):
        made._take_numbers(prim, value)  # noqa: SLF001
    else:
        made.put(value)
    return made


def empty(prim: int, count: int | None) -> gdd:
    """A gdd for a method to fill; `count`: an array of that many elements."""
    made = gdd(prim=prim, dimen=0 if count is None else 1)
    if count is not None:
        made.setBound(0, 0, count)
    return made


def held_by(value: gdd, as_text: bool) -> Any:
    """What a gdd holds, as the engine takes it; `as_text` for a PV that is a string."""
    if as_text and value._prim not in TEXTS:  # noqa: SLF001
        texts = value.getStringArray()
        return value.getConvertString() if value.isScalar() else texts
    if value._prim == 1 and not value.isScalar():  # noqa: SLF001
        return value._value.view("u1")  # noqa: SLF001
    return value._value  # noqa: SLF001


def stamp_of(value: gdd) -> epicsTimeStamp:
    """The time of a gdd, not a copy."""
    return value._time  # noqa: SLF001
