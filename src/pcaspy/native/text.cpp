#include "pcaspy/native/text.hpp"

namespace pcas::py {

bool is_text(PyObject* value) noexcept {
    return PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value);
}

bool text_bytes(PyObject* value, Object& hold, std::string_view& out) {
    if (PyByteArray_Check(value)) {
        out = {PyByteArray_AS_STRING(value),
               static_cast<std::size_t>(PyByteArray_GET_SIZE(value))};
        return true;
    }
    PyObject* bytes = value;
    if (PyUnicode_Check(value)) {
        Py_ssize_t size = 0;
        if (const char* utf8 = PyUnicode_AsUTF8AndSize(value, &size)) {
            out = {utf8, static_cast<std::size_t>(size)};
            return true;
        }
        PyErr_Clear();  // lone surrogates: bytes that were not UTF-8 when they came in
        Object encoded(PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape"));
        if (!encoded) return false;
        bytes = encoded.get();
        hold = std::move(encoded);
    }
    out = {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
    return true;
}

PyObject* text_of(const char* bytes, std::size_t size) {
    return PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(size),
                                "surrogateescape");
}

}  // namespace pcas::py
