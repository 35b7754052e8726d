#include "pv/put_bursts.hpp"

#include <functional>
#include <utility>

#include "dbr/elements.hpp"

namespace pcas {
namespace {

bool is_number(const Snapshot& value) {
    return value.type() != DbfType::String && value.type() != DbfType::Char &&
           value.type() != DbfType::Structure;
}

bool folds(const PutRecord& record) {
    return record.value && *record.field == '\0' && is_number(*record.value);
}

template <class T>
bool is_less(const Snapshot& a, const Snapshot& b) {
    return a.elements<T>()[0] < b.elements<T>()[0];
}

// Of two numbers of the same PV.
bool less(const Snapshot& a, const Snapshot& b) {
    if (a.type() != b.type()) return false;
    return visit_type(a.type(), [&](auto tag) {
        using T = typename decltype(tag)::Element;
        if constexpr (std::is_arithmetic_v<T>) {
            return is_less<T>(a, b);
        } else {
            return false;
        }
    });
}

bool has_extremes(const PutRecord& record) {
    return record.count == 1 && record.pv->max_count() == 1;
}

void fold(PutRecord& into, PutRecord&& next) {
    if (has_extremes(into) && has_extremes(next)) {
        if (!into.least) into.least = into.most = into.value;
        if (less(*next.value, *into.least)) into.least = next.value;
        if (less(*into.most, *next.value)) into.most = next.value;
    }
    into.more += next.more + 1;
    into.value = std::move(next.value);
    into.count = next.count;
    into.time = next.time;
    into.trapped = into.trapped || next.trapped;
}

}  // namespace

std::size_t PutBursts::Hash::operator()(const Key& key) const noexcept {
    const std::size_t pv = std::hash<const void*>()(key.pv);
    const std::size_t client = std::hash<const void*>()(key.client);
    return (pv * 31 + client) * 31 + static_cast<std::size_t>(key.outcome);
}

bool PutBursts::add(PutRecord record, Time now) {
    const bool alone = length_.count() <= 0 || !folds(record);
    const Key key{record.pv.get(), record.client.get(), record.outcome};
    const auto found = alone ? by_key_.end() : by_key_.find(key);
    if (found != by_key_.end()) {
        fold(found->second->record, std::move(record));
        return true;
    }
    if (open_.size() + complete_.size() >= max_held_) return false;
    if (alone) {
        complete_.push_back(std::move(record));
    } else {
        open_.push_back({now + length_, std::move(record)});
        by_key_.emplace(key, std::prev(open_.end()));
    }
    return true;
}

void PutBursts::end_first() {
    PutRecord& record = open_.front().record;
    by_key_.erase({record.pv.get(), record.client.get(), record.outcome});
    complete_.push_back(std::move(record));
    open_.pop_front();
}

void PutBursts::end_until(Time now) {
    while (!open_.empty() && open_.front().end <= now) end_first();
}

void PutBursts::end_all() {
    while (!open_.empty()) end_first();
}

void PutBursts::take(std::vector<PutRecord>& into, std::size_t max) {
    while (max-- > 0 && !complete_.empty()) {
        into.push_back(std::move(complete_.front()));
        complete_.pop_front();
    }
}

}  // namespace pcas
