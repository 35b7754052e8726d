// Owners of what the C++ of the binding borrows from Python. The GIL is held.
#pragma once

#include <Python.h>

#include <bit>
#include <cstring>
#include <utility>

namespace pcas::py {

// Owns one reference.
class Object {
  public:
    explicit Object(PyObject* owned) noexcept : object_(owned) {}
    Object(const Object&) = delete;
    Object(Object&& other) noexcept : object_(other.release()) {}
    Object& operator=(Object&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Object() { Py_XDECREF(object_); }
    PyObject* get() const noexcept { return object_; }
    PyObject* release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

  private:
    PyObject* object_;
};

// The contiguous memory of an object that has such; false of others.
class Buffer {
  public:
    explicit Buffer(PyObject* from) {
        if (!PyObject_CheckBuffer(from)) return;
        if (PyObject_GetBuffer(from, &view_, PyBUF_FORMAT | PyBUF_ND) == 0)
            held_ = true;
        else
            PyErr_Clear();  // not contiguous
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
        if (held_) PyBuffer_Release(&view_);
    }
    explicit operator bool() const noexcept { return held_; }
    const Py_buffer& operator*() const noexcept { return view_; }
    Py_ssize_t count() const noexcept {
        return view_.itemsize ? view_.len / view_.itemsize : 0;
    }

  private:
    Py_buffer view_{};
    bool held_ = false;
};

// Kind of a struct-module format: 'i' signed, 'u' unsigned, 'b' bool, 'f' float; 0:
// another one, or not in host order.
inline char kind_of_format(const char* format) noexcept {
    if (!format) return 'u';  // bytes
    constexpr char kHost = std::endian::native == std::endian::little ? '<' : '>';
    if (*format == '@' || *format == '=' || *format == kHost) ++format;
    if (*format == '\0' || format[1] != '\0') return 0;
    if (std::strchr("bhilqn", *format)) return 'i';
    if (*format == '?') return 'b';
    if (std::strchr("BHILQNc", *format)) return 'u';
    return std::strchr("fd", *format) ? 'f' : '\0';
}

}  // namespace pcas::py
