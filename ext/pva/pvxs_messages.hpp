// What pvxs says in EPICS' error log, for the log of a server.
#pragma once

#include "base/log.hpp"

namespace pcas::pva {

// While there is one, lines of pvxs go to `to` instead of the console; what others log
// goes to the console as before. Of several, the first is told. PVXS_LOG chooses what
// is logged.
class PvxsMessages {
  public:
    explicit PvxsMessages(Log& to);
    ~PvxsMessages();
    PvxsMessages(const PvxsMessages&) = delete;
    PvxsMessages& operator=(const PvxsMessages&) = delete;

    // The child of a fork does not have the thread that tells us: the parent's are
    // given up.
    static void forget() noexcept;

  private:
    Log& to_;
};

// A line of the error log, as far as it is one of pvxs.
struct PvxsLine {
    bool is_pvxs = false;
    LogLevel level = LogLevel::Debug;
    std::string_view text;  // with the name of its logger; empty: nothing to say
};
PvxsLine parse_pvxs(std::string_view line) noexcept;

}  // namespace pcas::pva
