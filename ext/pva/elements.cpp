#include "pva/elements.hpp"

#include <cstring>
#include <memory>
#include <new>

#include "dbr/elements.hpp"

namespace pcas::pva {
namespace {

using pvxs::shared_array;

template <class T>
shared_array<const void> kept(const SnapshotPtr& s) {
    const auto owner = std::make_shared<SnapshotPtr>(s);
    const auto* first = reinterpret_cast<const T*>(s->data());
    return shared_array<const T>(std::shared_ptr<const T>(owner, first), s->count())
        .template castTo<const void>();
}

shared_array<const void> texts_of(const Snapshot& s) {
    shared_array<std::string> texts(s.count());
    for (std::size_t i = 0; i < s.count(); ++i) {
        const char* slot = reinterpret_cast<const char*>(s.data()) + i * kStringSize;
        texts[i].assign(slot, strnlen(slot, kStringSize));
    }
    return texts.freeze().castTo<const void>();
}

}  // namespace

shared_array<const void> array_of(const SnapshotPtr& s) {
    return visit_type(s->type(), [&](auto tag) {
        if constexpr (tag.type == DbfType::String) {
            return texts_of(*s);
        } else {
            return kept<typename decltype(tag)::Element>(s);
        }
    });
}

shared_array<const void> array_of(const Column& column, DbfType type) {
    if (column.numbers) return array_of(column.numbers);
    if (!column.texts) return array_of(Snapshot::create(type, 0));
    const std::shared_ptr<const std::string> first(column.texts, column.texts->data());
    return shared_array<const std::string>(first, column.texts->size())
        .castTo<const void>();
}

DbfType type_of(pvxs::TypeCode array) noexcept {
    switch (array.code) {
        case pvxs::TypeCode::BoolA:
            return DbfType::Bool;
        case pvxs::TypeCode::Int8A:
            return DbfType::Int8;
        case pvxs::TypeCode::UInt8A:
            return DbfType::UInt8;
        case pvxs::TypeCode::Int16A:
            return DbfType::Short;
        case pvxs::TypeCode::UInt16A:
            return DbfType::UInt16;
        case pvxs::TypeCode::Int32A:
            return DbfType::Long;
        case pvxs::TypeCode::UInt32A:
            return DbfType::UInt32;
        case pvxs::TypeCode::Int64A:
            return DbfType::Int64;
        case pvxs::TypeCode::UInt64A:
            return DbfType::UInt64;
        case pvxs::TypeCode::Float32A:
            return DbfType::Float;
        case pvxs::TypeCode::Float64A:
            return DbfType::Double;
        default:
            return DbfType::String;
    }
}

Ref<Snapshot> numbers_of(const shared_array<const void>& array, DbfType type) {
    Ref<Snapshot> made = unfilled(type, array.size());
    if (type == DbfType::Bool) {  // any byte may have arrived
        const auto* bytes = static_cast<const std::uint8_t*>(array.data());
        for (std::size_t i = 0; i < array.size(); ++i) {
            made->mutable_data()[i] = std::byte{bytes[i] != 0};
        }
        return made;
    }
    if (made->size_bytes() > 0)
        std::memcpy(made->mutable_data(), array.data(), made->size_bytes());
    return made;
}

Ref<Snapshot> unfilled(DbfType type, std::size_t count) {
    Ref<Snapshot> made =
        Snapshot::create_unfilled(type, static_cast<std::uint32_t>(count));
    if (!made) throw std::bad_alloc();
    return made;
}

}  // namespace pcas::pva
