// Engine values -> Python objects. The GIL is held.
#pragma once

#include <Python.h>

#include "dbr/snapshot.hpp"

namespace pcas::py {

// The value as Driver.write gets it: a number, text (strings and CHAR of any count), a
// list when there is not exactly one element, what structured_value() makes of a table
// or an image. New reference.
PyObject* value_of(const Snapshot& snapshot);

// The elements' bytes in host order as a new bytearray.
PyObject* bytes_of(const Snapshot& snapshot);

// True if `value` is a one-dimensional contiguous buffer of exactly the type that the
// snapshot made from it has, so that the snapshot can stand for it.
bool holds_exactly(PyObject* value, const Snapshot& snapshot);

}  // namespace pcas::py
