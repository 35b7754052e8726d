from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.request cimport ClientPtr, PutOutcome
from pcaspy.native._cpp.request_queue cimport nanoseconds
from pcaspy.native._cpp.snapshot cimport SnapshotPtr, TimeStamp


cdef extern from "pv/put_log.hpp" namespace "pcas" nogil:
    cdef cppclass PutRecord:
        PvPtr pv
        ClientPtr client
        SnapshotPtr before
        SnapshotPtr value
        uint32_t before_count
        uint32_t count
        string text
        TimeStamp time
        PutOutcome outcome
        bool trapped
        const char* field
        uint64_t more
        SnapshotPtr least
        SnapshotPtr most

    cdef enum class Which "pcas::PutLog::Which":
        All, Accepted, Trapped

    cdef cppclass EnginePutLog "pcas::PutLog":
        EnginePutLog(Which, nanoseconds) except +translate_exception
        vector[PutRecord] take(size_t, nanoseconds) except +translate_exception
        void count_dropped(uint64_t) noexcept
        void count_written(uint64_t) noexcept
        uint64_t dropped() noexcept
        uint64_t written() noexcept
        void close() noexcept
        void open() noexcept

    cdef cppclass PutLogPtr:
        PutLogPtr() noexcept
        PutLogPtr(EnginePutLog*) noexcept
        EnginePutLog* get() noexcept
