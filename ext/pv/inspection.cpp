#include "pv/inspection.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/prefetch.hpp"
#include "dbr/convert.hpp"

namespace pcas {
namespace {

using Clock = PvInspection::Clock;

constexpr int kShare = 100;             // of a processor, what is kept costs at most
constexpr std::size_t kSlice = 512;     // PVs that are looked at with the table's lock
constexpr std::size_t kMostText = 160;  // bytes of at most 40 characters
constexpr std::chrono::milliseconds kSampled{100};  // a rate is over no shorter time

constexpr std::uint8_t kNumber = 0, kNotANumber = 1, kText = 2, kArray = 3;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char a, char b) noexcept { return lower(a) == lower(b); }

bool has_part(std::string_view name, std::string_view part) noexcept {
    return std::search(name.begin(), name.end(), part.begin(), part.end(), same) !=
           name.end();
}

// Goes back to the last * only: each step of it takes one more of the name.
bool fits_pattern(std::string_view name, std::string_view pattern) noexcept {
    std::size_t n = 0, p = 0, star = pattern.size(), from = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.size() &&
                   (pattern[p] == '?' || same(pattern[p], name[n]))) {
            ++p;
            ++n;
        } else if (star < pattern.size()) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

double number_of(const Snapshot& snapshot) noexcept {
    double number = 0;
    const auto take = [&]<class T>(T) {
        T value;
        std::memcpy(&value, snapshot.data(), sizeof value);
        number = static_cast<double>(value);
    };
    switch (snapshot.type()) {
        case DbfType::Short:
            take(std::int16_t{});
            break;
        case DbfType::Float:
            take(float{});
            break;
        case DbfType::Enum:
        case DbfType::UInt16:
            take(std::uint16_t{});
            break;
        case DbfType::Long:
            take(std::int32_t{});
            break;
        case DbfType::Double:
            take(double{});
            break;
        case DbfType::Int8:
            take(std::int8_t{});
            break;
        case DbfType::UInt8:
        case DbfType::Bool:
            take(std::uint8_t{});
            break;
        case DbfType::UInt32:
            take(std::uint32_t{});
            break;
        case DbfType::Int64:
            take(std::int64_t{});
            break;
        case DbfType::UInt64:
            take(std::uint64_t{});
            break;
        default:
            break;
    }
    return number;
}

std::string_view text_in(const Snapshot& snapshot, std::size_t most) noexcept {
    const auto* text = reinterpret_cast<const char*>(snapshot.data());
    const std::size_t size = std::min<std::size_t>(snapshot.size_bytes(), most);
    return {text, strnlen(text, size)};
}

std::string elements_text(std::uint32_t count) {
    return "[" + std::to_string(count) + (count == 1 ? " element]" : " elements]");
}

bool is_text(DbfType type, std::uint32_t max_count) noexcept {
    return type == DbfType::Char || (type == DbfType::String && max_count == 1);
}

}  // namespace

bool name_matches(std::string_view name, std::string_view match) {
    if (match.find_first_of("*?") == std::string_view::npos)
        return has_part(name, match);
    return fits_pattern(name, match);
}

std::string text_of_value(const Snapshot& snapshot, std::uint32_t max_count) {
    const DbfType type = snapshot.type();
    if (type == DbfType::Structure) return "[structure]";
    if (is_text(type, max_count)) return std::string(text_in(snapshot, kMostText));
    if (max_count > 1 || snapshot.count() != 1) return elements_text(snapshot.count());
    static const Metadata kNone;
    const Metadata& about = snapshot.metadata ? *snapshot.metadata : kNone;
    std::array<std::byte, kStringSize> text{};
    ConvertRules rules;
    if (has_states(type)) rules.states = about.states;
    rules.precision = about.string_precision;
    if (!convert_elements(type, snapshot.data(), DbfType::String, text.data(), 1,
                          rules)) {
        return "?";
    }
    return reinterpret_cast<const char*>(text.data());
}

SnapshotPtr first_elements(SnapshotPtr of, std::uint32_t most) {
    if (of->count() <= most || of->type() == DbfType::Structure) return of;
    Ref<Snapshot> part = Snapshot::create(of->type(), most);
    std::memcpy(part->mutable_data(), of->data(), part->size_bytes());
    part->metadata = of->metadata;
    return part;
}

// By kind, then number or text, then name.
class PvInspection::Less {
  public:
    explicit Less(const Order& order) noexcept : order_(order) {}
    bool operator()(const Key& a, const Key& b) const noexcept {
        const int difference = order_.descending ? compare(b, a) : compare(a, b);
        return difference != 0 ? difference < 0 : a.at < b.at;
    }

  private:
    int compare(const Key& a, const Key& b) const noexcept {
        if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
        if (a.kind == kText) return std::memcmp(text(a), text(b), kStringSize);
        return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
    }
    const char* text(const Key& key) const noexcept {
        return order_.texts[static_cast<std::size_t>(key.number)].data();
    }
    const Order& order_;
};

