#include "access/libcom_messages.hpp"

#include <errlog.h>

// libCom's header would put its own names over stderr, printf and others.
#define epicsStdioStdStreams
#define epicsStdioStdPrintfEtc
#include <epicsStdio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace pcas {
namespace {

// As set by set_error_log_console().
std::atomic<int> console{1};

std::string without_colours(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\033') {
            i = std::min(text.find('m', i), text.size());
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

void set_error_log_console(bool on) {
    console = on;
    eltc(on);
}

LibComMessages::LibComMessages(bool with_log)
    : with_log_(with_log), file_(std::tmpfile()) {
    // First: the first use of the error log takes this thread's stderr for its console.
    if (with_log_) {
        eltc(0);
        errlogAddListener(&LibComMessages::on_logged, this);
    }
    if (file_) epicsSetThreadStderr(file_);
}

void LibComMessages::finish() {
    if (std::exchange(finished_, true)) return;
    if (with_log_) {
        errlogFlush();
        errlogRemoveListeners(&LibComMessages::on_logged, this);
        eltc(console);
    }
    if (file_) {
        epicsSetThreadStderr(nullptr);
        (void)std::fseek(file_, 0, SEEK_SET);  // if it fails there is nothing to read
        std::array<char, 1024> part;
        while (const std::size_t n = std::fread(part.data(), 1, part.size(), file_)) {
            printed_.append(part.data(), n);
        }
        std::fclose(file_);
    }
    printed_ = without_colours(printed_);
    logged_ = without_colours(logged_);
}

void LibComMessages::on_logged(void* self, const char* text) {
    static_cast<LibComMessages*>(self)->logged_ += text;
}

}  // namespace pcas
