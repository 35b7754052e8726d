from libc.stdint cimport uint16_t, uint32_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.string_view cimport string_view

from pcaspy.native._cpp.metadata cimport MetadataPtr
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.snapshot cimport SnapshotPtr
from pcaspy.native._cpp.types cimport DbfType, EcaStatus


cdef extern from "pv/event_mask.hpp" namespace "pcas" nogil:
    ctypedef uint16_t EventMask
    EventMask kValueEvent
    EventMask kLogEvent
    EventMask kAlarmEvent
    EventMask kPropertyEvent


cdef extern from "pv/companion.hpp" namespace "pcas" nogil:
    cdef cppclass PvCompanion:
        void* owner_of_record() except +translate_exception
        const char* field() noexcept
        SnapshotPtr shown(SnapshotPtr) except +translate_exception

    cdef cppclass PvCompanionPtr:
        PvCompanion* get() noexcept


cdef extern from "pv/pv.hpp" namespace "pcas" nogil:
    cdef cppclass Pv:
        string_view name() noexcept
        DbfType type() noexcept
        uint32_t max_count() noexcept
        SnapshotPtr snapshot() except +translate_exception
        void set(SnapshotPtr) except +translate_exception
        bool post(SnapshotPtr, EventMask) except +translate_exception
        void wait_for_servers() noexcept
        void set_reads_by_request(bool on) noexcept
        void set_puts_in_series(bool on) except +translate_exception
        void end_put(EcaStatus) except +translate_exception
        void set_wants_interest(bool on) noexcept
        void set_access_group(string) except +translate_exception
        void set_read_only(bool on) except +translate_exception
        void set_transient_alarms(bool on) except +translate_exception
        void acknowledge(uint16_t severity) except +translate_exception
        PvCompanionPtr companion() except +translate_exception
        bool has_subscriptions() except +translate_exception
        bool sole_ref() noexcept
        void* owner

    void begin_batch "pcas::PostBatch::begin"() noexcept
    void end_batch "pcas::PostBatch::end"() except +translate_exception

    cdef cppclass PvPtr:
        PvPtr() noexcept
        Pv* get() noexcept
        void reset() noexcept

    SnapshotPtr unset_snapshot "pcas::Pv::unset"(
        DbfType, MetadataPtr) except +translate_exception
    PvPtr create_pv "pcas::Pv::create"(
        string, uint32_t, SnapshotPtr) except +translate_exception
