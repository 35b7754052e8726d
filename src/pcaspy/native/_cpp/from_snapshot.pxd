from libcpp cimport bool

from pcaspy.native._cpp.snapshot cimport Snapshot


cdef extern from "pcaspy/native/from_snapshot.hpp" namespace "pcas::py":
    object value_of(const Snapshot& snapshot)
    object bytes_of(const Snapshot& snapshot)
    bool holds_exactly(object value, const Snapshot& snapshot) noexcept
