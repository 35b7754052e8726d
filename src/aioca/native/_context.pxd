cpdef int attach() except -1
cdef str message(int status)
