# distutils: language = c++
"""From Python values to what a put sends."""

cimport numpy as cnp
from cpython.bytes cimport PyBytes_Check
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t
from libc.string cimport memcpy, memset

from aioca.native._cpp.batch cimport Slot
from aioca.native._cpp.db_access cimport (
    DBR_CHAR,
    DBR_DOUBLE,
    DBR_ENUM,
    DBR_FLOAT,
    DBR_LONG,
    DBR_PUT_ACKS,
    DBR_PUT_ACKT,
    DBR_STRING,
    MAX_STRING_SIZE,
)

import numpy

from aioca.native._plan import (
    CHAR_BYTES,
    CHAR_STR,
    CHAR_UNICODE,
    InvalidDatatype,
    dbr_of_datatype,
)

cnp.import_array()

# numpy's type by DBR type; strings have none.
DTYPES = (None, numpy.dtype("int16"), numpy.dtype("float32"), numpy.dtype("uint16"),
          numpy.dtype("uint8"), numpy.dtype("int32"), numpy.dtype("float64"))


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
        ValueError: None or a text that is not a number.
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
