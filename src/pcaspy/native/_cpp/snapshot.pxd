from libc.stdint cimport int32_t, uint16_t, uint32_t

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.metadata cimport MetadataPtr
from pcaspy.native._cpp.types cimport DbfType


cdef extern from "dbr/structure.hpp" namespace "pcas" nogil:
    cdef cppclass Structure:
        int32_t number


cdef extern from "dbr/snapshot.hpp" namespace "pcas" nogil:
    cdef cppclass TimeStamp:
        uint32_t seconds
        uint32_t nanoseconds

    cdef cppclass AlarmState:
        uint16_t status
        uint16_t severity

    cdef cppclass Snapshot:
        DbfType type() noexcept
        uint32_t count() noexcept
        TimeStamp time
        AlarmState alarm
        MetadataPtr metadata
        Structure& mutable_structure() noexcept

    # A snapshot that its maker still fills, and one that is published.
    cdef cppclass NewSnapshot "pcas::Ref<pcas::Snapshot>":
        NewSnapshot() noexcept
        Snapshot* get() noexcept

    cdef cppclass SnapshotPtr:
        SnapshotPtr() noexcept
        SnapshotPtr(const NewSnapshot&) noexcept
        const Snapshot* get() noexcept
        void reset() noexcept

    SnapshotPtr restamped(
        const Snapshot& old, TimeStamp time, AlarmState alarm,
        const MetadataPtr& metadata) except +translate_exception
