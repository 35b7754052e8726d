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
    // At most `per_second` records a second for each source are kept (0: no limit).
    explicit Log(unsigned per_second = 10) noexcept : per_second_(per_second) {}

    // Any thread. `source` (a peer's address, say) is what the rate is counted by.
    void add(LogLevel level, std::string_view source, std::string text,
             LogTopic topic = LogTopic::Engine);
    // The same for what was caught where nothing may be thrown: without memory for the
    // text it is only counted.
    void add_caught(std::string_view source, const char* where,
                    const std::exception& error) noexcept;
    // Any thread: moves all queued records out, oldest first.
    std::vector<LogRecord> drain();
    std::uint64_t suppressed() const;

  private:
    struct Rate {
        std::chrono::steady_clock::time_point window{};
        unsigned used = 0;
    };
    static constexpr std::size_t kMaxRecords = 1000;
    static constexpr std::size_t kMaxSources = 1000;

    bool allow(std::string_view source);  // mutex_ held

    const unsigned per_second_;
    mutable std::mutex mutex_;  // leaf; guards all below
    std::deque<LogRecord> records_;
    std::unordered_map<std::string, Rate, KeyedHash> rates_;
    std::uint64_t suppressed_ = 0;
};

// Text from the network made safe to print: control and non-ASCII bytes as \xNN, cut.
PCAS_API std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace pcas
