"""The types that arguments and results of this package have."""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime as _datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aioca._epics import dbr as _dbr

#: How long a call may take, from its start: seconds, ``(time,)`` for a moment as
#: ``time.time()`` tells it, ``None`` for as long as it takes. With 0 a call fails
#: unless it can be done without waiting.
Timeout = None | tuple[float] | float

#: Which changes make an update: a sum of ``DBE_VALUE`` (the value, beyond the monitor
#: deadband), ``DBE_LOG`` (beyond the archiver's deadband), ``DBE_ALARM`` (status or
#: severity), ``DBE_PROPERTY`` (limits, units, enum strings). ``None`` chooses by
#: format: value for ``FORMAT_RAW``, also alarm for ``FORMAT_TIME``, all three for
#: ``FORMAT_CTRL``.
Dbe = None | int

#: Codes of data types: the seven of Channel Access (``DBR_STRING`` to ``DBR_DOUBLE``),
#: those for alarm acknowledgement (``DBR_PUT_ACKT``, ``DBR_PUT_ACKS``,
#: ``DBR_STSACK_STRING``), the record type (``DBR_CLASS_NAME``), and four ways to treat
#: text (``DBR_ENUM_STR``, ``DBR_CHAR_BYTES``, ``DBR_CHAR_UNICODE``, ``DBR_CHAR_STR``).
Dbr = Literal[0, 1, 2, 3, 4, 5, 6, 35, 36, 37, 38, 996, 997, 998, 999]

#: The type to ask the server for: ``None`` for the PV's own, one of `Dbr`, or what
#: numpy takes as a dtype (``int``, ``float``, ``str``, ``numpy.int16`` ...).
Datatype = None | Dbr | type | Any

#: What comes along with a value: nothing but its name (``FORMAT_RAW``), alarm and time
#: stamp (``FORMAT_TIME``), or alarm, units, limits, enum strings (``FORMAT_CTRL``).
#: A subscription can have all of it (``FORMAT_FULL``).
Format = Literal[0, 1, 2, 3]

#: How many elements of an array: 0 for as many as it holds now, -1 for all it can hold,
#: otherwise at most that many.
Count = Literal[0, -1] | int


class AugmentedValue(Sized, Protocol):
    """What `caget` returns and `camonitor` calls back with.

    A number, a text, or a numpy array if the PV has more than one element, with these
    attributes. ``name`` and ``ok`` are always there, ``datatype`` and ``element_count``
    if ``ok`` is true, the others depending on format and type.
    """

    #: Name of the PV
    name: str
    #: True for a value, False for a failure
    ok: bool
    #: ECA status code of a failure
    errorcode: int
    #: The `Dbr` code that was asked for
    datatype: int
    #: Number of elements that the PV can hold
    element_count: int
    #: Alarm severity: 0 none, 1 minor, 2 major, 3 invalid
    severity: int
    #: Alarm status, the reason for the severity
    status: int
    #: Time stamp of the record: seconds since 1970 and nanoseconds
    raw_stamp: tuple[int, int]
    #: The same in seconds, rounded to microseconds
    timestamp: float
    #: The same as local time
    datetime: _datetime
    #: Engineering units
    units: str
    #: Range of displays
    upper_disp_limit: float
    lower_disp_limit: float
    #: Beyond these the alarm severity is that of HIHI and LOLO
    upper_alarm_limit: float
    lower_alarm_limit: float
    #: Beyond these the alarm severity is that of HIGH and LOW
    upper_warning_limit: float
    lower_warning_limit: float
    #: Range of values that may be put
    upper_ctrl_limit: float
    lower_ctrl_limit: float
    #: Digits to show, of a floating point value
    precision: int
    #: Texts of an enum's states
    enums: list[str]
    #: Whether alarms that are over need acknowledgement
    ackt: int
    #: The highest severity to be acknowledged
    acks: int


# What `caget` gives for the datatype of that kind, from a PV with one element. From one
# with more it is a numpy array, whatever its type says.
if TYPE_CHECKING:

    class AugmentedInt(int, AugmentedValue):
        """A whole number with the attributes of an `AugmentedValue`."""

    class AugmentedFloat(float, AugmentedValue):
        """A floating point number with the attributes of an `AugmentedValue`."""

    class AugmentedStr(str, AugmentedValue):
        """A text with the attributes of an `AugmentedValue`."""

    class AugmentedBytes(bytes, AugmentedValue):
        """A text as bytes with the attributes of an `AugmentedValue`."""

else:
    AugmentedInt = _dbr.ca_int
    AugmentedFloat = _dbr.ca_float
    AugmentedStr = _dbr.ca_str
    AugmentedBytes = _dbr.ca_bytes
