# distutils: language = c++
"""What a DBR structure carries besides its value, as Python objects; no numpy here."""

from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport llrint
from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memcpy

from aioca.native._cpp.db_access cimport (
    DBR_CLASS_NAME,
    DBR_CTRL_STRING,
    DBR_ENUM,
    DBR_STRING,
    DBR_STSACK_STRING,
    DBR_TIME_STRING,
    POSIX_TIME_AT_EPICS_EPOCH,
    dbr_stsack_string,
)
from aioca.native._cpp.dbr_fields cimport (
    ControlFields,
    control_fields,
    enum_state,
    enum_states,
    string_view,
)

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(PyObject*)

# Most values that follow one another are of the same second.
cdef long long latest_second = -1
cdef object latest_second_object = None


cdef long wire_type_of(long base, bint time, bint control) noexcept:
    """The DBR type that carries a plain type and what is wanted with it."""
    if base in (DBR_STSACK_STRING, DBR_CLASS_NAME):
        return base
    if time or (control and base == DBR_STRING):
        return base + DBR_TIME_STRING
    return base + DBR_CTRL_STRING if control else base


cdef int fields_of(long wire_type) noexcept:
    """Which fields there are in a DBR type that `wire_type_of` gave."""
    if wire_type == DBR_STSACK_STRING:
        return ACKNOWLEDGE_FIELDS
    if wire_type < DBR_TIME_STRING or wire_type == DBR_CLASS_NAME:
        return RAW_FIELDS
    if wire_type < DBR_CTRL_STRING:
        return TIME_FIELDS
    return (ENUM_FIELDS if wire_type == DBR_CTRL_STRING + DBR_ENUM
            else CONTROL_FIELDS)


cdef int set_fields(dict fields, int which, long type, const char* data) except -1:
    """Fills in the attributes beyond those of every value."""
    global latest_second, latest_second_object
    cdef int16_t alarm[2]
    cdef uint32_t stamp[2]
    cdef long long seconds
    cdef double moment
    memcpy(alarm, data, sizeof(alarm))
    fields["status"] = alarm[0]
    fields["severity"] = alarm[1]
    if which == TIME_FIELDS:
        memcpy(stamp, data + 4, sizeof(stamp))
        seconds = <long long> stamp[0] + POSIX_TIME_AT_EPICS_EPOCH
        # The sum as a double, rounded to microseconds: what round(moment, 6) gives,
        # without its detour through decimal text.
        moment = seconds + stamp[1] * 1e-9
        if seconds != latest_second:
            latest_second_object = seconds
            latest_second = seconds
        raw = (latest_second_object, stamp[1])
        # What the garbage collector does when it first sees a tuple of numbers. Done
        # before it goes into the dict, it spares the collector the dict as well.
        PyObject_GC_UnTrack(<PyObject*> raw)
        fields["raw_stamp"] = raw
        fields["timestamp"] = (
            (seconds * 1000000 + llrint((moment - seconds) * 1e6)) / <double> 1e6)
    elif which == CONTROL_FIELDS:
        set_control_fields(fields, type, data)
    elif which == ENUM_FIELDS:
        fields["enums"] = [text_of(enum_state(data, i))
                           for i in range(enum_states(data))]
    else:
        fields["ackt"] = (<dbr_stsack_string*> data).ackt
        fields["acks"] = (<dbr_stsack_string*> data).acks
    return 0


cdef int set_control_fields(dict to, long type, const char* data) except -1:
    cdef ControlFields fields
    if not control_fields(type, data, fields):
        return 0
    to["units"] = text_of(fields.units)
    to["upper_disp_limit"] = limit(fields.upper_disp, fields.real)
    to["lower_disp_limit"] = limit(fields.lower_disp, fields.real)
    to["upper_alarm_limit"] = limit(fields.upper_alarm, fields.real)
    to["lower_alarm_limit"] = limit(fields.lower_alarm, fields.real)
    to["upper_warning_limit"] = limit(fields.upper_warning, fields.real)
    to["lower_warning_limit"] = limit(fields.lower_warning, fields.real)
    to["upper_ctrl_limit"] = limit(fields.upper_ctrl, fields.real)
    to["lower_ctrl_limit"] = limit(fields.lower_ctrl, fields.real)
    if fields.real:
        to["precision"] = fields.precision
    return 0


cdef inline str text_of(string_view text):
    return PyUnicode_DecodeUTF8(text.data(), text.size(), "replace")


cdef inline object limit(double value, bint real):
    if real:
        return value
    return <long> value
