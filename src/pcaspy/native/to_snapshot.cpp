#include "pcaspy/native/to_snapshot.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "dbr/convert.hpp"
#include "dbr/elements.hpp"
#include "pcaspy/native/errors.hpp"
#include "pcaspy/native/object.hpp"
#include "pcaspy/native/structured.hpp"
#include "pcaspy/native/text.hpp"

namespace pcas::py {
namespace {

struct Target {
    const DecodeTarget& pv;
    Strictness strictness;
};

// ---- one number ----

// What a number may be; CHAR takes signed bytes as well: -1 is 255.
template <DbfType Type>
struct Range {
    using T = ElementOf<Type>;
    static constexpr std::int64_t low =
        Type == DbfType::Char
            ? -128
            : static_cast<std::int64_t>(std::numeric_limits<T>::min());
    static constexpr std::uint64_t high = std::numeric_limits<T>::max();
};

template <DbfType Type, class From>
bool in_range(From v) noexcept {
    using T = ElementOf<Type>;
    if constexpr (std::is_floating_point_v<T>) {
        return true;
    } else if constexpr (std::is_same_v<T, bool>) {
        return v == From{0} || v == From{1};
    } else if constexpr (std::is_floating_point_v<From>) {
        // What is cut off behind the point counts for nothing.
        constexpr double kLow = static_cast<double>(Range<Type>::low);
        constexpr double kEnd = static_cast<double>(Range<Type>::high) +
                                (sizeof(T) < sizeof(double) ? 1.0 : 0.0);
        return v < kEnd && (v >= kLow || (v > kLow - 1.0 && sizeof(T) < 8));
    } else {
        return std::cmp_greater_equal(v, Range<Type>::low) &&
               std::cmp_less_equal(v, Range<Type>::high);
    }
}

// The nearest number of the type; NaN is 0, and a bool any other true.
template <DbfType Type, class From>
ElementOf<Type> narrow(From v) noexcept {
    using T = ElementOf<Type>;
    if constexpr (std::is_same_v<T, bool>) {
        return v != From{0};
    } else if constexpr (std::is_same_v<T, float> && std::is_same_v<From, double>) {
        constexpr double kMax = std::numeric_limits<float>::max();
        if (std::isinf(v) || v != v) return static_cast<float>(v);
        return static_cast<float>(v > kMax ? kMax : v < -kMax ? -kMax : v);
    } else if constexpr (std::is_floating_point_v<T>) {
        return static_cast<T>(v);
    } else if constexpr (std::is_floating_point_v<From> && sizeof(T) == 8) {
        return clamp_to<T>(v);
    } else if constexpr (std::is_floating_point_v<From>) {
        constexpr double kLow = static_cast<double>(Range<Type>::low);
        constexpr double kHigh = static_cast<double>(Range<Type>::high);
        double d = v;
        if (d != d) return 0;
        d = d < kLow ? kLow : d > kHigh ? kHigh : d;
        return static_cast<T>(static_cast<std::int64_t>(d));
    } else {
        constexpr auto kLow = static_cast<T>(Range<Type>::low);
        constexpr auto kHigh = static_cast<T>(Range<Type>::high);
        if (std::cmp_less(v, Range<Type>::low)) return kLow;
        return std::cmp_greater(v, Range<Type>::high) ? kHigh : static_cast<T>(v);
    }
}

// What follows the number in the text of an error.
template <DbfType Type>
std::string allowed() {
    if constexpr (std::is_integral_v<ElementOf<Type>>) {
        return " is out of range, allowed is " + std::to_string(Range<Type>::low) +
               " to " + std::to_string(Range<Type>::high);
    } else {
        return " is not allowed";
    }
}

template <DbfType Type>
bool out_of_range(PyObject* value) {
    PyErr_Format(PyExc_ValueError, "%R%s", value, allowed<Type>().c_str());
    return false;
}

template <DbfType Type, class From>
bool take_number(From v, PyObject* given, const Target& to, ElementOf<Type>& out) {
    if (to.strictness == Strictness::Ranged && !in_range<Type>(v))
        return out_of_range<Type>(given);
    out = narrow<Type>(v);
    return true;
}

// An int that is none of 64 bits.
template <DbfType Type>
bool number_of_large_integer(PyObject* integer, int sign, const Target& to,
                             ElementOf<Type>& out) {
    if constexpr (std::is_floating_point_v<ElementOf<Type>>) {
        const double d = PyLong_AsDouble(integer);
        if (d == -1.0 && PyErr_Occurred()) return false;
        out = narrow<Type>(d);
        return true;
    } else {
        if (sign > 0) {
            const unsigned long long v = PyLong_AsUnsignedLongLong(integer);
            if (!PyErr_Occurred())
                return take_number<Type>(std::uint64_t{v}, integer, to, out);
            PyErr_Clear();
        }
        if (to.strictness == Strictness::Ranged) return out_of_range<Type>(integer);
        out = sign > 0 ? narrow<Type>(std::numeric_limits<std::uint64_t>::max())
                       : narrow<Type>(std::numeric_limits<std::int64_t>::min());
        return true;
    }
}

template <DbfType Type>
bool number_of_integer(PyObject* integer, const Target& to, ElementOf<Type>& out) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(integer, &overflow);
    if (v == -1 && PyErr_Occurred()) return false;
    if (overflow) return number_of_large_integer<Type>(integer, overflow, to, out);
    return take_number<Type>(std::int64_t{v}, integer, to, out);
}

template <DbfType Type>
bool number_of_text(PyObject* value, const Target& to, ElementOf<Type>& out) {
    if constexpr (Type == DbfType::Int64 || Type == DbfType::UInt64) {
        if (Object integer(PyNumber_Long(value)); integer)  // has more digits
            return number_of_integer<Type>(integer.get(), to, out);
        PyErr_Clear();
    }
    Object number(PyFloat_FromString(value));
    if (!number) {
        if (to.strictness != Strictness::Lenient) return false;
        PyErr_Clear();
        out = 0;
        return true;
    }
    return take_number<Type>(PyFloat_AS_DOUBLE(number.get()), value, to, out);
}

template <DbfType Type>
bool number_of(PyObject* value, const Target& to, ElementOf<Type>& out) {
    if (PyFloat_Check(value))
        return take_number<Type>(PyFloat_AS_DOUBLE(value), value, to, out);
    if (PyLong_Check(value)) return number_of_integer<Type>(value, to, out);
    if (is_text(value)) return number_of_text<Type>(value, to, out);
    if (PyIndex_Check(value)) {
        if (Object integer(PyNumber_Index(value)); integer)
            return number_of_integer<Type>(integer.get(), to, out);
        PyErr_Clear();  // numpy.bool and arrays of no dimension say no: by float then
    }
    const double d = PyFloat_AsDouble(value);
    if (d == -1.0 && PyErr_Occurred()) return false;
    return take_number<Type>(d, value, to, out);
}

// ---- one element ----

template <DbfType Type>
bool state_of(PyObject* value, const Target& to, ElementOf<Type>& out) {
    Object hold(nullptr);
    std::string_view text;
    if (!text_bytes(value, hold, text)) return false;
    constexpr std::size_t kLongest = kStateTextSize - 1;
    const auto& states = to.pv.metadata->states;
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (states[i] == text.substr(0, kLongest)) {
            out = static_cast<ElementOf<Type>>(i);
            return true;
        }
    }
    if (Object number(PyNumber_Long(value)); number)
        return number_of_integer<Type>(number.get(), to, out);
    PyErr_Format(PyExc_ValueError, "%R is none of the states", value);
    return false;
}

