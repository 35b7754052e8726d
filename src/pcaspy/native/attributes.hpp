// The dict of attributes that programs add to objects of the binding. The GIL is held.
#pragma once

#include <Python.h>

namespace pcas::py {

// Cython makes the dict together with the object, which few programs use, and which
// takes as much room as the rest of a small object. The interpreter makes it when there
// is an attribute for it.
template <class T>
void no_attributes_yet(T* object) noexcept {
    Py_CLEAR(object->__dict__);
}

}  // namespace pcas::py
