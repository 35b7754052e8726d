#include "fields/field_source.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "fields/modifiers.hpp"

namespace pcas {
namespace {

// A name that ends as one of a field may: RECORD.FIELD and its modifiers.
struct Split {
    std::string_view record, field, modifiers;

    bool is_value() const noexcept { return field.empty() || field == "VAL"; }
};

bool is_of_fields(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The first split from `from` on, which is set behind it; false if there is none.
bool next_split(std::string_view name, std::size_t& from, Split& split) noexcept {
    for (;;) {
        const std::size_t dot = name.find('.', from);
        if (dot == name.npos) return false;
        from = dot + 1;
        std::size_t end = from;
        while (end < name.size() && is_of_fields(name[end])) ++end;
        split = {name.substr(0, dot), name.substr(from, end - from), name.substr(end)};
        const bool ends = split.modifiers.empty() ||
                          std::string_view("$[{").find(split.modifiers[0]) != name.npos;
        if (!ends || dot == 0 || split.modifiers.size() > kMostModifiers) continue;
        if (split.field.empty() || is_field_name(split.field)) return true;
    }
}

// Names with many dots cost no more than others.
constexpr int kMostSplits = 8;

// The part of a record that a split names; false if it has none.
bool part_in(const Pv& record, const Split& split, FieldPart& part) {
    part.modifiers = split.modifiers;
    if (record.type() == DbfType::Structure)
        return split.is_value() && split.modifiers.empty();
    if (split.is_value()) return true;
    const RecordType type = record_type_of(record, *record.snapshot()->metadata);
    part.field = find_field(split.field, type);
    return part.field != nullptr;
}

}  // namespace

FieldSource& FieldSource::add_to(Namespace& names) {
    auto made = std::make_unique<FieldSource>(names.table());
    FieldSource& source = *made;
    names.add_source(std::move(made));
    return source;
}

std::string_view FieldSource::record_name(std::string_view name) noexcept {
    Split split;
    std::size_t from = 0;
    return next_split(name, from, split) ? split.record : std::string_view();
}

// The record that a name is of something of, and what.
PvPtr FieldSource::look_up(std::string_view name, std::string_view& record_name,
                           FieldPart& part) const {
    Split split;
    std::size_t from = 0;
    for (int i = 0; i < kMostSplits && next_split(name, from, split); ++i) {
        PvPtr record = table_.find(split.record);
        if (!record) continue;
        record_name = split.record;
        return part_in(*record, split, part) ? record : PvPtr();
    }
    return {};
}

// An IOC finds names whatever their modifiers are, and then makes no channel.
Found FieldSource::find(std::string_view name, NameUse use) const {
    FieldPart part;
    std::string_view record_name;
    const PvPtr record = look_up(name, record_name, part);
    if (!record) return {};
    if (use == NameUse::Search) return {Where::Here, part.field ? PvPtr() : record};
    PvPtr pv = attach(record, part);
    // Whoever removes the record from now on tells the clients of this PV, too.
    if (!pv || table_.find(record_name) != record) return {};
    return {Where::Here, std::move(pv)};
}

PvPtr FieldSource::field_of(const PvPtr& record, std::string_view name) const {
    Split split;
    FieldPart part;
    std::size_t from = 0;
    if (!next_split(name, from, split) || !part_in(*record, split, part)) return {};
    return attach(record, part);
}

PvPtr FieldSource::given(std::string_view name) const {
    FieldPart part;
    std::string_view record_name;
    const PvPtr record = look_up(name, record_name, part);
    if (!record) return {};
    const auto companion = record->companion();
    const auto* fields = dynamic_cast<const RecordFields*>(companion.get());
    return fields ? fields->find(part) : PvPtr();
}

PvPtr FieldSource::attach(const PvPtr& record, const FieldPart& part) const {
    if (!part.field && part.modifiers.empty()) return record;
    std::lock_guard gate(gate_);
    if (++made_ > most_) look_for_unused();
    PvCompanionPtr companion = record->companion();
    if (!companion) {
        const Ref<RecordFields> made(new RecordFields(*record));
        records_.push_back(made);
        companion = record->get_companion(made);
    }
    auto* fields = dynamic_cast<RecordFields*>(companion.get());
    if (!fields) return {};  // a field has no fields
    return fields->get(*record, part);
}

// So that clients cannot make it hold more than twice of what they use.
void FieldSource::look_for_unused() const {
    std::size_t used = 0;
    std::erase_if(records_, [&](const Ref<RecordFields>& fields) {
        const std::size_t left = fields->drop_unused();
        used += left;
        return left == 0 && fields->release();
    });
    made_ = used;
    most_ = std::max(kFew, 2 * used);
}

// Whoever waited for the gate does not exist here: it is a new one.
void FieldSource::after_fork_in_child() { std::construct_at(&gate_); }

}  // namespace pcas
