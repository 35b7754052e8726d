// Puts of one client to one PV in quick succession are one record: the value before the
// first and after the last, how many there were, and the extremes of numbers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "pv/put_log.hpp"

namespace pcas {

class PutBursts {
  public:
    using Time = PutLog::Clock::time_point;

    // A burst is over `length` after its first put. With `max_held` records in here no
    // more are taken in.
    PutBursts(PutLog::Clock::duration length, std::size_t max_held) noexcept
        : length_(length), max_held_(max_held) {}

    // False, and nothing taken, if there is no room. Text is never part of a burst: of
    // commands each one counts.
    bool add(PutRecord record, Time now);
    // Bursts that are over by then.
    void end_until(Time now);
    void end_all();
    // Up to `max` of those that are complete, the first ones first.
    void take(std::vector<PutRecord>& into, std::size_t max);

    bool has_complete() const noexcept { return !complete_.empty(); }
    bool has_open() const noexcept { return !open_.empty(); }
    Time next_end() const noexcept { return open_.front().end; }

  private:
    struct Key {
        const Pv* pv;
        const ClientIdentity* client;
        PutOutcome outcome;
        bool operator==(const Key&) const noexcept = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Open {
        Time end;
        PutRecord record;
    };

    void end_first();

    const PutLog::Clock::duration length_;
    const std::size_t max_held_;
    std::list<Open> open_;  // those that end first come first
    std::unordered_map<Key, std::list<Open>::iterator, Hash> by_key_;
    std::deque<PutRecord> complete_;
};

}  // namespace pcas
