// What libCom would print while something runs, caught instead.
#pragma once

#include <cstdio>
#include <string>

#include "base/export.hpp"

namespace pcas {

// Whether the error log of the process goes to the console, too, as it does from the
// beginning.
PCAS_API void set_error_log_console(bool on);

// From construction to finish(): this thread's standard error as libCom knows it, and
// the error log of the process, which does not go to the console meanwhile.
class LibComMessages {
  public:
    // `with_log` false leaves the error log alone: in the child of a fork, which does
    // not have the thread that writes it.
    explicit LibComMessages(bool with_log);
    ~LibComMessages() { finish(); }
    LibComMessages(const LibComMessages&) = delete;
    LibComMessages& operator=(const LibComMessages&) = delete;

    void finish();
    // After finish(), without colour codes: what was printed, and what was logged.
    const std::string& printed() const noexcept { return printed_; }
    const std::string& logged() const noexcept { return logged_; }

  private:
    static void on_logged(void* self, const char* text);

    const bool with_log_;
    std::FILE* const file_;  // null if there is none to be had
    bool finished_ = false;
    std::string printed_;
    std::string logged_;  // written by libCom's log thread until finish()
};

}  // namespace pcas
