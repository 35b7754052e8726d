#include "pcaspy/native/structured.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dbr/elements.hpp"
#include "pcaspy/native/errors.hpp"
#include "pcaspy/native/from_snapshot.hpp"
#include "pcaspy/native/object.hpp"
#include "pcaspy/native/text.hpp"

namespace pcas::py {
namespace {

// ---- tables ----

// Puts the name of the column ahead of the exception that is set.
void name_column(const std::string& column) {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyErr_Format(type, "column '%s': %S", column.c_str(), value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

// The names of what was given: a structured array's, or a mapping's keys.
Object names_in(PyObject* table) {
    if (Object dtype(PyObject_GetAttrString(table, "dtype")); dtype) {
        if (Object names(PyObject_GetAttrString(dtype.get(), "names"));
            names && names.get() != Py_None)
            return Object(PySequence_List(names.get()));
    }
    PyErr_Clear();
    if (PyMapping_Check(table) && !PyList_Check(table) && !PyTuple_Check(table) &&
        !is_text(table))
        return Object(PySequence_List(table));
    return Object(nullptr);
}

std::string listed(const std::vector<ColumnInfo>& columns) {
    std::string all;
    for (const ColumnInfo& column : columns) {
        all += (all.empty() ? "'" : ", '") + column.name + "'";
    }
    return all;
}

// All columns, and no other.
bool check_names(PyObject* table, const std::vector<ColumnInfo>& columns) {
    Object names(names_in(table));
    if (!names) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "a table is a dict of the columns %s",
                     listed(columns).c_str());
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names.get()); ++i) {
        PyObject* name = PyList_GET_ITEM(names.get(), i);
        const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
        PyErr_Clear();
        const auto known = [&](const ColumnInfo& c) { return text && c.name == text; };
        if (std::any_of(columns.begin(), columns.end(), known)) continue;
        PyErr_Format(PyExc_ValueError, "there is no column %R, but %s", name,
                     listed(columns).c_str());
        return false;
    }
    return true;
}

bool texts_of(PyObject* value, std::uint32_t most, Column& column, bool& cut) {
    if (is_text(value)) {
        PyErr_SetString(PyExc_TypeError, "one text is no sequence of texts");
        return false;
    }
    Object list(PySequence_List(value));
    if (!list) return false;
    const auto given = static_cast<std::size_t>(PyList_GET_SIZE(list.get()));
    auto texts = std::make_shared<Texts>(std::min<std::size_t>(given, most));
    cut = cut || texts->size() < given;
    for (std::size_t i = 0; i < texts->size(); ++i) {
        PyObject* item = PyList_GET_ITEM(list.get(), static_cast<Py_ssize_t>(i));
        Object text(is_text(item) ? Py_NewRef(item) : PyObject_Str(item));
        Object hold(nullptr);
        std::string_view bytes;
        if (!text || !text_bytes(text.get(), hold, bytes)) return false;
        (*texts)[i].assign(bytes);
    }
    column.texts = std::move(texts);
    return true;
}

// Throws PythonError with the exception set, or sets it and returns false.
bool column_of(PyObject* value, const ColumnInfo& info, const DecodeTarget& to,
               Strictness strictness, Column& column, bool& cut) {
    if (info.type == DbfType::String) return texts_of(value, to.max_count, column, cut);
    bool shorter = false;
    const DecodeTarget elements{info.type, std::max(to.max_count, 2u), to.metadata};
    const bool lenient = strictness == Strictness::Lenient;
    column.numbers = snapshot_of(value, elements,
                                 lenient ? strictness : Strictness::Ranged, shorter);
    cut = cut || shorter;
    return true;
}

bool check_rows(const std::vector<Column>& columns,
                const std::vector<ColumnInfo>& infos) {
    for (std::size_t i = 1; i < columns.size(); ++i) {
        if (columns[i].count() == columns[0].count()) continue;
        PyErr_Format(PyExc_ValueError,
                     "column '%s' has %zu rows, '%s' has %zu: all must have the same"
                     " number",
                     infos[i].name.c_str(), columns[i].count(), infos[0].name.c_str(),
                     columns[0].count());
        return false;
    }
    return true;
}

Ref<Snapshot> table_of(PyObject* value, const DecodeTarget& to, Strictness strictness,
                       bool& cut) {
    const std::vector<ColumnInfo>& infos = to.metadata->columns;
    if (!check_names(value, infos)) return {};
    Ref<Structure> made(new Structure);
    made->columns.resize(infos.size());
    for (std::size_t i = 0; i < infos.size(); ++i) {
        Object given(nullptr);
        try {
            given = Object(PyMapping_GetItemString(value, infos[i].name.c_str()));
            if (!given && PyErr_ExceptionMatches(PyExc_KeyError)) {
                PyErr_Clear();
                PyErr_Format(PyExc_ValueError, "column '%s' is missing",
                             infos[i].name.c_str());
                return {};
            }
            if (given &&
                column_of(given.get(), infos[i], to, strictness, made->columns[i], cut))
                continue;
            // What Python has set stays. NOLINTNEXTLINE(bugprone-empty-catch)
        } catch (const PythonError&) {
        }
        name_column(infos[i].name);
        return {};
    }
    if (!check_rows(made->columns, infos)) return {};
    return Snapshot::of(std::move(made));
}

// ---- images ----

// How pixels are stored that Python has as such; String: not at all.
DbfType type_of(const Py_buffer& buffer) noexcept {
    const auto size = static_cast<int>(buffer.itemsize);
    switch (kind_of_format(buffer.format) * 16 + size) {
        case 'b' * 16 + 1:
            return DbfType::Bool;
        case 'i' * 16 + 1:
            return DbfType::Int8;
        case 'u' * 16 + 1:
            return DbfType::UInt8;
        case 'i' * 16 + 2:
            return DbfType::Short;
        case 'u' * 16 + 2:
            return DbfType::UInt16;
        case 'i' * 16 + 4:
            return DbfType::Long;
        case 'u' * 16 + 4:
            return DbfType::UInt32;
        case 'i' * 16 + 8:
            return DbfType::Int64;
        case 'u' * 16 + 8:
            return DbfType::UInt64;
        case 'f' * 16 + 4:
            return DbfType::Float;
        case 'f' * 16 + 8:
            return DbfType::Double;
        default:
            return DbfType::String;
    }
}

// In one piece and in host order.
Object plain_array(PyObject* value) {
    Object numpy(PyImport_ImportModule("numpy"));
    if (!numpy) return Object(nullptr);
    Object array(PyObject_CallMethod(numpy.get(), "asarray", "O", value));
    if (!array) return array;
    Object ndim(PyObject_GetAttrString(array.get(), "ndim"));
    if (!ndim) return ndim;
    if (PyLong_AsLong(ndim.get()) == 0) return array;  // else it would get one
    Object dtype(PyObject_GetAttrString(array.get(), "dtype"));
    if (!dtype) return dtype;
    Object host(PyObject_CallMethod(dtype.get(), "newbyteorder", "s", "="));
    if (!host) return host;
    return Object(PyObject_CallMethod(numpy.get(), "ascontiguousarray", "OO",
                                      array.get(), host.get()));
}

Ref<Snapshot> image_of_buffer(const Buffer& pixels, const DecodeTarget& to) {
    const Py_buffer& buffer = *pixels;
    if (buffer.ndim < 1 || buffer.ndim > static_cast<int>(kMaxDimensions)) {
        PyErr_Format(PyExc_ValueError, "an image has 1 to %u dimensions, not %d",
                     kMaxDimensions, buffer.ndim);
        return {};
    }
    if (static_cast<std::uint64_t>(pixels.count()) > to.max_count) {
        PyErr_Format(PyExc_ValueError, "at most %u pixels are allowed, not %zd",
                     to.max_count, pixels.count());
        return {};
    }
    const auto count = static_cast<std::uint32_t>(pixels.count());
    Ref<Snapshot> elements = Snapshot::create_unfilled(type_of(buffer), count);
    if (!elements) throw std::bad_alloc();
    if (count)
        std::memcpy(elements->mutable_data(), buffer.buf, elements->size_bytes());
    Ref<Structure> made(new Structure);
    made->columns.push_back({std::move(elements), {}});
    for (int i = buffer.ndim; i-- > 0;) {
        made->dimensions.push_back(static_cast<std::uint32_t>(buffer.shape[i]));
    }
    return Snapshot::of(std::move(made));
}

Ref<Snapshot> image_of(PyObject* value, const DecodeTarget& to) {
    if (Buffer buffer(value); buffer && type_of(*buffer) != DbfType::String)
        return image_of_buffer(buffer, to);
    Object plain(plain_array(value));
    if (!plain) return {};
    Buffer buffer(plain.get());
    if (buffer && type_of(*buffer) != DbfType::String)
        return image_of_buffer(buffer, to);
    Object dtype(PyObject_GetAttrString(plain.get(), "dtype"));
    if (dtype)
        PyErr_Format(PyExc_TypeError, "an image is an array of numbers, not of %S",
                     dtype.get());
    return {};
}

// ---- to Python ----

std::string dtype_of(DbfType type) {
    return visit_type(type, [](auto tag) -> std::string {
        using T = typename decltype(tag)::Element;
        const std::string size = std::to_string(sizeof(T));
        if constexpr (std::is_same_v<T, bool>) return "?";
        if constexpr (std::is_floating_point_v<T>) return "f" + size;
        return (std::is_signed_v<T> ? "i" : "u") + size;
    });
}

Object array_of(PyObject* numpy, const Snapshot& s) {
    if (s.count() == 0)
        return Object(
            PyObject_CallMethod(numpy, "empty", "is", 0, dtype_of(s.type()).c_str()));
    Object bytes(bytes_of(s));
    if (!bytes) return bytes;
    return Object(PyObject_CallMethod(numpy, "frombuffer", "Os", bytes.get(),
                                      dtype_of(s.type()).c_str()));
}

Object list_of(const Texts& texts) {
    Object list(PyList_New(static_cast<Py_ssize_t>(texts.size())));
    for (std::size_t i = 0; list && i < texts.size(); ++i) {
        PyObject* text = text_of(texts[i].data(), texts[i].size());
        if (!text) return Object(nullptr);
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), text);
    }
    return list;
}

