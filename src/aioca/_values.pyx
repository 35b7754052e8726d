# distutils: language = c++
"""Values: from libca's DBR structures to augmented Python values, and back.

A Plan says how one request is made and its answer read: the DBR type on the wire, how
text is decoded, which attributes the value gets. It depends on what the caller asked
for and on the channel's native type, so it is looked up again after every reconnect.
"""

cimport cython
cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check
from cpython.dict cimport PyDict_Copy
from cpython.object cimport PyTypeObject
from cpython.unicode cimport PyUnicode_Check, PyUnicode_DecodeUTF8
from cpython.bytes cimport PyBytes_Check, PyBytes_FromStringAndSize
from libc.math cimport llrint
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from aioca._native cimport Block, Slot

import numpy

from aioca._epics import dbr as _dbr

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    object PyArray_New(PyTypeObject* subtype, int nd, cnp.npy_intp* dims, int type_num,
                       cnp.npy_intp* strides, void* data, int itemsize, int flags,
                       void* obj)
    void PyArray_ENABLEFLAGS(cnp.ndarray array, int flags)

cdef extern from "Python.h":
    int PyObject_GenericSetDict(object, object, void*) except -1

cdef extern from "db_access.h":
    enum:
        DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM, DBR_CHAR, DBR_LONG, DBR_DOUBLE
        DBR_TIME_STRING, DBR_TIME_DOUBLE
        DBR_CTRL_ENUM, DBR_PUT_ACKT, DBR_PUT_ACKS, DBR_STSACK_STRING, DBR_CLASS_NAME
        MAX_STRING_SIZE, MAX_UNITS_SIZE, MAX_ENUM_STRING_SIZE, MAX_ENUM_STATES
    ctypedef struct dbr_ctrl_enum:
        short no_str
        char strs[MAX_ENUM_STATES][MAX_ENUM_STRING_SIZE]
    ctypedef struct dbr_stsack_string:
        unsigned short ackt
        unsigned short acks

cdef extern from "dbr_fields.hpp" namespace "aioca":
    cdef cppclass ControlFields:
        const char* units
        int precision
        bint real
        double upper_disp, lower_disp, upper_alarm, lower_alarm
        double upper_warning, lower_warning, upper_ctrl, lower_ctrl
    bint control_fields(long type, const void* data, ControlFields& to)

cdef extern from "<string.h>" nogil:
    size_t strnlen(const char* text, size_t limit)

# Seconds from 1970 to 1990, where EPICS' time begins.
cdef enum:
    EPICS_EPOCH = 631152000

# How text is made (Plan.text for DBR_CHAR arrays, Plan.strings for DBR_STRING).
cdef enum:
    NO_TEXT = 0
    REPLACE = 1     # UTF-8, what is invalid becomes U+FFFD
    STRICT = 2      # UTF-8, what is invalid raises UnicodeDecodeError
    AS_BYTES = 3

# Which attributes a value gets (Plan.fields).
cdef enum:
    RAW_FIELDS = 0
    TIME_FIELDS = 1
    CONTROL_FIELDS = 2
    ENUM_FIELDS = 3
    ACKNOWLEDGE_FIELDS = 4

cdef int FORMAT_RAW = _dbr.FORMAT_RAW
cdef int FORMAT_TIME = _dbr.FORMAT_TIME
cdef int FORMAT_CTRL = _dbr.FORMAT_CTRL
cdef int CHAR_STR = _dbr.DBR_CHAR_STR
cdef int CHAR_UNICODE = _dbr.DBR_CHAR_UNICODE
cdef int CHAR_BYTES = _dbr.DBR_CHAR_BYTES
cdef int ENUM_STR = _dbr.DBR_ENUM_STR
cdef int TIME_OFFSET = 14
cdef int CTRL_OFFSET = 28

cdef object ca_int = _dbr.ca_int
cdef object ca_float = _dbr.ca_float
cdef object ca_str = _dbr.ca_str
cdef object ca_bytes = _dbr.ca_bytes
cdef object ca_array = _dbr.ca_array
InvalidDatatype = _dbr.InvalidDatatype

# numpy's type by DBR type; strings have none.
cdef int[7] NUMPY_TYPE
NUMPY_TYPE[:] = [-1, cnp.NPY_INT16, cnp.NPY_FLOAT32, cnp.NPY_UINT16, cnp.NPY_UINT8,
                 cnp.NPY_INT32, cnp.NPY_FLOAT64]
