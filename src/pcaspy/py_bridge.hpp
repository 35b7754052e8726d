// Python objects <-> engine values. With its .cpp the only engine-facing C++ that may
// include Python.h. Every function here is called with the GIL held.
#pragma once

#include <Python.h>

#include <cstdint>

#include "dbr/codec.hpp"
#include "dbr/snapshot.hpp"

namespace pcas::py {

// Called inside a catch block: the C++ exception in flight becomes the Python one.
// std::system_error becomes the OSError subclass of its errno.
void translate_exception() noexcept;

// What may be given besides exact values.
enum class Strictness {
    Checked,  // setParam: text that is no number, or no state, is refused
    Lenient   // Driver.read: text that is no number counts as 0
};

// A new snapshot with the elements of `value` (number, text, sequence or array). Throws
// what translate_exception turns into a TypeError or ValueError. `cut` tells that
// elements beyond `target.max_count` were left out. Text for CHAR gets one NUL when
// there is room.
Ref<Snapshot> snapshot_of(PyObject* value, const DecodeTarget& target,
                          Strictness strictness, bool& cut);

// What stands for None: one zero or empty text; of an array, no element.
Ref<Snapshot> snapshot_of_nothing(const DecodeTarget& target);

// The value as Driver.write gets it: a number, text (strings and CHAR of any count), or
// a list when there is not exactly one element. New reference.
PyObject* value_of(const Snapshot& snapshot);

// The elements' bytes in host order as a new bytearray.
PyObject* bytes_of(const Snapshot& snapshot);

// True if `value` is a one-dimensional contiguous buffer of exactly the type that the
// snapshot made from it has, so that the snapshot can stand for it.
bool holds_exactly(PyObject* value, const Snapshot& snapshot);

// UTF-8 with undecodable bytes kept (surrogateescape).
PyObject* text_of(const char* bytes, std::size_t size);

}  // namespace pcas::py