Object shape_of(const std::vector<std::uint32_t>& dimensions) {
    const auto size = static_cast<Py_ssize_t>(dimensions.size());
    Object shape(PyTuple_New(size));
    for (Py_ssize_t i = 0; shape && i < size; ++i) {
        PyObject* one =
            PyLong_FromUnsignedLong(dimensions[static_cast<std::size_t>(size - 1 - i)]);
        if (!one) return Object(nullptr);
        PyTuple_SET_ITEM(shape.get(), i, one);
    }
    return shape;
}

}  // namespace

Ref<Snapshot> structured_of(PyObject* value, const DecodeTarget& target,
                            Strictness strictness, bool& cut) {
    Ref<Snapshot> made = target.metadata->columns.empty()
                             ? image_of(value, target)
                             : table_of(value, target, strictness, cut);
    if (made) made->metadata = MetadataPtr(target.metadata);
    return made;
}

Ref<Snapshot> structured_of_nothing(const Metadata& metadata) {
    Ref<Structure> made(new Structure);
    for (const ColumnInfo& info : metadata.columns) {
        Column column;
        if (info.type == DbfType::String)
            column.texts = std::make_shared<Texts>();
        else
            column.numbers = Snapshot::create(info.type, 0);
        made->columns.push_back(std::move(column));
    }
    if (metadata.columns.empty()) {
        made->columns.push_back({Snapshot::create(DbfType::UInt8, 0), {}});
        made->dimensions = {0, 0};
    }
    Ref<Snapshot> snapshot = Snapshot::of(std::move(made));
    snapshot->metadata = MetadataPtr(&metadata);
    return snapshot;
}

PyObject* structured_value(const Snapshot& s) {
    const Structure& value = s.structure();
    const Metadata& metadata = *s.metadata;
    Object numpy(PyImport_ImportModule("numpy"));
    if (!numpy) return nullptr;
    if (metadata.columns.empty()) {
        Object flat(array_of(numpy.get(), *value.columns[0].numbers));
        Object shape(flat ? shape_of(value.dimensions) : Object(nullptr));
        if (!shape) return nullptr;
        return PyObject_CallMethod(flat.get(), "reshape", "O", shape.get());
    }
    Object table(PyDict_New());
    for (std::size_t i = 0; table && i < metadata.columns.size(); ++i) {
        const Column& column = value.columns[i];
        Object elements(column.texts ? list_of(*column.texts)
                                     : array_of(numpy.get(), *column.numbers));
        if (!elements ||
            PyDict_SetItemString(table.get(), metadata.columns[i].name.c_str(),
                                 elements.get()) < 0)
            return nullptr;
    }
    return table.release();
}

}  // namespace pcas::py
