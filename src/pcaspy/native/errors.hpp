// C++ exceptions on their way to Python.
#pragma once

namespace pcas::py {

// Thrown while a Python exception is set; no handler for others may take it.
struct PythonError {};

// Called inside a catch block: the C++ exception in flight becomes the Python one.
// std::system_error becomes the OSError subclass of its errno.
void translate_exception() noexcept;

}  // namespace pcas::py