DTYPES = (None, numpy.dtype("int16"), numpy.dtype("float32"), numpy.dtype("uint16"),
          numpy.dtype("uint8"), numpy.dtype("int32"), numpy.dtype("float64"))

# numpy's type characters that Channel Access can carry. 64-bit integers have no DBR
# type but are what Python and numpy call "int", so they are asked for as DBR_LONG.
cdef dict DBR_OF_CHARACTER = {
    "b": DBR_CHAR, "B": DBR_CHAR, "?": DBR_CHAR,
    "h": DBR_SHORT, "H": DBR_SHORT,
    "i": DBR_LONG, "I": DBR_LONG, "l": DBR_LONG, "L": DBR_LONG,
    "f": DBR_FLOAT, "d": DBR_DOUBLE, "S": DBR_STRING, "U": DBR_STRING,
}
if numpy.dtype(int).char == "q":  # numpy 2 on Windows
    DBR_OF_CHARACTER["q"] = DBR_LONG

cdef const unsigned short* value_sizes = NULL
cdef const unsigned short* value_offsets = NULL


cdef void set_tables(const unsigned short* sizes, const unsigned short* offsets):
    """Takes libca's tables of the sizes and offsets of values in DBR structures."""
    global value_sizes, value_offsets
    value_sizes = sizes
    value_offsets = offsets


# ---- plans -------------------------------------------------------------------------

cdef dict plans = {}


@cython.final
cdef class Plan:
    """How one request is made and its answer read."""


cdef Plan plan_for(object datatype, object format, long native, bint long_string):
    """The plan for what a caller asked of a channel with this native type.

    ``long_string``: the PV's name ends in ``$``, so its characters are one text.
    """
    key = (datatype, format, native, long_string)
    try:
        found = plans.get(key)
    except TypeError:  # an unhashable way to name a numpy type
        return make_plan(datatype, format, native, long_string)
    if found is None:
        found = make_plan(datatype, format, native, long_string)
        plans[key] = found
    return <Plan> found


cdef Plan make_plan(object datatype, object format, long native, bint long_string):
    cdef Plan plan = Plan.__new__(Plan)
    cdef long base
    plan.strings = REPLACE
    if datatype is None:
        base = native
        if base == DBR_CHAR and long_string:
            plan.text = REPLACE
    else:
        code = dbr_of_datatype(datatype)
        if code == ENUM_STR:
            base = DBR_STRING if native == DBR_ENUM else native
        elif code in (CHAR_STR, CHAR_UNICODE, CHAR_BYTES):
            base = DBR_CHAR
            plan.text = (REPLACE if code == CHAR_STR
                         else STRICT if code == CHAR_UNICODE else AS_BYTES)
        else:
            base = code
        if isinstance(datatype, type):
            if issubclass(datatype, bytes):
                plan.strings = AS_BYTES
            elif issubclass(datatype, str):
                plan.strings = STRICT
    plan.base_type = base
    plan.base_object = base
    if base == DBR_STSACK_STRING:
        plan.wire_type, plan.fields = base, ACKNOWLEDGE_FIELDS
    elif base == DBR_CLASS_NAME:
        plan.wire_type, plan.fields = base, RAW_FIELDS
    elif format == FORMAT_RAW:
        plan.wire_type, plan.fields = base, RAW_FIELDS
    elif format == FORMAT_TIME or (format == FORMAT_CTRL and base == DBR_STRING):
        plan.wire_type, plan.fields = base + TIME_OFFSET, TIME_FIELDS
    elif format == FORMAT_CTRL:
        plan.wire_type = base + CTRL_OFFSET
        plan.fields = ENUM_FIELDS if base == DBR_ENUM else CONTROL_FIELDS
    else:
        raise InvalidDatatype("Format not recognised")
    return plan


def dbr_of_datatype(datatype):
    """The DBR code, perhaps one of the text codes, that a datatype argument means."""
    try:
        if datatype in (DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM, DBR_CHAR, DBR_LONG,
                        DBR_DOUBLE, CHAR_STR, CHAR_UNICODE, CHAR_BYTES, ENUM_STR,
                        DBR_STSACK_STRING, DBR_CLASS_NAME):
            return int(datatype)
        return DBR_OF_CHARACTER[numpy.dtype(datatype).char]
    except Exception as error:
        raise InvalidDatatype(
            f'Datatype "{datatype}" not supported for channel access'
        ) from error


# ---- from libca --------------------------------------------------------------------

