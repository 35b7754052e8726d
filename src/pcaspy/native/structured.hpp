// Tables and images: Python objects <-> engine values. The GIL is held.
#pragma once

#include <Python.h>

#include "dbr/codec.hpp"
#include "dbr/structure.hpp"
#include "pcaspy/native/to_snapshot.hpp"

namespace pcas::py {

// A table of a dict of columns, where the target's metadata has columns, else an image
// of an array. `cut` tells that rows were left out. Null with a Python exception set,
// or throws PythonError.
Ref<Snapshot> structured_of(PyObject* value, const DecodeTarget& target,
                            Strictness strictness, bool& cut);

// An empty one.
Ref<Snapshot> structured_of_nothing(const Metadata& metadata);

// A dict of numpy arrays, of text of lists; or a numpy array. New reference.
PyObject* structured_value(const Snapshot& snapshot);

}  // namespace pcas::py
