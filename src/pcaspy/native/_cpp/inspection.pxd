from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libcpp cimport bool
from libcpp.memory cimport shared_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.bell cimport Waker
from pcaspy.native._cpp.client_row cimport ChannelRows, ClientRow
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.request cimport ClientPtr
from pcaspy.native._cpp.server cimport EngineServer, Namespace
from pcaspy.native._cpp.snapshot cimport (
    AlarmState, Snapshot, SnapshotPtr, TimeStamp)
from pcaspy.native._cpp.types cimport EcaStatus


cdef extern from "pv/inspection.hpp" namespace "pcas" nogil:
    cdef enum class SortBy "pcas::SortBy":
        Name, Value, Alarm, Age, Clients, Rate

    cdef cppclass PvQuery:
        string match
        SortBy sort
        bool descending
        size_t offset
        size_t limit

    cdef cppclass PvRow:
        string name
        string value
        AlarmState alarm
        TimeStamp time
        size_t clients
        double rate

    cdef cppclass PvRows:
        size_t total
        size_t matching
        vector[PvRow] rows

    cdef cppclass PvInspection:
        PvRows rows(const PvQuery&) except +translate_exception
        PvPtr find(const string&, PvRow&) except +translate_exception
        void forget() noexcept

    SnapshotPtr first_elements(SnapshotPtr, uint32_t) except +translate_exception


cdef extern from "pv/misses.hpp" namespace "pcas" nogil:
    cdef cppclass MissRow:
        string name
        string client
        unsigned clients
        uint64_t count
        double first
        double last


cdef extern from "pv/local_puts.hpp" namespace "pcas" nogil:
    cdef cppclass PutProgress:
        uint64_t number
        bool completed
        EcaStatus status

    cdef cppclass LocalPuts:
        string put(PvPtr, SnapshotPtr, ClientPtr, uint64_t) \
            except +translate_exception
        vector[PutProgress] take() except +translate_exception

    ClientPtr local_client(string) except +translate_exception


cdef extern from "pcaspy/native/inspect.hpp" namespace "pcas::py" nogil:
    double steady_seconds() noexcept
    PvInspection* new_inspection(EngineServer&) except +translate_exception
    LocalPuts* new_local_puts(EngineServer&, shared_ptr[Waker]) \
        except +translate_exception
    void keep_misses(EngineServer&, bool on) except +translate_exception
    vector[MissRow] misses(EngineServer&) except +translate_exception
    bool clients(EngineServer&, vector[ClientRow]&) except +translate_exception
    bool channels(EngineServer&, uint64_t circuit, size_t offset, size_t limit,
                  ChannelRows&) except +translate_exception
    string access_group(const PvPtr&) except +translate_exception
    bool read_only(const PvPtr&) noexcept
    PvPtr find(PvInspection&, EngineServer&, const string&, PvRow&) \
        except +translate_exception
