#include "pcaspy/native/to_snapshot.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>

#include "pcaspy/native/errors.hpp"
#include "pcaspy/native/object.hpp"
#include "pcaspy/native/text.hpp"

namespace pcas::py {
namespace {

// ---- one number ----

template <class T>
T narrow(double v) noexcept {
    if constexpr (std::is_same_v<T, double>) {
        return v;
    } else if constexpr (std::is_same_v<T, float>) {
        constexpr double kMax = std::numeric_limits<float>::max();
        if (std::isinf(v) || v != v) return static_cast<float>(v);
        return static_cast<float>(v > kMax ? kMax : v < -kMax ? -kMax : v);
    } else {
        // CHAR takes signed bytes as well: -1 is 255.
        constexpr double kLow =
            std::is_same_v<T, std::uint8_t>
                ? -128.0
                : static_cast<double>(std::numeric_limits<T>::min());
        constexpr double kHigh = static_cast<double>(std::numeric_limits<T>::max());
        if (v != v) return 0;
        v = v < kLow ? kLow : v > kHigh ? kHigh : v;
        return static_cast<T>(static_cast<std::int64_t>(v));
    }
}

template <class T>
T narrow(std::int64_t v) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
        return static_cast<T>(v);
    } else {
        constexpr std::int64_t kLow =
            std::is_same_v<T, std::uint8_t> ? -128 : std::numeric_limits<T>::min();
        constexpr std::int64_t kHigh = std::numeric_limits<T>::max();
        return static_cast<T>(v < kLow ? kLow : v > kHigh ? kHigh : v);
    }
}

template <class T>
bool number_of_text(PyObject* value, Strictness strictness, T& out) {
    Object number(PyFloat_FromString(value));
    if (!number) {
        if (strictness == Strictness::Checked) return false;
        PyErr_Clear();
        out = 0;
        return true;
    }
    out = narrow<T>(PyFloat_AS_DOUBLE(number.get()));
    return true;
}

template <class T>
bool number_of_integer(PyObject* integer, T& out) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(integer, &overflow);
    if (v == -1 && PyErr_Occurred()) return false;
    if (!overflow) {
        out = narrow<T>(static_cast<std::int64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
        const double d = PyLong_AsDouble(integer);
        if (d == -1.0 && PyErr_Occurred()) return false;
        out = narrow<T>(d);
    } else {
        out = narrow<T>(overflow > 0 ? std::numeric_limits<std::int64_t>::max()
                                     : std::numeric_limits<std::int64_t>::min());
    }
    return true;
}

template <class T>
bool number_of(PyObject* value, Strictness strictness, T& out) {
    if (PyFloat_Check(value)) {
        out = narrow<T>(PyFloat_AS_DOUBLE(value));
        return true;
    }
    if (PyLong_Check(value)) return number_of_integer(value, out);
    if (is_text(value)) return number_of_text(value, strictness, out);
    if (PyIndex_Check(value)) {
        if (Object integer(PyNumber_Index(value)); integer)
            return number_of_integer(integer.get(), out);
        PyErr_Clear();  // numpy.bool and arrays of no dimension say no: by float then
    }
    const double d = PyFloat_AsDouble(value);
    if (d == -1.0 && PyErr_Occurred()) return false;
    out = narrow<T>(d);
    return true;
}

// ---- one element ----

struct Target {
    const DecodeTarget& pv;
    Strictness strictness;
};

bool state_of(PyObject* value, const Target& to, std::uint16_t& out) {
    Object hold(nullptr);
    std::string_view text;
    if (!text_bytes(value, hold, text)) return false;
    constexpr std::size_t kLongest = kStateTextSize - 1;
    const auto& states = to.pv.metadata->states;
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (states[i] == text.substr(0, kLongest)) {
            out = static_cast<std::uint16_t>(i);
            return true;
        }
    }
    if (Object number(PyNumber_Long(value)); number)
        return number_of_integer(number.get(), out);
    PyErr_Format(PyExc_ValueError, "%R is none of the states", value);
    return false;
}

template <class T>
bool element_of(PyObject* value, const Target& to, T& out) {
    return number_of(value, to.strictness, out);
}
template <>
bool element_of(PyObject* value, const Target& to, std::uint16_t& out) {
    if (is_text(value)) return state_of(value, to, out);
    return number_of(value, to.strictness, out);
}