cdef dict attributes_for(Plan plan, object name, object element_count):
    """What every value of a channel has, with room for what changes each time.

    A value gets a copy: that is quicker than to set one attribute after the other.
    """
    cdef dict attributes = {
        "name": name, "ok": True, "datatype": plan.base_object,
        "element_count": element_count,
    }
    if plan.fields == TIME_FIELDS:
        attributes.update(status=0, severity=0, raw_stamp=None, timestamp=0.0)
    return attributes


cdef object decode(Plan plan, Block* block, dict attributes, bint keep):
    """The augmented value in a block, which must hold a value.

    ``attributes`` come from `attributes_for`. Takes over the memory of a big array's
    elements unless the block is to keep them.
    """
    cdef long type = block.type
    cdef char* data = block.data()
    cdef char* elements = (<char*> block.array if block.array
                           else data + value_offsets[type])
    cdef long base = plan.base_type
    # Some servers answer with more elements than they announced the PV with.
    cdef bint scalar = block.element_count == 1 and block.count >= 1
    if base == DBR_STRING or base >= DBR_STSACK_STRING:
        if scalar:
            value = make_string(elements, plan.strings)
        else:
            value = string_array(elements, block.count, plan.strings)
    elif plan.text:
        value = make_text(elements, strnlen(elements, block.count), plan.text)
    elif scalar:
        value = make_number(base, elements)
    else:
        value = number_array(base, elements, block, keep)
    cdef dict fields = PyDict_Copy(attributes)
    if plan.fields != RAW_FIELDS:
        set_fields(fields, plan, type, data)
    PyObject_GenericSetDict(value, fields, NULL)
    return value


cdef inline object make_number(long base, const char* at):
    cdef double real
    cdef float real32
    cdef int32_t whole32
    cdef int16_t whole16
    cdef uint16_t index
    if base == DBR_DOUBLE:
        memcpy(&real, at, sizeof(real))
        return ca_float(real)
    if base == DBR_LONG:
        memcpy(&whole32, at, sizeof(whole32))
        return ca_int(whole32)
    if base == DBR_ENUM:
        memcpy(&index, at, sizeof(index))
        return ca_int(index)
    if base == DBR_CHAR:
        return ca_int((<uint8_t*> at)[0])
    if base == DBR_SHORT:
        memcpy(&whole16, at, sizeof(whole16))
        return ca_int(whole16)
    memcpy(&real32, at, sizeof(real32))
    return ca_float(<double> real32)


cdef object number_array(long base, char* elements, Block* block, bint keep):
    cdef cnp.npy_intp[1] shape
    cdef cnp.ndarray array
    shape[0] = <cnp.npy_intp> block.count
    if block.array and not keep:
        array = PyArray_New(<PyTypeObject*> ca_array, 1, shape, NUMPY_TYPE[base],
                            NULL, block.array, 0, cnp.NPY_ARRAY_CARRAY, NULL)
        # numpy frees memory that has no allocator on record with free().
        PyArray_ENABLEFLAGS(array, cnp.NPY_ARRAY_OWNDATA)
        block.array = NULL
        return array
    array = PyArray_New(<PyTypeObject*> ca_array, 1, shape, NUMPY_TYPE[base],
                        NULL, NULL, 0, 0, NULL)
    if block.count:
        memcpy(cnp.PyArray_DATA(array), elements, cnp.PyArray_NBYTES(array))
    return array


cdef object make_text(const char* text, size_t length, int how):
    if how == AS_BYTES:
        return ca_bytes(PyBytes_FromStringAndSize(text, length))
    return ca_str(PyUnicode_DecodeUTF8(text, length,
                                       "strict" if how == STRICT else "replace"))


cdef inline object make_string(const char* text, int how):
    return make_text(text, strnlen(text, MAX_STRING_SIZE), how)


cdef object string_array(const char* elements, unsigned long count, int how):
    cdef unsigned long i
    cdef size_t longest = 1, length
    cdef list strings = []
    for i in range(count):
        text = elements + i * MAX_STRING_SIZE
        length = strnlen(text, MAX_STRING_SIZE)
        if how == AS_BYTES:
            strings.append(PyBytes_FromStringAndSize(text, length))
        else:
            decoded = PyUnicode_DecodeUTF8(
                text, length, "strict" if how == STRICT else "replace")
            strings.append(decoded)
            length = len(decoded)
        longest = max(longest, length)
    array = ca_array((count,), f"{'S' if how == AS_BYTES else 'U'}{longest}")
    if strings:
        array[:] = strings
    return array


