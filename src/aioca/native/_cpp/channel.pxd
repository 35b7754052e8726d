from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.atomic cimport atomic

from aioca.native._cpp.block cimport Block
from aioca.native._cpp.queue cimport Node, Queue


cdef extern from "client/channel.hpp" namespace "aioca" nogil:
    cdef cppclass NativeChannel "aioca::Channel"(Node):
        NativeChannel(Queue*) except +
        void* id

    cdef cppclass ChannelState:
        cbool connected
        cbool readable
        cbool writable
        short native_type
        unsigned long element_count
    ChannelState state_of(NativeChannel*)
    cbool is_lost(NativeChannel*)

    cdef cppclass NativeMonitor "aioca::Monitor"(Node):
        NativeMonitor(NativeChannel*) except +
        atomic[cbool] stale
        Block* take_oldest()
        Block* take_oldest(cbool&)
        Block* take_all()
        void reuse(Block*)
        void put_back(Block*)
        uint64_t dropped_updates()
        void set_wishes(cbool, cbool)
    void* id_of(NativeMonitor*)
    void report(NativeMonitor*, int status)
