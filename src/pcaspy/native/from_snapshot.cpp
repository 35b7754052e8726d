#include "pcaspy/native/from_snapshot.hpp"

#include <cstring>
#include <type_traits>

#include "dbr/elements.hpp"
#include "pcaspy/native/object.hpp"
#include "pcaspy/native/structured.hpp"
#include "pcaspy/native/text.hpp"

namespace pcas::py {
namespace {

template <class T>
PyObject* item_of(const T& element) {
    if constexpr (std::is_same_v<T, StringSlot>) {
        return text_of(element.bytes, strnlen(element.bytes, kStringSize - 1));
    } else if constexpr (std::is_same_v<T, bool>) {
        return PyBool_FromLong(element);
    } else if constexpr (std::is_floating_point_v<T>) {
        return PyFloat_FromDouble(element);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        return PyLong_FromUnsignedLongLong(element);
    } else if constexpr (sizeof(T) < sizeof(long)) {
        return PyLong_FromLong(element);
    } else {
        return PyLong_FromLongLong(element);
    }
}

template <class T>
PyObject* list_of(std::span<const T> elements) {
    Object list(PyList_New(static_cast<Py_ssize_t>(elements.size())));
    if (!list) return nullptr;
    Py_ssize_t i = 0;
    for (const T& element : elements) {
        PyObject* item = item_of(element);
        if (!item) return nullptr;
        PyList_SET_ITEM(list.get(), i++, item);
    }
    return list.release();
}

char kind_of_type(DbfType type) noexcept {
    return visit_type(type, [](auto tag) noexcept {
        using T = typename decltype(tag)::Element;
        if constexpr (std::is_same_v<T, StringSlot>) {
            return 's';
        } else if constexpr (std::is_same_v<T, bool>) {
            return 'b';
        } else if constexpr (std::is_floating_point_v<T>) {
            return 'f';
        } else {
            return std::is_signed_v<T> ? 'i' : 'u';
        }
    });
}

}  // namespace

PyObject* value_of(const Snapshot& s) {
    if (s.type() == DbfType::Structure) return structured_value(s);
    if (s.type() == DbfType::Char) {
        const char* text = reinterpret_cast<const char*>(s.data());
        std::size_t size = s.count();
        while (size && text[size - 1] == '\0') --size;
        return text_of(text, size);
    }
    return visit_type(s.type(), [&s](auto tag) {
        const auto elements = s.elements<typename decltype(tag)::Element>();
        return s.count() == 1 ? item_of(elements[0]) : list_of(elements);
    });
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
