// A look at the PVs of a table while they are served: some of them, in some order.
//
// For a hundred thousand PVs an order takes milliseconds. So it is made by whoever asks
// for it, not by a server, and kept for a hundred times as long as that took: whoever
// asks again and again costs a hundredth of a processor. Of the table nothing is held
// between two calls, and within one no lock for longer than a few PVs take.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "pv/pv_table.hpp"

namespace pcas {

enum class SortBy : std::uint8_t { Name, Value, Alarm, Age, Clients, Rate };

struct PvQuery {
    std::string match;  // a part of the name, or a pattern with * and ?
    SortBy sort = SortBy::Name;
    bool descending = false;
    std::size_t offset = 0, limit = 100;
};

struct PvRow {
    std::string name, value;
    AlarmState alarm;
    TimeStamp time;
    std::size_t clients = 0;
    double rate = 0;  // updates per second; NaN: it was not looked at before
};

struct PvRows {
    std::size_t total = 0, matching = 0;
    std::vector<PvRow> rows;
};

// The value for people: a number with its decimals, text, an enum's label, "[n
// elements]". Of `max_count` elements that the PV may have.
PCAS_API std::string text_of_value(const Snapshot& snapshot, std::uint32_t max_count);

// The same value with no more than `most` elements. Throws std::bad_alloc.
PCAS_API SnapshotPtr first_elements(SnapshotPtr of, std::uint32_t most);

// The pattern, or part, is in the name, whatever the case of both. For tests.
PCAS_API bool name_matches(std::string_view name, std::string_view match);

// For one thread at a time.
class PCAS_API PvInspection {
  public:
    using Clock = std::chrono::steady_clock;

    // `table` outlives it.
    explicit PvInspection(const PvTable& table) noexcept : table_(table) {}
    PvInspection(const PvInspection&) = delete;
    PvInspection& operator=(const PvInspection&) = delete;

    PvRows rows(const PvQuery& query);
    // One PV with its row; null if there is none of that name.
    PvPtr find(const std::string& name, PvRow& row);
    // Fills in the row of a PV that is called so, but for its rate.
    static Pv::Look look_at(const std::string& name, const Pv& pv, PvRow& row);
    // Lets go of all that it keeps.
    void forget() noexcept;

  private:
    // A name of the table, sorted by it. The PV is there while the table is unchanged.
    struct Entry {
        std::uint32_t begin, size;  // of the name in `text_`
        const Pv* pv;
    };
    // What was seen of a PV's posts.
    struct Sample {
        Clock::time_point when{};  // never, if that is 0
        std::uint32_t posts = 0;
        float rate = 0;
    };
    struct Key {
        double number;     // of `texts`, for one
        std::uint32_t at;  // in `entries_`
        std::uint8_t kind;
    };
    using Text = std::array<char, kStringSize>;
    struct Order {
        std::string match;
        SortBy sort = SortBy::Name;
        bool descending = false;
        std::vector<Key> keys;
        std::vector<Text> texts;
        std::size_t sorted = 0;  // of the keys, from the first
        Clock::time_point until{};
        std::uint64_t used = 0;
    };
    class Less;

    std::string_view name_of(const Entry& entry) const noexcept {
        return std::string_view(text_).substr(entry.begin, entry.size);
    }
    void refresh(Clock::time_point now);
    void take_names();
    std::vector<Entry> sorted_names();
    Order& order(const PvQuery& query, Clock::time_point now);
    void fill(Order& order);
    void look(Order& order, std::size_t from, std::size_t to);
    Key key_of(Order& order, const Key& key, const Pv& pv);
    static void sort_first(Order& order, std::size_t count);
    void add_row(PvRows& rows, std::size_t at);
    float rate_of(std::size_t at, const Pv& pv, std::uint32_t posts,
                  Clock::time_point now);

    const PvTable& table_;
    std::string text_;  // all names
    std::vector<Entry> entries_;
    std::vector<Sample> samples_;  // of the entries
    std::uint64_t version_ = 0;    // of the table that they are of
    bool has_names_ = false;
    Clock::time_point names_until_{};
    std::array<Order, 4> orders_;
    std::uint64_t used_ = 0;
};

}  // namespace pcas
