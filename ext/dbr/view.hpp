// How one channel sees a value: as long text (`$`), and through filters (`arr`, `ts`,
// `dbnd`, `dec`), as an IOC of EPICS 7 has them. Pure; not synchronised.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "dbr/snapshot.hpp"

namespace pcas {

// Elements from `start` to `end`, each `increment`-th. Negative ones count from behind.
struct ArrayFilter {
    std::int64_t start = 0, end = -1;
    std::int64_t increment = 1;  // below 1: 1
};

// The time of the value, as the value; or the present time in place of it.
struct TimeFilter {
    enum class Shown : std::uint8_t { Now, Double, Seconds, Nanoseconds, Pair, Text };
    Shown shown = Shown::Now;
    bool unix_epoch = false;
    bool iso = false;  // Text: ISO 8601
};

// Changes of a number that are too small are not told.
struct DeadbandFilter {
    double size = 0;
    bool relative = false;  // `size` is in percent of the value that was told last
    double needed = 0;      // to be told, in units of the value
    double last = NAN;
};

// One event of `n` is told.
struct DecimationFilter {
    std::int32_t n = 1;
    std::int32_t passed = 0;  // since the last one that was told
};

using Filter = std::variant<ArrayFilter, TimeFilter, DeadbandFilter, DecimationFilter>;

// What a channel announces.
struct ValueKind {
    DbfType type;
    std::uint32_t max_count;
};

class View {
  public:
    // What an event is about, besides a new value.
    struct About {
        bool more;      // an alarm or properties
        bool property;  // properties
    };

    // `text_size`: bytes of a text that is shown as an array of characters, with its
    // NUL; 0: the value is shown as it is.
    View(std::uint32_t text_size, std::vector<Filter> filters);

    // Of a value of that kind.
    ValueKind kind_of(ValueKind source) const;
    // A get at that time.
    SnapshotPtr read(const SnapshotPtr& source, ValueKind kind, TimeStamp now) const;
    // An event at that time; null if it is not told.
    SnapshotPtr event(const SnapshotPtr& source, ValueKind kind, TimeStamp now,
                      About about);

    // Two clients cannot share it: what it tells depends on what it told before.
    bool has_state() const noexcept;
    // It shows the present time.
    bool shows_now() const noexcept;
    bool shows_text() const noexcept { return text_size_ > 0; }
    // The whole text for a view that shows it, in place of `source`'s elements.
    SnapshotPtr with_text(const Snapshot& source, const std::string& text) const;

  private:
    const std::uint32_t text_size_;
    std::vector<Filter> filters_;
};

}  // namespace pcas