bool text_of_any(PyObject* value, StringSlot& out) {
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

template <DbfType Type>
bool element_of(PyObject* value, const Target& to, ElementOf<Type>& out) {
    if constexpr (Type == DbfType::String) {
        return text_of_any(value, out);
    } else {
        if constexpr (has_states(Type)) {
            if (is_text(value)) return state_of<Type>(value, to, out);
        }
        return number_of<Type>(value, to, out);
    }
}

// ---- many elements ----

template <DbfType Type>
ElementOf<Type>* data_of(Snapshot& s) noexcept {
    return reinterpret_cast<ElementOf<Type>*>(s.mutable_data());
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

template <DbfType Type>
Ref<Snapshot> from_items(PyObject* sequence, const Target& to, bool& cut) {
    const std::uint32_t count = limited(PySequence_Fast_GET_SIZE(sequence), to, cut);
    Ref<Snapshot> made = Snapshot::create(to.pv.type, count);
    for (std::uint32_t i = 0; i < count; ++i) {
        // The size is looked at again: converting an item may run Python code.
        if (i >= static_cast<std::size_t>(PySequence_Fast_GET_SIZE(sequence))) break;
        PyObject* item = PySequence_Fast_GET_ITEM(sequence, i);
        Py_INCREF(item);
        Object held(item);
        if (!element_of<Type>(item, to, data_of<Type>(*made)[i])) return {};
    }
    return made;
}

template <DbfType Type>
Ref<Snapshot> from_scalar(PyObject* value, const Target& to) {
    // Text may be shorter than its slot; a number is written as a whole.
    constexpr bool text = Type == DbfType::String;
    Ref<Snapshot> made = text ? Snapshot::create(to.pv.type, 1) : unfilled(to, 1);
    if (!element_of<Type>(value, to, *data_of<Type>(*made))) return {};
    return made;
}

template <class T>
PyObject* number_object(T v) {
    if constexpr (std::is_floating_point_v<T>) {
        return PyFloat_FromDouble(v);
    } else if constexpr (std::is_signed_v<T>) {
        return PyLong_FromLongLong(v);
    } else {
        return PyLong_FromUnsignedLongLong(v);
    }
}

// In a loop of its own, which vectorises, as the one that converts does.
template <DbfType Type, class From>
bool all_in_range(const From* in, std::size_t count) {
    unsigned outside = 0;
    for (std::size_t i = 0; i < count; ++i) outside |= !in_range<Type>(in[i]);
    if (!outside) return true;
    std::size_t first = 0;
    while (in_range<Type>(in[first])) ++first;
    Object number(number_object(in[first]));
    if (number)
        PyErr_Format(PyExc_ValueError, "element %zu, %R,%s", first, number.get(),
                     allowed<Type>().c_str());
    return false;
}

template <DbfType Type, class From>
bool convert(const void* from, const Target& to, ElementOf<Type>* out,
             std::size_t count) {
    const From* in = static_cast<const From*>(from);
    if constexpr (std::is_same_v<ElementOf<Type>, From>) {
        if (count) std::memcpy(out, in, count * sizeof(From));
    } else {
        if (to.strictness == Strictness::Ranged && !all_in_range<Type>(in, count))
            return false;
        for (std::size_t i = 0; i < count; ++i) {
            if constexpr (std::is_floating_point_v<From>)
                out[i] = narrow<Type>(static_cast<double>(in[i]));
            else
                out[i] = narrow<Type>(in[i]);
        }
    }
    return true;
}

enum class Taken : std::uint8_t { Yes, Refused, UnknownFormat };

template <DbfType Type>
Taken convert_buffer(const Py_buffer& from, const Target& to, Snapshot& made) {
    ElementOf<Type>* out = data_of<Type>(made);
    const std::size_t n = made.count();
    const auto as = [&](auto element) {
        const bool taken = convert<Type, decltype(element)>(from.buf, to, out, n);
        return taken ? Taken::Yes : Taken::Refused;
    };
    switch (kind_of_format(from.format) * 16 + static_cast<int>(from.itemsize)) {
        case 'i' * 16 + 1:
            return as(std::int8_t{});
        case 'i' * 16 + 2:
            return as(std::int16_t{});
        case 'i' * 16 + 4:
            return as(std::int32_t{});
        case 'i' * 16 + 8:
            return as(std::int64_t{});
        case 'b' * 16 + 1:  // a byte that is neither 0 nor 1 would be no bool
        case 'u' * 16 + 1:
            return as(std::uint8_t{});
        case 'u' * 16 + 2:
            return as(std::uint16_t{});
        case 'u' * 16 + 4:
            return as(std::uint32_t{});
        case 'u' * 16 + 8:
            return as(std::uint64_t{});
        case 'f' * 16 + 4:
            return as(float{});
        case 'f' * 16 + 8:
            return as(double{});
        default:
            return Taken::UnknownFormat;
    }
}

// An array that is strided, in foreign byte order or of an unusual type, made plain:
// of its own type in host order, or of doubles.
PyObject* plain_array(PyObject* value, bool as_double) {
    Object numpy(PyImport_ImportModule("numpy"));
    if (!numpy) return nullptr;
    if (as_double)
        return PyObject_CallMethod(numpy.get(), "ascontiguousarray", "Os", value, "f8");
    Object array(PyObject_CallMethod(numpy.get(), "asarray", "O", value));
    if (!array) return nullptr;
    Object dtype(PyObject_GetAttrString(array.get(), "dtype"));
    if (!dtype) return nullptr;
    Object own(PyObject_CallMethod(dtype.get(), "newbyteorder", "s", "="));
    if (!own) return nullptr;
    return PyObject_CallMethod(numpy.get(), "ascontiguousarray", "OO", array.get(),
                               own.get());
}

template <DbfType Type>
Ref<Snapshot> from_list(PyObject* value, const Target& to, bool& cut) {
    Object list(PySequence_Fast(value, "neither a number nor a sequence"));
    if (!list) return {};
    return from_items<Type>(list.get(), to, cut);
}

// False: it is no contiguous array of a known type.
template <DbfType Type>
bool from_buffer(PyObject* value, const Target& to, bool& cut, Ref<Snapshot>& made) {
    Buffer buffer(value);
    if (!buffer) return false;
    made = unfilled(to, limited(buffer.count(), to, cut));
    const Taken taken = convert_buffer<Type>(*buffer, to, *made);
    if (taken == Taken::Refused) made.reset();
    return taken != Taken::UnknownFormat;
}

// Item by item: of labels and of texts.
template <DbfType Type>
Ref<Snapshot> from_objects(PyObject* value, const Target& to, bool& cut) {
    Object list(PyObject_CallMethod(value, "tolist", nullptr));
    if (!list) return {};
    if (!PyList_Check(list.get())) return from_scalar<Type>(list.get(), to);
    return from_items<Type>(list.get(), to, cut);
}

template <DbfType Type>
Ref<Snapshot> from_array(PyObject* value, const Target& to, bool& cut) {
    if constexpr (Type == DbfType::String) {
        return from_objects<Type>(value, to, cut);
    } else {
        // As doubles, labels would be none, and integers of 64 bits not all there.
        constexpr bool kByItem =
            has_states(Type) || Type == DbfType::Int64 || Type == DbfType::UInt64;
        Ref<Snapshot> made;
        if (from_buffer<Type>(value, to, cut, made)) return made;
        for (const bool as_double : {false, true}) {
            if (kByItem && as_double) return from_objects<Type>(value, to, cut);
            Object plain(plain_array(value, as_double));
            if (!plain) return {};
            if (from_buffer<Type>(plain.get(), to, cut, made)) return made;
        }
        return Snapshot::create(to.pv.type, 0);
    }
}

Ref<Snapshot> from_char_text(PyObject* value, const Target& to, bool& cut) {
    Object hold(nullptr);
    std::string_view text;
    if (!text_bytes(value, hold, text)) return {};
    // bytes are elements as they are; str is text and ends with a NUL if one fits
    const bool nul = PyUnicode_Check(value) && text.size() < to.pv.max_count;
    const std::uint32_t count = limited(static_cast<Py_ssize_t>(text.size()), to, cut);
    if (cut && to.strictness == Strictness::Ranged) {
        PyErr_Format(PyExc_ValueError, "a text of %zu bytes, allowed are %lu",
                     text.size(), static_cast<unsigned long>(to.pv.max_count));
        return {};
    }
    Ref<Snapshot> made = Snapshot::create(to.pv.type, count + (nul ? 1 : 0));
    std::memcpy(made->mutable_data(), text.data(), count);
    return made;
}

template <DbfType Type>
Ref<Snapshot> from_text(PyObject* value, const Target& to, bool& cut) {
    if constexpr (Type == DbfType::Char) return from_char_text(value, to, cut);
    if constexpr (Type == DbfType::UInt8) {  // bytes are elements of an array
        if (to.pv.max_count > 1 && !PyUnicode_Check(value))
            return from_array<Type>(value, to, cut);
    }
    return from_scalar<Type>(value, to);
}

template <DbfType Type>
Ref<Snapshot> from_any(PyObject* value, const Target& to, bool& cut) {
    if constexpr (Type == DbfType::Char) {
        if (to.strictness == Strictness::Ranged && !PySequence_Check(value)) {
            PyErr_Format(PyExc_TypeError, "%R is no text", value);
            return {};
        }
    }
    if (PyFloat_CheckExact(value) || PyLong_CheckExact(value))
        return from_scalar<Type>(value, to);
    if (is_text(value)) return from_text<Type>(value, to, cut);
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return from_items<Type>(value, to, cut);
    if (PyObject_CheckBuffer(value) && PySequence_Check(value))
        return from_array<Type>(value, to, cut);
    if (PySequence_Check(value) && !PyNumber_Check(value))
        return from_list<Type>(value, to, cut);
    return from_scalar<Type>(value, to);
}

}  // namespace

Ref<Snapshot> snapshot_of(PyObject* value, const DecodeTarget& target,
                          Strictness strictness, bool& cut) {
    cut = false;
    const Target to{target, strictness};
    Ref<Snapshot> made = target.type == DbfType::Structure
                             ? structured_of(value, target, strictness, cut)
                             : visit_type(target.type, [&](auto tag) {
                                   return from_any<tag.type>(value, to, cut);
                               });
    if (made && made->count() == 0 && target.max_count == 1)
        PyErr_SetString(PyExc_ValueError, "no element for a PV of one");
    else if (made)
        return made;
    throw PythonError();  // NOLINT(bugprone-std-exception-baseclass): see there
}

Ref<Snapshot> snapshot_of_nothing(const DecodeTarget& target) {
    if (target.type == DbfType::Structure)
        return structured_of_nothing(*target.metadata);
    return Snapshot::create(target.type, target.max_count > 1 ? 0 : 1);
}

}  // namespace pcas::py