struct StringSlot {
    char bytes[kStringSize];
};
template <>
bool element_of(PyObject* value, const Target&, StringSlot& out) {
    Object text(nullptr);
    if (!is_text(value)) {
        if (value == Py_None) {
            PyErr_SetString(PyExc_TypeError, "None is no text");
            return false;
        }
        text = Object(PyObject_Str(value));
        if (!text) return false;
        value = text.get();
    }
    Object hold(nullptr);
    std::string_view bytes;
    if (!text_bytes(value, hold, bytes)) return false;
    bytes = bytes.substr(0, kStringSize - 1);
    bytes = bytes.substr(0, bytes.find('\0'));
    std::memcpy(out.bytes, bytes.data(), bytes.size());  // the slot was zeroed
    return true;
}

// ---- many elements ----

template <class T>
T* data_of(Snapshot& s) noexcept {
    return reinterpret_cast<T*>(s.mutable_data());
}

std::uint32_t limited(Py_ssize_t size, const Target& to, bool& cut) noexcept {
    cut = static_cast<std::uint64_t>(size) > to.pv.max_count;
    return cut ? to.pv.max_count : static_cast<std::uint32_t>(size);
}

// For elements that are all written next: zeroing a large array costs as much as that.
Ref<Snapshot> unfilled(const Target& to, std::uint32_t count) {
    Ref<Snapshot> made = Snapshot::create_unfilled(to.pv.type, count);
    if (!made) throw std::bad_alloc();
    return made;
}

template <class T>
Ref<Snapshot> from_items(PyObject* sequence, const Target& to, bool& cut) {
    const std::uint32_t count = limited(PySequence_Fast_GET_SIZE(sequence), to, cut);
    Ref<Snapshot> made = Snapshot::create(to.pv.type, count);
    for (std::uint32_t i = 0; i < count; ++i) {
        // The size is looked at again: converting an item may run Python code.
        if (i >= static_cast<std::size_t>(PySequence_Fast_GET_SIZE(sequence))) break;
        PyObject* item = PySequence_Fast_GET_ITEM(sequence, i);
        Py_INCREF(item);
        Object held(item);
        if (!element_of(item, to, data_of<T>(*made)[i])) return {};
    }
    return made;
}

template <class T>
Ref<Snapshot> from_scalar(PyObject* value, const Target& to) {
    // Text may be shorter than its slot; a number is written as a whole.
    constexpr bool text = std::is_same_v<T, StringSlot>;
    Ref<Snapshot> made = text ? Snapshot::create(to.pv.type, 1) : unfilled(to, 1);
    if (!element_of(value, to, *data_of<T>(*made))) return {};
    return made;
}

template <class To, class From>
void convert(const void* from, To* out, std::size_t count) noexcept {
    const From* in = static_cast<const From*>(from);
    if constexpr (std::is_same_v<To, From>) {
        if (count) std::memcpy(out, in, count * sizeof(To));
    } else if constexpr (std::is_floating_point_v<From>) {
        for (std::size_t i = 0; i < count; ++i)
            out[i] = narrow<To>(static_cast<double>(in[i]));
    } else {
        for (std::size_t i = 0; i < count; ++i)
            out[i] = narrow<To>(static_cast<std::int64_t>(in[i]));
    }
}

template <class To>
bool convert_buffer(const Py_buffer& from, To* out, std::size_t count) noexcept {
    const int size = static_cast<int>(from.itemsize);
    switch (kind_of_format(from.format) * 16 + size) {
        case 'i' * 16 + 1:
            convert<To, std::int8_t>(from.buf, out, count);
            return true;
        case 'i' * 16 + 2:
            convert<To, std::int16_t>(from.buf, out, count);
            return true;
        case 'i' * 16 + 4:
            convert<To, std::int32_t>(from.buf, out, count);
            return true;
        case 'i' * 16 + 8:
            convert<To, std::int64_t>(from.buf, out, count);
            return true;
        case 'u' * 16 + 1:
            convert<To, std::uint8_t>(from.buf, out, count);
            return true;
        case 'u' * 16 + 2:
            convert<To, std::uint16_t>(from.buf, out, count);
            return true;
        case 'u' * 16 + 4:
            convert<To, std::uint32_t>(from.buf, out, count);
            return true;
        case 'u' * 16 + 8: {
            const auto* in = static_cast<const std::uint64_t*>(from.buf);
            constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
            for (std::size_t i = 0; i < count; ++i)
                out[i] =
                    narrow<To>(static_cast<std::int64_t>(in[i] < kMax ? in[i] : kMax));
            return true;
        }
        case 'f' * 16 + 4:
            convert<To, float>(from.buf, out, count);
            return true;
        case 'f' * 16 + 8:
            convert<To, double>(from.buf, out, count);
            return true;
        default:
            return false;
    }
}

