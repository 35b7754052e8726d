// Messages from the engine for whoever reads them: bounded, rate limited, never
// blocking. The engine only queues text; the Python side takes it to `logging`.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/export.hpp"
#include "base/keyed_hash.hpp"

namespace pcas {

enum class LogLevel : std::uint8_t { Debug = 10, Info = 20, Warning = 30, Error = 40 };

enum class LogTopic : std::uint8_t { Engine, Put, Pva };

struct LogRecord {
    LogLevel level;
    std::string text;
    LogTopic topic = LogTopic::Engine;
};

class PCAS_API Log {
  public:
    using Clock = std::chrono::steady_clock;

    // At most `per_second` records a second for each source are kept (0: no limit).
    // How many of one source were not is a record of its own, after `tell_after`.
    explicit Log(unsigned per_second = 10,
                 Clock::duration tell_after = std::chrono::seconds(10)) noexcept
        : per_second_(per_second), tell_after_(tell_after) {}

    // Any thread. `source` (a peer's address, say) is what the rate is counted by.
    void add(LogLevel level, std::string_view source, std::string text,
             LogTopic topic = LogTopic::Engine);
    // The same, with the text that `make()` returns: made only if it is kept. For what
    // a client can cause as often as it likes.
    template <typename Make>
    void add_made(LogLevel level, std::string_view source, LogTopic topic, Make make) {
        if (wants(level, source, topic)) keep({level, make(), topic});
    }
    // The same for what was caught where nothing may be thrown: without memory for the
    // text it is only counted.
    void add_caught(std::string_view source, const char* where,
                    const std::exception& error) noexcept;
    // Any thread: moves all queued records out, oldest first. `last`: with the numbers
    // that are not due yet, too.
    std::vector<LogRecord> drain(bool last = false);
    std::uint64_t suppressed() const;

  private:
    struct Rate {
        Clock::time_point window{};
        unsigned used = 0;
        // What was not kept since `dropped_since`, and the last one's kind.
        std::uint64_t dropped = 0;
        Clock::time_point dropped_since{};
        LogLevel level = LogLevel::Warning;
        LogTopic topic = LogTopic::Engine;
    };
    static constexpr std::size_t kMaxRecords = 1000;
    static constexpr std::size_t kMaxSources = 1000;

    bool wants(LogLevel level, std::string_view source, LogTopic topic);
    void keep(LogRecord record);
    // mutex_ held:
    bool allow(LogLevel level, std::string_view source, LogTopic topic);
    void tell_dropped(bool all);

    const unsigned per_second_;
    const Clock::duration tell_after_;
    mutable std::mutex mutex_;  // leaf; guards all below
    std::deque<LogRecord> records_;
    std::unordered_map<std::string, Rate, KeyedHash> rates_;
    Clock::time_point next_look_{};  // at what was dropped
    std::uint64_t suppressed_ = 0;
};

// Text from the network made safe to print: control and non-ASCII bytes as \xNN, cut.
PCAS_API std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace pcas