void PvInspection::forget() noexcept {
    text_ = {};
    entries_ = {};
    samples_ = {};
    orders_ = {};
    has_names_ = false;
}

// ---- names ----

void PvInspection::refresh(Clock::time_point now) {
    if (has_names_ && (version_ == table_.version() || now < names_until_)) return;
    take_names();
    for (Order& order : orders_) order.used = 0;  // its keys are of other entries
    names_until_ = now + kShare * (Clock::now() - now);
}

// What was seen of a PV stays, where that is the same one.
void PvInspection::take_names() {
    const std::string old_text = std::move(text_);
    const std::vector<Entry> old = std::move(entries_);
    const std::vector<Sample> old_samples = std::move(samples_);
    has_names_ = false;
    entries_ = sorted_names();
    samples_.assign(entries_.size(), {});
    std::size_t i = 0;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
        const std::string_view name = name_of(entries_[at]);
        const auto old_name = [&] {
            return std::string_view(old_text).substr(old[i].begin, old[i].size);
        };
        while (i < old.size() && old_name() < name) ++i;
        if (i < old.size() && old_name() == name && old[i].pv == entries_[at].pv)
            samples_[at] = old_samples[i];
    }
    has_names_ = true;
}

std::vector<PvInspection::Entry> PvInspection::sorted_names() {
    std::vector<Entry> entries;
    const std::size_t expected = table_.size();
    text_ = {};
    text_.reserve(32 * expected);
    entries.reserve(expected + expected / 8);
    version_ = table_.for_each([&](std::string_view name, const Pv& pv) {
        if (text_.size() + name.size() > std::numeric_limits<std::uint32_t>::max())
            return;
        entries.push_back({static_cast<std::uint32_t>(text_.size()),
                           static_cast<std::uint32_t>(name.size()), &pv});
        text_ += name;
    });
    std::sort(entries.begin(), entries.end(),
              [&](const Entry& a, const Entry& b) { return name_of(a) < name_of(b); });
    return entries;
}

// ---- orders ----

PvInspection::Order& PvInspection::order(const PvQuery& query, Clock::time_point now) {
    Order* chosen = &orders_.front();
    for (Order& order : orders_) {
        if (order.used && order.match == query.match && order.sort == query.sort &&
            order.descending == query.descending) {
            order.used = ++used_;
            if (now < order.until) return order;
            chosen = &order;
            break;
        }
        if (order.used < chosen->used) chosen = &order;
    }
    Order& made = *chosen;
    made.used = 0;
    made.match = query.match;
    made.sort = query.sort;
    made.descending = query.descending;
    fill(made);
    sort_first(made, query.offset + query.limit);
    made.until = now + kShare * (Clock::now() - now);
    made.used = ++used_;
    return made;
}

void PvInspection::fill(Order& order) {
    order.keys.clear();
    order.texts.clear();
    order.sorted = 0;
    order.keys.reserve(entries_.size());
    for (std::size_t at = 0; at < entries_.size(); ++at) {
        if (order.match.empty() || name_matches(name_of(entries_[at]), order.match))
            order.keys.push_back({0, static_cast<std::uint32_t>(at), kNumber});
    }
    if (order.sort == SortBy::Name) {
        if (order.descending) std::reverse(order.keys.begin(), order.keys.end());
        order.sorted = order.keys.size();
        return;
    }
    for (std::size_t from = 0; from < order.keys.size(); from += kSlice)
        look(order, from, std::min(from + kSlice, order.keys.size()));
}

// Where the table has changed since its names were taken they are looked up.
void PvInspection::look(Order& order, std::size_t from, std::size_t to) {
    constexpr std::size_t kAhead = 8;
    const bool direct = table_.if_unchanged(version_, [&] {
        for (std::size_t i = from; i < to; ++i) {
            if (i + kAhead < to) {
                const Pv& next = *entries_[order.keys[i + kAhead].at].pv;
                next.prefetch_look();
            }
            Key& key = order.keys[i];
            key = key_of(order, key, *entries_[key.at].pv);
        }
    });
    if (direct) return;
    for (std::size_t i = from; i < to; ++i) {
        Key& key = order.keys[i];
        const PvPtr pv = table_.find(name_of(entries_[key.at]));
        if (pv) key = key_of(order, key, *pv);
    }
}

