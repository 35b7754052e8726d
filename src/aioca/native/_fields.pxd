# Which attributes a value gets.
cdef enum:
    RAW_FIELDS = 0
    TIME_FIELDS = 1
    CONTROL_FIELDS = 2
    ENUM_FIELDS = 3
    ACKNOWLEDGE_FIELDS = 4


cdef long wire_type_of(long base, bint time, bint control) noexcept
cdef int fields_of(long wire_type) noexcept
cdef int set_fields(dict fields, int which, long type, const char* data) except -1
