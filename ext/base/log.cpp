#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace pcas {

bool Log::allow(LogLevel level, std::string_view source, LogTopic topic) {
    if (per_second_ == 0) return true;
    if (rates_.size() >= kMaxSources) rates_.clear();
    Rate& rate = rates_[std::string(source)];
    const auto now = Clock::now();
    if (now - rate.window >= std::chrono::seconds(1)) {
        rate.window = now;
        rate.used = 0;
    }
    if (rate.used < per_second_) {
        ++rate.used;
        return true;
    }
    if (rate.dropped++ == 0) rate.dropped_since = now;
    rate.level = level;
    rate.topic = topic;
    return false;
}

bool Log::wants(LogLevel level, std::string_view source, LogTopic topic) {
    std::lock_guard lock(mutex_);
    if (records_.size() >= kMaxRecords || !allow(level, source, topic)) {
        ++suppressed_;
        return false;
    }
    return true;
}

void Log::keep(LogRecord record) {
    std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
}

void Log::add(LogLevel level, std::string_view source, std::string text,
              LogTopic topic) {
    add_made(level, source, topic, [&text] { return std::move(text); });
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

void Log::tell_dropped(bool all) {
    const auto now = Clock::now();
    if (!all && now < next_look_) return;
    next_look_ = now + std::min<Clock::duration>(tell_after_, std::chrono::seconds(1));
    for (auto& [source, rate] : rates_) {
        if (rate.dropped == 0) continue;
        if (!all && now - rate.dropped_since < tell_after_) continue;
        records_.push_back(
            {rate.level,
             source + ": ... and " + std::to_string(rate.dropped) + " more like it",
             rate.topic});
        rate.dropped = 0;
    }
}

std::vector<LogRecord> Log::drain(bool last) {
    std::lock_guard lock(mutex_);
    tell_dropped(last);
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
