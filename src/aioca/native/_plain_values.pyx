# distutils: language = c++
"""Values of the commands: lists of numbers or bytes, made without numpy."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t
from libc.string cimport memcpy, memset

from aioca.native._cpp.block cimport STATUS_ONLY
from aioca.native._cpp.db_access cimport (
    DBR_CHAR,
    DBR_CLASS_NAME,
    DBR_CTRL_STRING,
    DBR_DOUBLE,
    DBR_ENUM,
    DBR_FLOAT,
    DBR_LONG,
    DBR_SHORT,
    DBR_STRING,
    DBR_STSACK_STRING,
    DBR_TIME_STRING,
    ECA_DISCONN,
    ECA_NORDACCESS,
    ECA_TIMEOUT,
    MAX_STRING_SIZE,
    POSIX_TIME_AT_EPICS_EPOCH,
)
from aioca.native._fields cimport RAW_FIELDS, fields_of, set_fields, wire_type_of

cdef extern from "<string.h>" nogil:
    size_t strnlen(const char* text, size_t limit)

ctypedef fused Number:
    double
    float
    int32_t
    int16_t
    uint16_t
    uint8_t

# The numbers of EPICS' headers that the commands need.
STRING, SHORT, FLOAT, ENUM = DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM
CHAR, LONG, DOUBLE = DBR_CHAR, DBR_LONG, DBR_DOUBLE
STSACK_STRING, CLASS_NAME = DBR_STSACK_STRING, DBR_CLASS_NAME
DISCONNECTED, TIMEOUT, NO_READ_ACCESS = ECA_DISCONN, ECA_TIMEOUT, ECA_NORDACCESS
EPICS_EPOCH = POSIX_TIME_AT_EPICS_EPOCH


class Failure(Exception):
    """A value that could not be read, or a channel that libca did not make."""

    ok = False

    def __init__(self, name, errorcode, refused=False):
        super().__init__(name, errorcode)
        self.name = name
        self.errorcode = errorcode
        self.refused = refused


class Value:
    """A value: its ``elements`` in a list, and as attributes what came with them."""

    ok = True

    def __init__(self, name, datatype, elements):
        self.name = name
        self.datatype = datatype
        self.elements = elements


def wire_type(base, time=False, control=False):
    """The DBR type that carries a plain type and what is wanted with it."""
    return wire_type_of(base, time, control)


cdef long base_of(long type) noexcept:
    """The plain type of one that `wire_type` gave."""
    if type < DBR_TIME_STRING or type >= DBR_STSACK_STRING:
        return type
    return type - (DBR_TIME_STRING if type < DBR_CTRL_STRING else DBR_CTRL_STRING)


cdef object value_in(Block* block, long type, str name):
    """What a block holds, of a type that `wire_type` gave."""
    cdef long base
    cdef dict fields = {}
    cdef int which = fields_of(type)
    if block.type == STATUS_ONLY:
        return Failure(name, block.status)
    base = base_of(type)
    # Some servers answer with more elements than they announced the PV with.
    cdef bint scalar = block.element_count == 1 and block.count >= 1
    value = Value(name, base,
                  elements_of(base, block.elements, 1 if scalar else block.count))
    if which != RAW_FIELDS:
        set_fields(fields, which, type, block.data())
        vars(value).update(fields)
    return value


cdef list elements_of(long base, const char* at, unsigned long count):
    cdef unsigned long i
    cdef list found = []
    if base == DBR_STRING or base >= DBR_STSACK_STRING:
        for i in range(count):
            found.append(string_at(at + i * MAX_STRING_SIZE, base))
        return found
    if base == DBR_DOUBLE:
        return numbers(<const double*> at, count)
    if base == DBR_LONG:
        return numbers(<const int32_t*> at, count)
    if base == DBR_ENUM:
        return numbers(<const uint16_t*> at, count)
    if base == DBR_CHAR:
        return numbers(<const uint8_t*> at, count)
    if base == DBR_SHORT:
        return numbers(<const int16_t*> at, count)
    return numbers(<const float*> at, count)


cdef list numbers(const Number* at, unsigned long count):
    cdef unsigned long i
    return [at[i] for i in range(count)]


cdef object string_at(const char* text, long base):
    """DBR_STRING as bytes; the other types have only text of the server itself."""
    cdef size_t length = strnlen(text, MAX_STRING_SIZE)
    if base == DBR_STRING:
        return PyBytes_FromStringAndSize(text, length)
    return PyUnicode_DecodeUTF8(text, length, "replace")


cdef int fill(Slot* slot, object values) except -1:
    """Puts what is to be written in a slot."""
    cdef size_t count = len(values)
    cdef size_t i
    if isinstance(values, bytes):
        memcpy(reserve(slot, DBR_CHAR, count, 1), <const char*> values, count)
        return 0
    if values and isinstance(values[0], float):
        real = <double*> reserve(slot, DBR_DOUBLE, count, sizeof(double))
        for i, value in enumerate(values):
            real[i] = value
        return 0
    text = <char*> reserve(slot, DBR_STRING, count, MAX_STRING_SIZE)
    memset(text, 0, count * MAX_STRING_SIZE)
    for i, value in enumerate(values):
        memcpy(text + i * MAX_STRING_SIZE, <const char*> value,
               min(len(value), MAX_STRING_SIZE))
    return 0


cdef void* reserve(Slot* slot, long type, unsigned long count, size_t size) except NULL:
    cdef void* at = slot.reserve(count * size)
    if at == NULL:
        raise MemoryError
    slot.type, slot.count = type, count
    return at
