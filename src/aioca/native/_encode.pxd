from aioca.native._cpp.batch cimport Slot

cdef int encode(object value, object datatype, long native, bint long_string,
                Slot* slot) except -1
