#include "dbr/view.hpp"

#include <epicsTime.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "dbr/convert.hpp"

namespace pcas {
namespace {

Ref<Snapshot> unfilled(const Snapshot& like, DbfType type, std::size_t count) {
    Ref<Snapshot> made =
        Snapshot::create_unfilled(type, static_cast<std::uint32_t>(count));
    if (!made) throw std::bad_alloc();
    made->time = like.time;
    made->alarm = like.alarm;
    made->metadata = like.metadata;
    return made;
}

// ---- arr ----

struct Range {
    std::int64_t start, count, increment;
};

Range range_of(const ArrayFilter& filter, std::int64_t available) noexcept {
    const auto from_behind = [&](std::int64_t index) {
        return index < 0 ? std::max<std::int64_t>(index + available, -1) : index;
    };
    const std::int64_t start =
        std::clamp<std::int64_t>(from_behind(filter.start), 0, available);
    const std::int64_t end = std::min(from_behind(filter.end), available - 1);
    const std::int64_t step = std::max<std::int64_t>(filter.increment, 1);
    return {start, start <= end ? (end - start) / step + 1 : 0, step};
}

SnapshotPtr part_of(const Snapshot& s, const ArrayFilter& filter) {
    const Range range = range_of(filter, s.count());
    Ref<Snapshot> made = unfilled(s, s.type(), static_cast<std::size_t>(range.count));
    const std::size_t size = element_size(s.type());
    const std::byte* from = s.data() + static_cast<std::size_t>(range.start) * size;
    std::byte* to = made->mutable_data();
    if (range.increment == 1) {
        if (range.count > 0)
            std::memcpy(to, from, static_cast<std::size_t>(range.count) * size);
        return made;
    }
    for (std::int64_t i = 0; i < range.count; ++i) {
        std::memcpy(to, from, size);
        to += size;
        from += static_cast<std::size_t>(range.increment) * size;
    }
    return made;
}

// ---- ts ----

using Shown = TimeFilter::Shown;

const MetadataPtr& no_metadata() {
    static const MetadataPtr none(new Metadata);
    return none;
}

Ref<Snapshot> numbers(const Snapshot& s, std::initializer_list<double> values) {
    Ref<Snapshot> made = unfilled(s, DbfType::Double, values.size());
    std::memcpy(made->mutable_data(), values.begin(), values.size() * sizeof(double));
    made->metadata = no_metadata();
    return made;
}

Ref<Snapshot> time_text(const Snapshot& s, const TimeFilter& filter) {
    Ref<Snapshot> made = unfilled(s, DbfType::String, 1);
    const epicsTimeStamp stamp{s.time.seconds, s.time.nanoseconds};
    auto* text = reinterpret_cast<char*>(made->mutable_data());
    std::memset(text, 0, kStringSize);
    epicsTimeToStrftime(
        text, kStringSize,
        filter.iso ? "%Y-%m-%dT%H:%M:%S.%06f%z" : "%Y-%m-%d %H:%M:%S.%06f", &stamp);
    made->metadata = no_metadata();
    return made;
}

SnapshotPtr timed(const SnapshotPtr& s, const TimeFilter& filter, TimeStamp now) {
    const double epoch = filter.unix_epoch ? POSIX_TIME_AT_EPICS_EPOCH : 0;
    const double seconds = s->time.seconds + epoch;
    const double nanoseconds = s->time.nanoseconds;
    switch (filter.shown) {
        case Shown::Now:
            break;
        case Shown::Double:
            return numbers(*s, {seconds + nanoseconds * 1e-9});
        case Shown::Seconds:
            return numbers(*s, {seconds});
        case Shown::Nanoseconds:
            return numbers(*s, {nanoseconds});
        case Shown::Pair:
            return numbers(*s, {seconds, nanoseconds});
        case Shown::Text:
            return time_text(*s, filter);
    }
    return restamped(*s, now, s->alarm, s->metadata);
}

// ---- dbnd ----

// As an IOC's recGblCheckDeadband.
bool has_moved(double last, double value, double needed) noexcept {
    const double moved = std::fabs(last - value);
    if (moved == moved) return moved > needed;
    if (std::isnan(last) && std::isnan(value)) return false;
    return !(last == value);  // the same infinity twice
}

bool to_number(const Snapshot& s, double& number) noexcept {
    return s.count() == 1 && s.type() != DbfType::String &&
           convert_elements(s.type(), s.data(), DbfType::Double,
                            reinterpret_cast<std::byte*>(&number), 1, {});
}

// Text passes, as do arrays.
bool passes(DeadbandFilter& filter, const Snapshot& s, View::About about) noexcept {
    double value;
    if (!to_number(s, value)) return true;
    if (!has_moved(filter.last, value, filter.needed)) return about.more;
    filter.last = value;
    if (filter.relative) filter.needed = value * filter.size / 100;
    return true;
}

// Those of properties pass without being counted.
bool passes(DecimationFilter& filter, View::About about) noexcept {
    if (about.property) return true;
    const bool first = filter.passed == 0;
    if (++filter.passed >= filter.n) filter.passed = 0;
    return first;
}

// ---- $ ----

// An IOC's text ends with a NUL, also where a filter has cut it.
SnapshotPtr ended(const SnapshotPtr& s) {
    if (s->type() != DbfType::Char || s->count() < 2) return s;
    const auto* text = reinterpret_cast<const char*>(s->data());
    const std::size_t length = strnlen(text, s->count() - 1);
    Ref<Snapshot> made = unfilled(*s, DbfType::Char, length + 1);
    std::memcpy(made->mutable_data(), text, length);
    made->mutable_data()[length] = std::byte{0};
    return made;
}

// ---- kinds ----

ValueKind kind_after(const ArrayFilter& filter, ValueKind kind) noexcept {
    if (kind.max_count <= 1) return kind;
    const Range range = range_of(filter, kind.max_count);
    return {kind.type, static_cast<std::uint32_t>(range.count)};
}

ValueKind kind_after(const TimeFilter& filter, ValueKind kind) noexcept {
    if (filter.shown == Shown::Now) return kind;
    if (filter.shown == Shown::Text) return {DbfType::String, 1};
    return {DbfType::Double, filter.shown == Shown::Pair ? 2u : 1u};
}

ValueKind kind_after(const DeadbandFilter&, ValueKind kind) noexcept { return kind; }
ValueKind kind_after(const DecimationFilter&, ValueKind kind) noexcept { return kind; }

ValueKind after(const Filter& filter, ValueKind kind) {
    return std::visit([&](const auto& f) { return kind_after(f, kind); }, filter);
}

// What a filter without state makes of a value; scalars pass `arr`.
SnapshotPtr shown(const Filter& filter, const SnapshotPtr& s, ValueKind kind,
                  TimeStamp now) {
    if (const auto* array = std::get_if<ArrayFilter>(&filter))
        return kind.max_count > 1 ? part_of(*s, *array) : s;
    if (const auto* time = std::get_if<TimeFilter>(&filter))
        return timed(s, *time, now);
    return s;
}

}  // namespace

View::View(std::uint32_t text_size, std::vector<Filter> filters)
    : text_size_(text_size), filters_(std::move(filters)) {}

ValueKind View::kind_of(ValueKind source) const {
    ValueKind kind = source;
    if (text_size_ > 0) kind = {DbfType::Char, text_size_};
    for (const Filter& filter : filters_) kind = after(filter, kind);
    return kind;
}

SnapshotPtr View::with_text(const Snapshot& source, const std::string& text) const {
    static const MetadataPtr kText = [] {
        auto* made = new Metadata;
        made->form = DisplayForm::String;
        return MetadataPtr(made);
    }();
    Ref<Snapshot> made = unfilled(source, DbfType::Char, text_size_);
    const std::size_t length = std::min<std::size_t>(text.size(), text_size_ - 1);
    std::memset(made->mutable_data(), 0, text_size_);
    std::memcpy(made->mutable_data(), text.data(), length);
    made->metadata = kText;
    return made;
}

SnapshotPtr View::read(const SnapshotPtr& source, ValueKind kind, TimeStamp now) const {
    SnapshotPtr value = source;
    if (text_size_ > 0) kind = {DbfType::Char, text_size_};
    for (const Filter& filter : filters_) {
        value = shown(filter, value, kind, now);
        kind = after(filter, kind);
    }
    return text_size_ > 0 ? ended(value) : value;
}

SnapshotPtr View::event(const SnapshotPtr& source, ValueKind kind, TimeStamp now,
                        About about) {
    SnapshotPtr value = source;
    bool is_array = kind.max_count != 1 || text_size_ > 0;  // whatever is left of it
    if (text_size_ > 0) kind = {DbfType::Char, text_size_};
    for (Filter& filter : filters_) {
        if (auto* deadband = std::get_if<DeadbandFilter>(&filter)) {
            if (!is_array && !passes(*deadband, *value, about)) return {};
        } else if (auto* decimation = std::get_if<DecimationFilter>(&filter)) {
            if (!passes(*decimation, about)) return {};
        } else if (const auto* time = std::get_if<TimeFilter>(&filter)) {
            if (time->shown != Shown::Now) is_array = time->shown == Shown::Pair;
        }
        value = shown(filter, value, kind, now);
        kind = after(filter, kind);
    }
    return text_size_ > 0 ? ended(value) : value;
}

bool View::has_state() const noexcept {
    return std::any_of(filters_.begin(), filters_.end(), [](const Filter& filter) {
        return std::holds_alternative<DeadbandFilter>(filter) ||
               std::holds_alternative<DecimationFilter>(filter);
    });
}

bool View::shows_now() const noexcept {
    return std::any_of(filters_.begin(), filters_.end(), [](const Filter& filter) {
        const auto* time = std::get_if<TimeFilter>(&filter);
        return time && time->shown == Shown::Now;
    });
}

}  // namespace pcas
