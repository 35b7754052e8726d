#include "pv/access_text.hpp"

#include <macLib.h>

#include <cctype>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace pcas {
namespace {

struct Macros {
    explicit Macros(const std::string& definitions) {
        if (macCreateHandle(&handle, nullptr)) throw std::bad_alloc();
        macSuppressWarning(handle, 1);
        char** pairs = nullptr;
        const long n = macParseDefns(handle, definitions.c_str(), &pairs);
        const bool good = n >= 0 && macInstallMacros(handle, pairs) >= 0;
        std::free(pairs);
        if (!good) {
            macDeleteHandle(handle);
            throw std::invalid_argument("macros \"" + definitions +
                                        "\": expected NAME=VALUE,NAME=VALUE");
        }
    }
    Macros(const Macros&) = delete;
    Macros& operator=(const Macros&) = delete;
    ~Macros() { macDeleteHandle(handle); }

    MAC_HANDLE* handle = nullptr;
};

std::string place(const std::string& source, const std::string& line) {
    return line.empty() ? source + ": " : source + ":" + line + ": ";
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// One thing that asLib printed: "ERROR <reason> at line <line>", maybe ": <detail>".
struct Remark {
    bool warning = false;
    std::string line;
    std::string reason;
};

Remark read_remark(std::string_view printed) {
    constexpr std::string_view kWarning = "WARNING", kError = "ERROR", kAt = "at line ";
    Remark out;
    out.warning = printed.starts_with(kWarning);
    if (out.warning)
        printed.remove_prefix(kWarning.size());
    else if (printed.starts_with(kError))
        printed.remove_prefix(kError.size());
    const std::size_t at = printed.find(kAt);
    if (at == std::string_view::npos) {
        out.reason = trimmed(printed);
        return out;
    }
    std::size_t end = at + kAt.size();
    while (end < printed.size() &&
           std::isdigit(static_cast<unsigned char>(printed[end]))) {
        out.line += printed[end++];
    }
    out.reason = trimmed(printed.substr(0, at)) + trimmed(printed.substr(end));
    return out;
}

std::vector<Remark> remarks_in(std::string_view printed) {
    std::vector<Remark> out;
    while (!printed.empty()) {
        const std::size_t end = std::min(printed.find('\n'), printed.size());
        if (end > 0) out.push_back(read_remark(printed.substr(0, end)));
        printed.remove_prefix(std::min(end + 1, printed.size()));
    }
    return out;
}

std::string expand_line(const Macros& macros, const std::string& line,
                        const std::string& where) {
    std::vector<char> out(line.size() + 1024);
    for (;;) {
        const long n = macExpandString(macros.handle, line.c_str(), out.data(),
                                       static_cast<long>(out.size()));
        if (n < 0) {
            throw std::invalid_argument(where +
                                        "a macro is not defined: " + trimmed(line));
        }
        // A full buffer may mean that something was left out.
        if (n + 1 < static_cast<long>(out.size())) return out.data();
        out.resize(out.size() * 2);
    }
}

}  // namespace

std::string expand_macros(const std::string& text, const std::string& source,
                          const std::string& definitions) {
    const Macros macros(definitions);
    std::string out;
    std::size_t number = 1;
    for (std::size_t begin = 0; begin < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        out += expand_line(macros, text.substr(begin, end - begin),
                           place(source, std::to_string(number)));
        if (end < text.size()) out += '\n';
        begin = end + 1;
    }
    return out;
}

std::string explain_refusal(const std::string& source, const std::string& printed,
                            const std::string& logged) {
    std::string line, reason = trimmed(logged);
    for (const Remark& remark : remarks_in(printed)) {
        if (remark.warning) continue;
        if (line.empty()) line = remark.line;
        if (reason.empty()) reason = remark.reason;
    }
    if (reason.empty()) reason = "not a valid access security file";
    return place(source, line) + reason;
}

std::vector<std::string> warnings_in(const std::string& source,
                                     const std::string& printed) {
    std::vector<std::string> out;
    for (const Remark& remark : remarks_in(printed)) {
        if (remark.warning) out.push_back(place(source, remark.line) + remark.reason);
    }
    return out;
}

}  // namespace pcas
