"""Types of arguments and results."""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime as _datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aioca._epics import dbr as _dbr

#: Maximum duration of a call: seconds, ``(time,)`` for a deadline in the time of
#: ``time.time()``, or ``None`` for no limit. With 0 a call fails if it has to wait.
Timeout = None | tuple[float] | float

#: Changes that cause an update: a sum of ``DBE_VALUE`` (the value, beyond the monitor
#: deadband), ``DBE_LOG`` (beyond the archiver's deadband), ``DBE_ALARM`` (status or
#: severity), ``DBE_PROPERTY`` (limits, units, enum strings). ``None`` chooses by
#: format: value for ``FORMAT_RAW``, also alarm for ``FORMAT_TIME``, all three for
#: ``FORMAT_CTRL``.
Dbe = None | int

#: Codes of data types: the seven of Channel Access (``DBR_STRING`` to ``DBR_DOUBLE``),
#: codes for alarm acknowledgement (``DBR_PUT_ACKT``, ``DBR_PUT_ACKS``,
#: ``DBR_STSACK_STRING``), the record type (``DBR_CLASS_NAME``), and four codes for
#: text (``DBR_ENUM_STR``, ``DBR_CHAR_BYTES``, ``DBR_CHAR_UNICODE``, ``DBR_CHAR_STR``).
Dbr = Literal[0, 1, 2, 3, 4, 5, 6, 35, 36, 37, 38, 996, 997, 998, 999]

#: The type to request from the server: ``None`` for the PV's own, one of `Dbr`, or a
#: numpy dtype (``int``, ``float``, ``str``, ``numpy.int16`` ...).
Datatype = None | Dbr | type | Any

#: Attributes of a value: its name only (``FORMAT_RAW``), alarm and time stamp
#: (``FORMAT_TIME``), or alarm, units, limits, enum strings (``FORMAT_CTRL``). A
#: subscription can also have all of them (``FORMAT_FULL``).
Format = Literal[0, 1, 2, 3]

#: Number of array elements: 0 for the current length, -1 for the maximum length,
#: otherwise at most this many.
Count = Literal[0, -1] | int


class AugmentedValue(Sized, Protocol):
    """A value returned by `caget` or passed to the callback of `camonitor`.

    A number, a string, or a numpy array if the PV has more than one element, with these
    attributes. ``name`` and ``ok`` always exist, ``datatype`` and ``element_count``
    exist if ``ok`` is true, and the others depend on format and type.
    """

    #: Name of the PV
    name: str
    #: True for a value, False for a failure
    ok: bool
    #: ECA status code of a failure
    errorcode: int
    #: The requested `Dbr` code
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
    #: Range for displays
    upper_disp_limit: float
    lower_disp_limit: float
    #: Limits of the HIHI and LOLO alarms
    upper_alarm_limit: float
    lower_alarm_limit: float
    #: Limits of the HIGH and LOW alarms
    upper_warning_limit: float
    lower_warning_limit: float
    #: Range for setting the value
    upper_ctrl_limit: float
    lower_ctrl_limit: float
    #: Number of decimals to show, for floats
    precision: int
    #: Labels of an enum's states
    enums: list[str]
    #: Whether past alarms need acknowledgement
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
