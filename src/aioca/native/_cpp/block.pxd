cdef extern from "client/block.hpp" namespace "aioca" nogil:
    long STATUS_ONLY

    cdef cppclass Block:
        Block* next
        long type
        int status
        bint own_memory
        unsigned long count
        unsigned long element_count
        char* elements
        char* data()
    void free_block(Block*)
    void free_blocks(Block*)
