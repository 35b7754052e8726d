#include "pva/names_asked.hpp"

namespace pcas::pva {

NamesAsked::Answer NamesAsked::look_up(std::string_view name, Clock::time_point now) {
    std::lock_guard lock(mutex_);
    const std::string key(name);
    const auto found = names_.find(key);
    if (found != names_.end() && now < found->second.until) return found->second.answer;
    if (names_.size() >= kMost) {
        std::erase_if(names_,
                      [now](const auto& entry) { return entry.second.until <= now; });
        if (names_.size() >= kMost) return Answer::Unknown;  // clients search again
    }
    names_[key] = {Answer::Unknown, now + kAskedAgain};
    return Answer::Ask;
}

void NamesAsked::answered(const std::string& name, bool exists, Clock::time_point now) {
    std::lock_guard lock(mutex_);
    const auto found = names_.find(name);
    if (found == names_.end()) return;
    found->second = exists ? Entry{Answer::Exists, now + kBelieved}
                           : Entry{Answer::Unknown, now + kDenied};
}

}  // namespace pcas::pva