// An array that is strided, in foreign byte order or of an unusual type, made plain.
PyObject* plain_array(PyObject* value) {
    Object numpy(PyImport_ImportModule("numpy"));
    if (!numpy) return nullptr;
    return PyObject_CallMethod(numpy.get(), "ascontiguousarray", "Os", value, "f8");
}

template <class T>
Ref<Snapshot> from_list(PyObject* value, const Target& to, bool& cut) {
    Object list(PySequence_Fast(value, "neither a number nor a sequence"));
    if (!list) return {};
    return from_items<T>(list.get(), to, cut);
}

template <class T>
Ref<Snapshot> from_array(PyObject* value, const Target& to, bool& cut) {
    if constexpr (std::is_same_v<T, StringSlot>) {
        Object list(PyObject_CallMethod(value, "tolist", nullptr));
        if (!list) return {};
        if (!PyList_Check(list.get())) return from_scalar<T>(list.get(), to);
        return from_items<T>(list.get(), to, cut);
    } else {
        if (Buffer buffer(value); buffer) {
            const std::uint32_t count = limited(buffer.count(), to, cut);
            Ref<Snapshot> made = unfilled(to, count);
            if (convert_buffer(*buffer, data_of<T>(*made), count)) return made;
        }
        Object plain(plain_array(value));
        if (!plain) return {};
        Buffer buffer(plain.get());
        const std::uint32_t count = buffer ? limited(buffer.count(), to, cut) : 0;
        Ref<Snapshot> made = Snapshot::create(to.pv.type, count);
        if (buffer) convert_buffer(*buffer, data_of<T>(*made), count);
        return made;
    }
}

Ref<Snapshot> from_char_text(PyObject* value, const Target& to, bool& cut) {
    Object hold(nullptr);
    std::string_view text;
    if (!text_bytes(value, hold, text)) return {};
    // bytes are elements as they are; str is text and ends with a NUL if one fits
    const bool nul = PyUnicode_Check(value) && text.size() < to.pv.max_count;
    const std::uint32_t count = limited(static_cast<Py_ssize_t>(text.size()), to, cut);
    Ref<Snapshot> made = Snapshot::create(to.pv.type, count + (nul ? 1 : 0));
    std::memcpy(made->mutable_data(), text.data(), count);
    return made;
}

template <class T>
Ref<Snapshot> from_any(PyObject* value, const Target& to, bool& cut) {
    if (PyFloat_CheckExact(value) || PyLong_CheckExact(value))
        return from_scalar<T>(value, to);
    if (is_text(value)) {
        if constexpr (std::is_same_v<T, std::uint8_t>)
            return from_char_text(value, to, cut);
        else
            return from_scalar<T>(value, to);
    }
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return from_items<T>(value, to, cut);
    if (PyObject_CheckBuffer(value) && PySequence_Check(value))
        return from_array<T>(value, to, cut);
    if (PySequence_Check(value) && !PyNumber_Check(value))
        return from_list<T>(value, to, cut);
    return from_scalar<T>(value, to);
}

Ref<Snapshot> snapshot_of_type(PyObject* value, const Target& to, bool& cut) {
    switch (to.pv.type) {
        case DbfType::String:
            return from_any<StringSlot>(value, to, cut);
        case DbfType::Short:
            return from_any<std::int16_t>(value, to, cut);
        case DbfType::Float:
            return from_any<float>(value, to, cut);
        case DbfType::Enum:
            return from_any<std::uint16_t>(value, to, cut);
        case DbfType::Char:
            return from_any<std::uint8_t>(value, to, cut);
        case DbfType::Long:
            return from_any<std::int32_t>(value, to, cut);
        default:
            return from_any<double>(value, to, cut);
    }
}

}  // namespace

Ref<Snapshot> snapshot_of(PyObject* value, const DecodeTarget& target,
                          Strictness strictness, bool& cut) {
    cut = false;
    Ref<Snapshot> made = snapshot_of_type(value, {target, strictness}, cut);
    if (made && made->count() == 0 && target.max_count == 1)
        PyErr_SetString(PyExc_ValueError, "no element for a PV of one");
    else if (made)
        return made;
    throw PythonError();  // NOLINT(bugprone-std-exception-baseclass): see there
}

Ref<Snapshot> snapshot_of_nothing(const DecodeTarget& target) {
    return Snapshot::create(target.type, target.max_count > 1 ? 0 : 1);
}

}  // namespace pcas::py
