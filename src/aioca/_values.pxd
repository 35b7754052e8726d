from aioca._native cimport Block, Slot


cdef class Plan:
    cdef readonly long wire_type
    cdef readonly long base_type
    cdef int text
    cdef int strings
    cdef int fields
    cdef object base_object


cdef Plan plan_for(object datatype, object format, long native, bint long_string)
cdef dict attributes_for(Plan plan, object name, object element_count)
cdef object decode(Plan plan, Block* block, dict attributes, bint keep)
cdef int encode(object value, object datatype, long native, bint long_string,
                Slot* slot) except -1
cdef void set_tables(const unsigned short* sizes, const unsigned short* offsets)
