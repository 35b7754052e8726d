// Text of Python <-> bytes: UTF-8 with undecodable bytes kept (surrogateescape). The
// GIL is held.
#pragma once

#include <Python.h>

#include <cstddef>
#include <string_view>

#include "pcaspy/native/object.hpp"

namespace pcas::py {

// str, bytes or bytearray.
bool is_text(PyObject* value) noexcept;

// The bytes of such. `hold` keeps them alive. False: a Python exception is set.
bool text_bytes(PyObject* value, Object& hold, std::string_view& out);

// A new str; null with a Python exception set.
PyObject* text_of(const char* bytes, std::size_t size);

}  // namespace pcas::py