cdef int set_fields(dict fields, Plan plan, long type, const char* data) except -1:
    """Fills in the attributes beyond those of every value."""
    cdef int16_t alarm[2]
    cdef uint32_t stamp[2]
    cdef long long seconds
    cdef double moment
    memcpy(alarm, data, sizeof(alarm))
    fields["status"] = alarm[0]
    fields["severity"] = alarm[1]
    if plan.fields == TIME_FIELDS:
        memcpy(stamp, data + 4, sizeof(stamp))
        seconds = <long long> stamp[0] + EPICS_EPOCH
        # The sum as a double, rounded to microseconds: what round(moment, 6) gives,
        # without its detour through decimal text.
        moment = seconds + stamp[1] * 1e-9
        fields["raw_stamp"] = (seconds, stamp[1])
        fields["timestamp"] = (
            (seconds * 1000000 + llrint((moment - seconds) * 1e6)) / <double> 1e6)
    elif plan.fields == CONTROL_FIELDS:
        set_control_fields(fields, type, data)
    elif plan.fields == ENUM_FIELDS:
        fields["enums"] = [
            PyUnicode_DecodeUTF8(
                (<dbr_ctrl_enum*> data).strs[i],
                strnlen((<dbr_ctrl_enum*> data).strs[i], MAX_ENUM_STRING_SIZE),
                "replace")
            for i in range(min(max((<dbr_ctrl_enum*> data).no_str, 0), MAX_ENUM_STATES))
        ]
    else:
        fields["ackt"] = (<dbr_stsack_string*> data).ackt
        fields["acks"] = (<dbr_stsack_string*> data).acks
    return 0


cdef int set_control_fields(dict to, long type, const char* data) except -1:
    cdef ControlFields fields
    if not control_fields(type, data, fields):
        return 0
    to["units"] = PyUnicode_DecodeUTF8(
        fields.units, strnlen(fields.units, MAX_UNITS_SIZE), "replace")
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


cdef inline object limit(double value, bint real):
    if real:
        return value
    return <long> value


# ---- to libca ----------------------------------------------------------------------

cdef int encode(object value, object datatype, long native, bint long_string,
                Slot* slot) except -1:
    """Puts a value in a slot, as the DBR type that a put should send."""
    if value is None:
        raise ValueError("None cannot be put to a PV")
    if datatype is None:
        if PyFloat_Check(value) and native == DBR_DOUBLE:
            return encode_real(PyFloat_AS_DOUBLE(value), slot)
        if PyLong_Check(value):
            return encode_whole(value, native, slot)
        if PyUnicode_Check(value) or PyBytes_Check(value):
            text = (<str> value).encode() if PyUnicode_Check(value) else value
            if native == DBR_CHAR and long_string:
                return encode_characters(text, slot)
            return encode_string(text, slot)
        code = native
        if native == DBR_CHAR and long_string and isinstance(value, numpy.str_):
            code = CHAR_STR
    elif datatype in (DBR_PUT_ACKT, DBR_PUT_ACKS):
        return encode_acknowledge(value, datatype, slot)
    else:
        code = dbr_of_datatype(datatype)
    if code in (CHAR_STR, CHAR_UNICODE, CHAR_BYTES) and isinstance(value, (str, bytes)):
        return encode_characters(value.encode() if isinstance(value, str) else value,
                                 slot)
    if code == CHAR_STR:
        code = DBR_CHAR
    if code > DBR_DOUBLE:
        raise InvalidDatatype(
            f'Datatype "{datatype}" not supported for channel access')
    array = strings_of(value) if code == DBR_STRING else numbers_of(value, code)
    return encode_array(array, code, slot)


cdef void* reserve(Slot* slot, long type, unsigned long count, size_t size) except NULL:
    cdef void* at = slot.reserve(size)
    if at == NULL:
        raise MemoryError
    slot.type = type
    slot.count = count
    return at


cdef int encode_real(double value, Slot* slot) except -1:
    memcpy(reserve(slot, DBR_DOUBLE, 1, sizeof(value)), &value, sizeof(value))
    return 0


