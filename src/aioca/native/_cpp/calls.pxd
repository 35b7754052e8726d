from libcpp.vector cimport vector

from aioca.native._cpp.batch cimport Slot
from aioca.native._cpp.channel cimport NativeChannel, NativeMonitor


cdef extern from "client/calls.hpp" namespace "aioca" nogil:
    int open_channel(NativeChannel*, const char*)
    void close_channel(NativeChannel*)
    void submit(vector[Slot*]&)
    void subscribe(NativeMonitor*, long, unsigned long, long)
    void close_monitor(NativeMonitor*)
