# How text is made (Plan.text for DBR_CHAR arrays, Plan.strings for DBR_STRING).
cdef enum:
    NO_TEXT = 0
    REPLACE = 1     # UTF-8, what is invalid becomes U+FFFD
    STRICT = 2      # UTF-8, what is invalid raises UnicodeDecodeError
    AS_BYTES = 3

cdef class Plan:
    cdef readonly long wire_type
    cdef readonly long base_type
    cdef int text
    cdef int strings
    cdef int fields
    cdef object base_object


cdef Plan plan_for(object datatype, object format, long native, bint long_string)
cdef dict attributes_for(Plan plan, object name, object element_count)
cdef unsigned long count_for(long count, object element_count) except? 0
