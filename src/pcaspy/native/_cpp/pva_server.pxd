from libc.stdint cimport uint16_t, uint64_t
from libcpp cimport bool
from libcpp.map cimport map
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.client_row cimport ChannelRows, ClientRow
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.log cimport Log
from pcaspy.native._cpp.server cimport Namespace


cdef extern from "pva/server.hpp" namespace "pcas::pva" nogil:
    cdef cppclass PvaServer:
        PvaServer(shared_ptr[Namespace], Log&, size_t, size_t) \
            except +translate_exception
        void start(vector[string]) except +translate_exception
        void close() noexcept
        bool running() noexcept
        bool usable() noexcept
        uint16_t tcp_port() noexcept
        uint16_t udp_port() noexcept
        vector[ClientRow] clients() except +translate_exception
        ChannelRows channels(uint64_t, size_t, size_t) except +translate_exception
        map[string, uint64_t] stats() except +translate_exception
        void prepare_fork() except +translate_exception
        void after_fork_in_parent() except +translate_exception
        void after_fork_in_child() noexcept


cdef extern from "pva/counters.hpp" namespace "pcas::pva" nogil:
    cdef enum class CounterKind "pcas::pva::CounterKind":
        NOW, EVER, TROUBLE

    cdef cppclass CounterInfo "pcas::pva::CounterInfo":
        const char* name
        CounterKind kind
        const char* meaning

    cdef cppclass CounterTable "std::span<const pcas::pva::CounterInfo>":
        size_t size() noexcept
        const CounterInfo& operator[](size_t) noexcept

    CounterTable counter_table() noexcept
