#include "pcaspy/native/from_snapshot.hpp"

#include <cstring>

#include "pcaspy/native/object.hpp"
#include "pcaspy/native/text.hpp"

namespace pcas::py {
namespace {

PyObject* item_of(const Snapshot& s, std::uint32_t i) {
    switch (s.type()) {
        case DbfType::String: {
            const char* slot =
                reinterpret_cast<const char*>(s.data()) + i * kStringSize;
            return text_of(slot, strnlen(slot, kStringSize - 1));
        }
        case DbfType::Short:
            return PyLong_FromLong(s.elements<std::int16_t>()[i]);
        case DbfType::Float:
            return PyFloat_FromDouble(s.elements<float>()[i]);
        case DbfType::Enum:
            return PyLong_FromLong(s.elements<std::uint16_t>()[i]);
        case DbfType::Char:
            return PyLong_FromLong(s.elements<std::uint8_t>()[i]);
        case DbfType::Long:
            return PyLong_FromLong(s.elements<std::int32_t>()[i]);
        default:
            return PyFloat_FromDouble(s.elements<double>()[i]);
    }
}

char kind_of_type(DbfType type) noexcept {
    switch (type) {
        case DbfType::Float:
        case DbfType::Double:
            return 'f';
        case DbfType::Char:
        case DbfType::Enum:
            return 'u';
        case DbfType::String:
            return 's';
        default:
            return 'i';
    }
}

}  // namespace

PyObject* value_of(const Snapshot& s) {
    if (s.type() == DbfType::Char) {
        const char* text = reinterpret_cast<const char*>(s.data());
        std::size_t size = s.count();
        while (size && text[size - 1] == '\0') --size;
        return text_of(text, size);
    }
    if (s.count() == 1) return item_of(s, 0);
    Object list(PyList_New(static_cast<Py_ssize_t>(s.count())));
    if (!list) return nullptr;
    for (std::uint32_t i = 0; i < s.count(); ++i) {
        PyObject* item = item_of(s, i);
        if (!item) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
    }
    return list.release();
}

PyObject* bytes_of(const Snapshot& s) {
    return PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(s.data()),
                                         static_cast<Py_ssize_t>(s.size_bytes()));
}

bool holds_exactly(PyObject* value, const Snapshot& s) {
    Buffer buffer(value);
    if (!buffer || (*buffer).ndim != 1) return false;
    return kind_of_format((*buffer).format) == kind_of_type(s.type()) &&
           static_cast<std::size_t>((*buffer).itemsize) == element_size(s.type()) &&
           static_cast<std::size_t>(buffer.count()) == s.count();
}

}  // namespace pcas::py
