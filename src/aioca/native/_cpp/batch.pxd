from libc.stdint cimport uint8_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from aioca.native._cpp.block cimport Block
from aioca.native._cpp.channel cimport NativeChannel
from aioca.native._cpp.queue cimport Node, Queue


cdef extern from "client/batch.hpp" namespace "aioca" nogil:
    cdef enum class SlotState:
        Waiting
        Submitted
        Done

    cdef enum class Operation:
        Connect
        Get
        Put
        PutCallback

    cdef cppclass Slot:
        NativeChannel* channel
        Block* block
        long type
        unsigned long count
        int status
        Operation operation
        SlotState state
        cbool refused
        void* reserve(size_t)

    cdef cppclass Batch(Node):
        Batch(Queue*, size_t) except +
        vector[Slot] slots
    cdef cppclass Progress:
        cbool finished
        cbool failed
        cbool lost
    void take_lost(Batch*, vector[size_t]&, vector[uint8_t]&)
    void mark_submitted(Batch*, vector[Slot*]&)
    Progress progress_of(Batch*)
    void look_at_slots(Batch*, vector[uint8_t]&)
    void abandon(Batch*)
