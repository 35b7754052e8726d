from libcpp.atomic cimport atomic
from libcpp.string cimport string
from libcpp.vector cimport vector

from aioca.native._cpp.ca_api cimport CaApi
from aioca.native._cpp.waker cimport Waker


cdef extern from "client/queue.hpp" namespace "aioca" nogil:
    cdef cppclass Queue

    cdef cppclass Node:
        Queue* queue
        void* owner

    cdef cppclass Complaint:
        string channel
        string context
        int status

    cdef cppclass Queue:
        Queue(CaApi&, atomic[size_t]&) except +
        Waker waker
        void take(vector[void*]&, vector[Complaint]&)
        void disown(Node*)
        void close()
        void let_go()
