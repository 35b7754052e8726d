# distutils: language = c++
"""From libca's DBR structures to augmented Python values."""

cimport numpy as cnp
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Copy
from cpython.object cimport PyTypeObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t
from libc.string cimport memcpy

from aioca.native._cpp.block cimport Block
from aioca.native._cpp.db_access cimport (
    DBR_CHAR,
    DBR_DOUBLE,
    DBR_ENUM,
    DBR_LONG,
    DBR_SHORT,
    DBR_STRING,
    DBR_STSACK_STRING,
    MAX_STRING_SIZE,
)
from aioca.native._cpp.process cimport process
from aioca.native._fields cimport RAW_FIELDS, set_fields
from aioca.native._plan cimport AS_BYTES, STRICT, Plan

import ctypes

from aioca._epics import dbr as _dbr

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    object PyArray_New(PyTypeObject* subtype, int nd, cnp.npy_intp* dims, int type_num,
                       cnp.npy_intp* strides, void* data, int itemsize, int flags,
                       void* obj)
    void PyArray_ENABLEFLAGS(cnp.ndarray array, int flags)

cdef extern from "Python.h":
    ctypedef struct PyFloatObject:
        double ob_fval
    int PyObject_GenericSetDict(object, object, void*) except -1
    int PyGC_Disable()
    int PyGC_Enable()

cdef extern from *:
    """
    static inline PyObject* allocated(PyObject* type) {
        PyTypeObject* of = (PyTypeObject*) type;
        return of->tp_alloc(of, 0);
    }
    """
    object allocated(object type)

cdef extern from "<string.h>" nogil:
    size_t strnlen(const char* text, size_t limit)

cdef object ca_int = _dbr.ca_int
cdef object ca_float = _dbr.ca_float
cdef object ca_str = _dbr.ca_str
cdef object ca_bytes = _dbr.ca_bytes
cdef object ca_array = _dbr.ca_array
# Nothing of Python's runs when one is made.
cdef bint plain_float = (
    ca_float.__new__ is float.__new__ and ca_float.__init__ is float.__init__)

# numpy's type by DBR type; strings have none.
cdef int[7] NUMPY_TYPE
NUMPY_TYPE[:] = [-1, cnp.NPY_INT16, cnp.NPY_FLOAT32, cnp.NPY_UINT16, cnp.NPY_UINT8,
                 cnp.NPY_INT32, cnp.NPY_FLOAT64]


cdef object decode(Plan plan, Block* block, dict attributes, bint keep):
    """The augmented value in a block, which must hold a value.

    ``attributes`` come from `attributes_for`. Takes over the memory of a big array's
    elements unless the block is to keep them.
    """
    # Some servers answer with more elements than they announced the PV with.
    cdef bint scalar = block.element_count == 1 and block.count >= 1
    if not scalar:
        return decoded(plan, block, attributes, scalar, keep)
    # What is made here is no garbage: it does not start Python's collector. The next
    # object that the program makes does.
    cdef bint collecting = PyGC_Disable()
    try:
        return decoded(plan, block, attributes, scalar, keep)
    finally:
        if collecting:
            PyGC_Enable()


cdef object decoded(Plan plan, Block* block, dict attributes, bint scalar, bint keep):
    cdef char* data = block.data()
    cdef char* elements = block.elements
    cdef long base = plan.base_type
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
        set_fields(fields, plan.fields, block.type, data)
    PyObject_GenericSetDict(value, fields, NULL)
    return value


cdef inline object make_real(double real):
    if not plain_float:
        return ca_float(real)
    # As float's constructor makes one of a subclass, without the float that it is
    # usually given.
    value = allocated(ca_float)
    (<PyFloatObject*> value).ob_fval = real
    return value


cdef inline object make_number(long base, const char* at):
    cdef double real
    cdef float real32
    cdef int32_t whole32
    cdef int16_t whole16
    cdef uint16_t index
    if base == DBR_DOUBLE:
        memcpy(&real, at, sizeof(real))
        return make_real(real)
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
    return make_real(real32)


cdef object number_array(long base, char* elements, Block* block, bint keep):
    cdef cnp.npy_intp[1] shape
    cdef cnp.ndarray array
    shape[0] = <cnp.npy_intp> block.count
    if block.own_memory and not keep:
        array = PyArray_New(<PyTypeObject*> ca_array, 1, shape, NUMPY_TYPE[base],
                            NULL, elements, 0, cnp.NPY_ARRAY_CARRAY, NULL)
        # numpy frees memory that has no allocator on record with free().
        PyArray_ENABLEFLAGS(array, cnp.NPY_ARRAY_OWNDATA)
        block.own_memory = False
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


cdef object decode_by(object converter, Block* block, long wire_type):
    """What a program's own `dbr_to_value` makes of libca's structure.

    ``wire_type``: what the program expects; it may be less than the block carries.
    """
    cdef const char* head = block.data()
    cdef size_t offset = process().api.value_offset[block.type]
    cdef size_t size = process().api.value_size[block.type] * block.count
    raw = <bytes> block.elements[:size]
    if block.type == wire_type:
        raw = head[:offset] + raw
    memory = ctypes.create_string_buffer(raw, len(raw) + 1)
    return converter(ctypes.addressof(memory), wire_type, block.count)
