// Names that only Python knows (an overridden pvExistTest): a search asks it, and a
// later search for the name, which clients send until they are answered, is told.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.hpp"

namespace pcas::pva {

class NamesAsked {
  public:
    using Clock = std::chrono::steady_clock;

    enum class Answer : std::uint8_t {
        Exists,
        Unknown,  // nothing is to be done: Python has it, or has said no
        Ask       // the caller asks Python
    };
    // Any thread.
    Answer look_up(std::string_view name, Clock::time_point now = Clock::now());
    void answered(const std::string& name, bool exists,
                  Clock::time_point now = Clock::now());

  private:
    static constexpr std::size_t kMost = 10'000;
    static constexpr std::chrono::seconds kAskedAgain{10};  // without an answer
    static constexpr std::chrono::seconds kBelieved{10};    // that it exists
    static constexpr std::chrono::seconds kDenied{1};       // that it does not

    struct Entry {
        Answer answer;  // Unknown: not yet, or no
        Clock::time_point until;
    };
    std::mutex mutex_;  // leaf; guards all below
    std::unordered_map<std::string, Entry, KeyedTextHash> names_;
};

}  // namespace pcas::pva
