#include "pva/pvxs_messages.hpp"

#include <errlog.h>
#include <pvxs/log.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "access/libcom_messages.hpp"

namespace pcas::pva {
namespace {

// EPICS' error log calls on_logged() with its own lock held, which its functions take.
std::mutex listening;  // held while the listener comes or goes; ahead of that lock
std::mutex mutex;      // guards the list; behind that lock, ahead of that of a Log
std::vector<Log*> logs;

// What a client sends is no fault of the server, however loudly pvxs says so.
LogLevel level_of(std::string_view name, std::string_view logger) noexcept {
    if (name == "CRIT" || name == "ERR") {
        return logger.starts_with("pvxs.tcp") ? LogLevel::Warning : LogLevel::Error;
    }
    if (name == "WARN") return LogLevel::Warning;
    return name == "INFO" ? LogLevel::Info : LogLevel::Debug;
}

std::string_view next_word(std::string_view& rest) noexcept {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

// A line of the dump of a message: "0010 : 61626364 ...".
bool is_dump(std::string_view line) noexcept {
    std::string_view rest = line;
    const std::string_view offset = next_word(rest);
    return offset.size() >= 4 &&
           offset.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           rest.starts_with(": ") &&
           rest.find_first_not_of(": 0123456789abcdef") == std::string_view::npos;
}

// EPICS' thread of the error log.
void on_logged(void*, const char* text) {
    std::string_view line(text);
    while (line.ends_with('\n')) line.remove_suffix(1);
    const PvxsLine said = parse_pvxs(line);
    if (!said.is_pvxs) {
        std::fputs(text, stderr);
        return;
    }
    if (said.text.empty()) return;
    std::lock_guard lock(mutex);
    if (logs.empty()) return;
    logs.front()->add(said.level, said.text.substr(0, said.text.find(' ')),
                      std::string(said.text), LogTopic::Pva);
}

}  // namespace

PvxsLine parse_pvxs(std::string_view line) noexcept {
    if (is_dump(line)) return {true, LogLevel::Debug, {}};
    std::string_view rest = line;
    const std::string_view when = next_word(rest);
    const std::string_view level = next_word(rest);
    static constexpr std::array kLevels{"CRIT", "ERR", "WARN", "INFO", "DEBUG"};
    if (when.size() < 20 || when[4] != '-' || when[10] != 'T' ||
        std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
        return {};
    }
    const std::string_view text = rest;
    return {true, level_of(level, next_word(rest)), text};
}

PvxsMessages::PvxsMessages(Log& to) : to_(to) {
    pvxs::logger_config_env();
    std::lock_guard turn(listening);
    bool first;
    {
        std::lock_guard lock(mutex);
        first = logs.empty();
        logs.push_back(&to);
    }
    if (!first) return;
    set_error_log_console(false);
    errlogAddListener(&on_logged, nullptr);
}

PvxsMessages::~PvxsMessages() {
    std::lock_guard turn(listening);
    bool last;
    {
        std::lock_guard lock(mutex);
        const auto found = std::find(logs.begin(), logs.end(), &to_);
        if (found != logs.end()) logs.erase(found);
        last = logs.empty();
    }
    if (!last) return;
    errlogFlush();
    errlogRemoveListeners(&on_logged, nullptr);
    set_error_log_console(true);
}

void PvxsMessages::forget() noexcept {
    std::construct_at(&listening);
    std::construct_at(&mutex);
    logs.clear();
}

}  // namespace pcas::pva
