#include "pva/take.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "dbr/elements.hpp"
#include "pva/elements.hpp"
#include "pva/structured.hpp"

namespace pcas::pva {
namespace {

using pvxs::shared_array;
using pvxs::Value;

constexpr std::size_t kMostText = kStringSize - 1;

Value field_of(const Form& form, const Value& put) {
    const bool index = form.shape == Shape::Enum;
    const Value field = put[index ? "value.index" : "value"];
    if (!field.isMarked()) throw BadPut("this put has no value");
    return field;
}

template <class T>
SnapshotPtr number(DbfType type, T value) {
    Ref<Snapshot> made = unfilled(type, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    return made;
}

void store_text(std::byte* slot, const std::string& text) {
    if (text.size() > kMostText) {
        throw BadPut("a text of " + std::to_string(text.size()) +
                     " bytes is too long: at most 39 are allowed");
    }
    std::memset(slot, 0, kStringSize);
    std::memcpy(slot, text.data(), text.size());
}

SnapshotPtr scalar(const Form& form, const Value& field) {
    return visit_type(form.type, [&](auto tag) -> SnapshotPtr {
        if constexpr (tag.type == DbfType::String) {
            Ref<Snapshot> made = unfilled(tag.type, 1);
            store_text(made->mutable_data(), field.as<std::string>());
            return made;
        } else {
            return number(tag.type, field.as<typename decltype(tag)::Element>());
        }
    });
}

SnapshotPtr choice(DbfType type, const Value& field, const Metadata& metadata) {
    const auto index = field.as<std::int64_t>();
    if (index < 0 || std::cmp_greater_equal(index, metadata.states.size())) {
        throw BadPut("there is no choice " + std::to_string(index));
    }
    if (type == DbfType::Bool) return number(type, index != 0);
    return number(type, static_cast<std::uint16_t>(index));
}

void check_count(std::size_t count, std::uint32_t max_count) {
    if (count <= max_count) return;
    throw BadPut(std::to_string(count) + " elements are too many: at most " +
                 std::to_string(max_count) + " are allowed");
}

// As over Channel Access: with its NUL where there is room for it.
SnapshotPtr characters(const std::string& text, std::uint32_t max_count) {
    if (text.size() > max_count) {
        throw BadPut("a text of " + std::to_string(text.size()) +
                     " bytes is too long: at most " + std::to_string(max_count) +
                     " are allowed");
    }
    const std::size_t count = std::min<std::size_t>(text.size() + 1, max_count);
    Ref<Snapshot> made = unfilled(DbfType::Char, count);
    std::memcpy(made->mutable_data(), text.c_str(), count);
    return made;
}

// What arrives has the type of the PV's structure: that of the elements here.
SnapshotPtr array(const Form& form, const Value& field, std::uint32_t max_count) {
    const auto elements = field.as<shared_array<const void>>();
    check_count(elements.size(), max_count);
    if (form.type != DbfType::String) return numbers_of(elements, form.type);
    Ref<Snapshot> made = unfilled(form.type, elements.size());
    const auto texts = elements.castTo<const std::string>();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        store_text(made->mutable_data() + i * kStringSize, texts[i]);
    }
    return made;
}

}  // namespace

SnapshotPtr put_of(const Form& form, std::uint32_t max_count, const Snapshot& now,
                   const Value& put) {
    if (form.shape == Shape::Table) return put_table(put, max_count, now);
    if (form.shape == Shape::Image) return put_image(put, max_count, now);
    const Value field = field_of(form, put);
    switch (form.shape) {
        case Shape::Enum:
            return choice(form.type, field, *now.metadata);
        case Shape::Text:
            return characters(field.as<std::string>(), max_count);
        case Shape::Array:
            return array(form, field, max_count);
        default:
            break;
    }
    return scalar(form, field);
}

std::string put_text(const Form& form, const Value& put) {
    if (form.shape == Shape::Table) return table_text(put);
    if (form.shape == Shape::Image) return image_text(put);
    const Value field = put[form.shape == Shape::Enum ? "value.index" : "value"];
    if (!field.isMarked()) return "no value";
    if (form.shape == Shape::Array) {
        const auto elements = field.as<shared_array<const void>>();
        return std::to_string(elements.size()) + " elements";
    }
    const std::string text = field.as<std::string>();
    if (form.shape == Shape::Text || form.type == DbfType::String) {
        return "'" + printable(text) + "'";
    }
    return printable(text);
}

}  // namespace pcas::pva