cdef int encode_whole(object value, long native, Slot* slot) except -1:
    cdef int too_big = 0
    cdef long long whole = PyLong_AsLongLongAndOverflow(value, &too_big)
    cdef int32_t whole32
    cdef int16_t whole16
    cdef uint8_t character
    if native == DBR_DOUBLE:
        return encode_real(float(value), slot)
    if native == DBR_FLOAT or native == DBR_STRING:
        array = (numbers_of(value, native) if native == DBR_FLOAT
                 else strings_of(value))
        return encode_array(array, native, slot)
    lowest, highest = whole_range(native)
    if too_big or not (lowest <= whole <= highest):
        raise OverflowError(
            f"{value} does not fit the PV's type: {lowest} to {highest}")
    if native == DBR_LONG:
        whole32 = <int32_t> whole
        memcpy(reserve(slot, native, 1, sizeof(whole32)), &whole32, sizeof(whole32))
    elif native == DBR_CHAR:
        character = <uint8_t> whole
        memcpy(reserve(slot, native, 1, sizeof(character)), &character,
               sizeof(character))
    else:
        whole16 = <int16_t> whole  # the same two bytes for an enum's uint16
        memcpy(reserve(slot, native, 1, sizeof(whole16)), &whole16, sizeof(whole16))
    return 0


cdef int encode_string(bytes text, Slot* slot) except -1:
    """One DBR_STRING. A text that is too long is left to libca to refuse."""
    cdef char* at = <char*> reserve(slot, DBR_STRING, 1, MAX_STRING_SIZE)
    memset(at, 0, MAX_STRING_SIZE)
    memcpy(at, <const char*> text, min(len(text), MAX_STRING_SIZE))
    return 0


cdef int encode_characters(bytes text, Slot* slot) except -1:
    """A text as characters. An empty one is a single NUL: a put cannot be empty."""
    if not text:
        text = b"\0"
    memcpy(reserve(slot, DBR_CHAR, len(text), len(text)), <const char*> text, len(text))
    return 0


cdef int encode_acknowledge(object value, long code, Slot* slot) except -1:
    cdef uint16_t number = int(value)
    memcpy(reserve(slot, code, 1, sizeof(number)), &number, sizeof(number))
    return 0


cdef int encode_array(cnp.ndarray array, long code, Slot* slot) except -1:
    cdef size_t size = cnp.PyArray_NBYTES(array)
    cdef void* at = reserve(slot, code, cnp.PyArray_SIZE(array), size)
    if size:
        memcpy(at, cnp.PyArray_DATA(array), size)
    return 0


cdef tuple whole_range(long code):
    if code == DBR_LONG:
        return -2147483648, 2147483647
    if code == DBR_CHAR:
        return 0, 255
    if code == DBR_ENUM:
        return 0, 65535
    return -32768, 32767


def one_dimension(array):
    """The array in memory order, a scalar as one element."""
    if array.ndim == 0:
        array = array.reshape(1)
    assert array.ndim == 1, "Can't put multidimensional arrays!"
    return numpy.ascontiguousarray(array)


def numbers_of(value, code):
    """Any Python value as an array of the type of a DBR code.

    Raises:
        OverflowError: a number does not fit the type.
        ValueError: None or a text that is no number.
    """
    target = DTYPES[code]
    source = numpy.asarray(value)
    if source.dtype.kind == "O":
        if any(item is None for item in source.flat):
            raise ValueError("None cannot be put to a PV")
        source = numpy.asarray(value, dtype=target)
    if target.kind in "iu" and source.size:
        check_range(source, target, code)
    with numpy.errstate(over="ignore"):
        return one_dimension(source.astype(target, copy=False))


def check_range(source, target, code):
    """Raises OverflowError where the conversion to a whole number would wrap."""
    kind = source.dtype.kind
    if kind == "f":
        if numpy.isnan(source).any():
            raise ValueError("cannot convert float NaN to integer")
    elif kind not in "iu" or source.dtype.itemsize == target.itemsize:
        return  # signed and unsigned of one size stand for each other
    lowest, highest = whole_range(code)
    if not (lowest <= source.min() and source.max() <= highest):
        raise OverflowError(
            f"a value does not fit the type {target}: {lowest} to {highest}")


def strings_of(value):
    """Any Python value as an array of 40-byte strings, text encoded in UTF-8."""
    source = numpy.asarray(value)
    if source.dtype.kind == "O":
        if any(item is None for item in source.flat):
            raise ValueError("None cannot be put to a PV")
        source = source.astype(str)
    if source.dtype.kind == "U":
        source = numpy.char.encode(source, "UTF-8")
    return one_dimension(source.astype(f"S{MAX_STRING_SIZE}"))
