"""The C++ half: what it declares in calls.hpp, events.hpp, circuit.hpp, waker.hpp."""

from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.atomic cimport atomic
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "<mutex>" namespace "std" nogil:
    cdef cppclass mutex:
        void lock()
        void unlock()


cdef extern from "db_access.h" nogil:
    ctypedef struct epicsTimeStamp:
        unsigned int secPastEpoch
        unsigned int nsec


cdef extern from "caerr.h" nogil:
    enum:
        ECA_NORMAL
        ECA_TIMEOUT
        ECA_DISCONN
        ECA_CHANDESTROY


cdef extern from "ca_api.hpp" namespace "aioca" nogil:
    cdef cppclass ca_client_context "::ca_client_context":
        pass
    enum ca_preemptive_callback_select "::ca_preemptive_callback_select":
        ca_enable_preemptive_callback "::ca_enable_preemptive_callback"
    cdef cppclass CaApi:
        int ca_context_create(ca_preemptive_callback_select)
        void ca_context_destroy()
        ca_client_context* ca_current_context()
        int ca_attach_context(ca_client_context*)
        void ca_detach_context()
        int ca_flush_io()
        int ca_add_exception_event(void* handler, void* user)
        unsigned ca_get_host_name(void* channel, char* text, unsigned size)
        const char* ca_message(long status)
        const char* ca_version()
        int ca_client_status(unsigned level)
        const unsigned short* value_size
        const unsigned short* value_offset
    string load_api(CaApi&, const char* com_path, const char* ca_path)


cdef extern from "circuit.hpp" namespace "aioca" nogil:
    cdef cppclass Circuits:
        int busy()


cdef extern from "waker.hpp" namespace "aioca" nogil:
    cdef cppclass Waker:
        int descriptor()
        void wake()
        void reset()
        cbool wait()
        void stop()
        void close()


cdef extern from "events.hpp" namespace "aioca" nogil:
    long STATUS_ONLY

    cdef cppclass Block:
        Block* next
        long type
        int status
        unsigned long count
        unsigned long element_count
        void* array
        char* data()
    void free_block(Block*)
    void free_blocks(Block*)
    Block* status_block(int)

    cdef cppclass Queue
    cdef cppclass Node:
        Queue* queue
        void* owner

    cdef cppclass Complaint:
        string channel
        string context
        int status
        long operation

    cdef cppclass Queue:
        Queue(CaApi&) except +
        mutex mutex
        Waker waker
        cbool closed
        atomic[size_t] nodes
        void* batches
        void take(vector[void*]&, vector[Complaint]&)
        void close()

    cdef cppclass NativeChannel "aioca::Channel"(Node):
        NativeChannel(Queue*) except +
        void* id
        cbool connected
        cbool readable
        cbool writable
        short native_type
        unsigned long element_count

    cdef cppclass NativeMonitor "aioca::Monitor"(Node):
        NativeMonitor(NativeChannel*) except +
        Block* oldest
        Block* newest
        uint64_t dropped
        cbool all_updates
        cbool notify_disconnect
        cbool stale
        cbool store(Block*)

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
        size_t bytes
        int status
        Operation operation
        SlotState state
        cbool refused
        void* reserve(size_t)

    cdef cppclass Batch(Node):
        Batch(Queue*, size_t) except +
        vector[Slot] slots
        size_t outstanding
        size_t failures
    void abandon(Batch*)


cdef extern from "calls.hpp" namespace "aioca" nogil:
    cdef cppclass Process:
        CaApi api
        ca_client_context* context
        mutex mutex
        vector[Queue*] queues
        atomic[cbool] ended
        Circuits circuits
        unsigned priority
    Process*& process_pointer()
    Process& process()
    cbool has_ended()
    int open_channel(NativeChannel*, const char*)
    void close_channel(NativeChannel*)
    void submit(vector[Slot*]&)
    void subscribe(NativeMonitor*, long, unsigned long, long)
    void close_monitor(NativeMonitor*)
