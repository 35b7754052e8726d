#include "base/log.hpp"

#include <utility>

namespace pcas {

bool Log::allow(std::string_view source) {
    if (per_second_ == 0) return true;
    if (rates_.size() >= kMaxSources) rates_.clear();
    Rate& rate = rates_[std::string(source)];
    const auto now = std::chrono::steady_clock::now();
    if (now - rate.window >= std::chrono::seconds(1)) {
        rate.window = now;
        rate.used = 0;
    }
    return rate.used++ < per_second_;
}

void Log::add(LogLevel level, std::string_view source, std::string text,
              LogTopic topic) {
    std::lock_guard lock(mutex_);
    if (records_.size() >= kMaxRecords || !allow(source)) {
        ++suppressed_;
        return;
    }
    records_.push_back({level, std::move(text), topic});
}

void Log::add_caught(std::string_view source, const char* where,
                     const std::exception& error) noexcept {
    try {
        add(LogLevel::Error, source, std::string(where) + ": " + error.what());
    } catch (const std::exception&) {
        std::lock_guard lock(mutex_);
        ++suppressed_;
    }
}

std::vector<LogRecord> Log::drain() {
    std::lock_guard lock(mutex_);
    std::vector<LogRecord> out(std::make_move_iterator(records_.begin()),
                               std::make_move_iterator(records_.end()));
    records_.clear();
    return out;
}

std::uint64_t Log::suppressed() const {
    std::lock_guard lock(mutex_);
    return suppressed_;
}

std::string printable(std::string_view text, std::size_t limit) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '\\') {
            out += c;
        } else {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    if (text.size() > limit) out += "...";
    return out;
}

}  // namespace pcas
