from libc.stdint cimport uint16_t, uint64_t
from libcpp cimport bool
from libcpp.map cimport map
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.config cimport Config
from pcaspy.native._cpp.log cimport Log
from pcaspy.native._cpp.put_log cimport PutLogPtr
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.request cimport RequestPtr
from pcaspy.native._cpp.request_queue cimport RequestQueue, nanoseconds


cdef extern from "pv/pv_table.hpp" namespace "pcas" nogil:
    cdef cppclass PvTable:
        uint64_t posts() except +translate_exception


cdef extern from "pv/namespace.hpp" namespace "pcas" nogil:
    cdef cppclass Namespace:
        void set_put_log(PutLogPtr) noexcept
        const PvTable& table() noexcept


cdef extern from "server/server.hpp" namespace "pcas" nogil:
    cdef cppclass EngineServer "pcas::Server":
        EngineServer(Config) except +translate_exception
        void start() except +translate_exception
        void close() noexcept
        bool running() noexcept
        uint16_t tcp_port() noexcept
        uint16_t udp_port() noexcept
        void add(PvPtr) except +translate_exception
        void add(string, PvPtr) except +translate_exception
        bool remove(string) except +translate_exception
        size_t size() except +translate_exception
        void set_search_by_request(bool on) noexcept
        void set_attach_by_request(bool on) noexcept
        vector[RequestPtr] take(
            size_t, nanoseconds) except +translate_exception
        void hold_answers() except +translate_exception
        void answer() except +translate_exception
        RequestQueue& requests() noexcept
        Log& log() noexcept
        const shared_ptr[Namespace]& names() noexcept
        map[string, uint64_t] stats() except +translate_exception
        void ask_for_beat() except +translate_exception
        uint64_t beats() noexcept
        void prepare_fork() except +translate_exception
        void after_fork_in_parent() except +translate_exception
        void after_fork_in_child() noexcept
