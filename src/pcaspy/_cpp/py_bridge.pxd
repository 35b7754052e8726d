from libcpp cimport bool

from pcaspy._cpp.codec cimport DecodeTarget
from pcaspy._cpp.errors cimport translate_exception
from pcaspy._cpp.snapshot cimport NewSnapshot, Snapshot


cdef extern from "pcaspy/py_bridge.hpp" namespace "pcas::py":
    cdef enum class Strictness "pcas::py::Strictness":
        Checked
        Lenient

    NewSnapshot snapshot_of_nothing(
        const DecodeTarget&) except +translate_exception
    NewSnapshot snapshot_of(
        object value, const DecodeTarget& target, Strictness strictness, bool& cut
    ) except +translate_exception
    object value_of(const Snapshot& snapshot)
    object bytes_of(const Snapshot& snapshot)
    bool holds_exactly(object value, const Snapshot& snapshot) noexcept
    object text_of(const char* text, size_t size)
