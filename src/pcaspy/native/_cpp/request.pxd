from libcpp cimport bool
from libcpp.string cimport string

from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.snapshot cimport SnapshotPtr
from pcaspy.native._cpp.types cimport DbrType, EcaStatus


cdef extern from "pv/put_log.hpp" namespace "pcas" nogil:
    cdef enum class PutOutcome "pcas::PutOutcome":
        Accepted, Refused, Failed, OutOfLimits, NotDone, NoAccess, ReadOnly, Disabled
        BadValue, TooLarge, Busy


cdef extern from "pv/request.hpp" namespace "pcas" nogil:
    cdef enum class Protocol "pcas::Protocol":
        ChannelAccess, PVAccess, Control

    cdef cppclass ClientIdentity:
        string user
        string host
        string address
        Protocol protocol

    cdef cppclass ClientPtr:
        ClientPtr() noexcept
        const ClientIdentity* get() noexcept

    cdef enum class RequestKind "pcas::RequestKind":
        Write
        Read
        Exists
        Attach
        Interest

    cdef cppclass EngineRequest "pcas::Request":
        RequestKind kind
        bool notify
        bool in_series
        bool trapped
        bool interest
        DbrType dbr_type
        PvPtr pv
        ClientPtr client
        SnapshotPtr value
        string name
        void begin() except +translate_exception
        void set_failure(PutOutcome) noexcept
        bool complete(EcaStatus) except +translate_exception
        bool complete(EcaStatus, SnapshotPtr) except +translate_exception
        bool complete_attach(EcaStatus, PvPtr) except +translate_exception
        void carry_out() except +translate_exception
        void defer() except +translate_exception
        bool completed() noexcept

    cdef cppclass RequestPtr:
        RequestPtr() noexcept
        RequestPtr(EngineRequest*) noexcept
        EngineRequest* get() noexcept
        void reset() noexcept