PvInspection::Key PvInspection::key_of(Order& order, const Key& key, const Pv& pv) {
    Key made = key;
    if (order.sort == SortBy::Rate) {
        const float rate =
            rate_of(key.at, pv, static_cast<std::uint32_t>(pv.posts()), Clock::now());
        made.number = std::isnan(rate) ? -1 : static_cast<double>(rate);
        return made;
    }
    if (order.sort == SortBy::Clients) {
        made.number = static_cast<double>(pv.channels());
        return made;
    }
    pv.look_at([&](const Snapshot& snapshot) {
        if (order.sort == SortBy::Alarm) {
            made.number = snapshot.alarm.severity * 65536.0 + snapshot.alarm.status;
        } else if (order.sort == SortBy::Age) {
            made.number = -(snapshot.time.seconds + 1e-9 * snapshot.time.nanoseconds);
        } else if (is_text(snapshot.type(), pv.max_count())) {
            made.kind = kText;
            made.number = static_cast<double>(order.texts.size());
            Text& text = order.texts.emplace_back();
            const std::string_view value = text_in(snapshot, kStringSize);
            std::copy(value.begin(), value.end(), text.begin());
        } else if (pv.max_count() > 1 || snapshot.count() != 1 ||
                   snapshot.type() == DbfType::Structure) {
            made.kind = kArray;
            made.number = snapshot.count();
        } else {
            made.number = number_of(snapshot);
            if (std::isnan(made.number)) made = {0, key.at, kNotANumber};
        }
    });
    return made;
}

// What comes behind is in no order, but belongs behind.
void PvInspection::sort_first(Order& order, std::size_t count) {
    if (count <= order.sorted) return;
    const auto begin = order.keys.begin() + static_cast<std::ptrdiff_t>(order.sorted);
    const std::size_t left = order.keys.size() - order.sorted;
    const std::size_t wanted = std::min(left, count - order.sorted);
    if (wanted > left / 8) {
        std::sort(begin, order.keys.end(), Less(order));
        order.sorted = order.keys.size();
        return;
    }
    const auto end = begin + static_cast<std::ptrdiff_t>(wanted);
    std::partial_sort(begin, end, order.keys.end(), Less(order));
    order.sorted += wanted;
}

// ---- rows ----

PvRows PvInspection::rows(const PvQuery& query) {
    PvRows found;
    const Clock::time_point now = Clock::now();
    refresh(now);
    found.total = table_.size();
    const std::size_t last = std::min(query.offset, entries_.size()) + query.limit;
    found.rows.reserve(query.limit);
    if (query.sort == SortBy::Name && query.match.empty()) {
        const std::size_t all = entries_.size();
        found.matching = all;
        for (std::size_t i = query.offset; i < std::min(last, all); ++i)
            add_row(found, query.descending ? all - 1 - i : i);
        return found;
    }
    Order& chosen = order(query, now);
    sort_first(chosen, last);
    found.matching = chosen.keys.size();
    for (std::size_t i = query.offset; i < std::min(last, chosen.keys.size()); ++i)
        add_row(found, chosen.keys[i].at);
    return found;
}

// One that is gone since the names were taken is left out.
void PvInspection::add_row(PvRows& rows, std::size_t at) {
    const std::string_view name = name_of(entries_[at]);
    const PvPtr pv = table_.find(name);
    if (!pv) return;
    const Pv::Look seen = pv->look();
    PvRow& row = rows.rows.emplace_back();
    row.name = name;
    row.value = text_of_value(*seen.snapshot, pv->max_count());
    row.alarm = seen.snapshot->alarm;
    row.time = seen.snapshot->time;
    row.clients = seen.channels;
    row.rate = static_cast<double>(
        rate_of(at, *pv, static_cast<std::uint32_t>(seen.posts), Clock::now()));
}

float PvInspection::rate_of(std::size_t at, const Pv& pv, std::uint32_t posts,
                            Clock::time_point now) {
    constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
    if (entries_[at].pv != &pv) return kUnknown;  // another one of that name
    Sample& sample = samples_[at];
    if (sample.when == Clock::time_point{}) {
        sample = {now, posts, kUnknown};
    } else if (now - sample.when >= kSampled ||
               (std::isnan(sample.rate) && now > sample.when)) {
        const std::chrono::duration<float> since = now - sample.when;
        const std::uint32_t more = posts - sample.posts;  // also where it wraps
        sample = {now, posts, static_cast<float>(more) / since.count()};
    }
    return sample.rate;
}

Pv::Look PvInspection::look_at(const std::string& name, const Pv& pv, PvRow& row) {
    Pv::Look seen = pv.look();
    row.name = name;
    row.value = text_of_value(*seen.snapshot, pv.max_count());
    row.alarm = seen.snapshot->alarm;
    row.time = seen.snapshot->time;
    row.clients = seen.channels;
    row.rate = std::numeric_limits<double>::quiet_NaN();
    return seen;
}

PvPtr PvInspection::find(const std::string& name, PvRow& row) {
    refresh(Clock::now());
    PvPtr pv = table_.find(name);
    if (!pv) return pv;
    const Pv::Look seen = look_at(name, *pv, row);
    const auto place = std::lower_bound(
        entries_.begin(), entries_.end(), name,
        [&](const Entry& entry, const std::string& of) { return name_of(entry) < of; });
    if (place != entries_.end() && name_of(*place) == name) {
        row.rate = static_cast<double>(
            rate_of(static_cast<std::size_t>(place - entries_.begin()), *pv,
                    static_cast<std::uint32_t>(seen.posts), Clock::now()));
    }
    return pv;
}

}  // namespace pcas
