from libcpp cimport bool

from pcaspy.native._cpp.codec cimport DecodeTarget
from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.snapshot cimport NewSnapshot


cdef extern from "pcaspy/native/to_snapshot.hpp" namespace "pcas::py":
    cdef enum class Strictness "pcas::py::Strictness":
        Checked
        Ranged
        Lenient

    NewSnapshot snapshot_of_nothing(
        const DecodeTarget&) except +translate_exception
    NewSnapshot snapshot_of(
        object value, const DecodeTarget& target, Strictness strictness, bool& cut
    ) except +translate_exception
