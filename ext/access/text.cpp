#include "access/text.hpp"

#include <macLib.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace pcas {
namespace {

// What separates words in an access security file.
constexpr std::string_view kSigns = "(){},\"#";
constexpr std::string_view kBlanksAndSigns = " \t\r\n(){},\"#";

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

// What stands in a line of the rules that asLib cannot read.
std::string what_is_at(std::string_view rules, const std::string& line) {
    for (unsigned long n = std::strtoul(line.c_str(), nullptr, 10); n > 1; --n) {
        rules.remove_prefix(std::min(rules.find('\n'), rules.size()));
        if (!rules.empty()) rules.remove_prefix(1);
    }
    if (trimmed(rules).empty()) return " at the end of the file: is a '}' missing?";
    return ": " + trimmed(rules.substr(0, rules.find('\n')));
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

// Takes the next word or sign of the rules off `text`; a comment is none. Empty at the
// end.
std::string_view take_token(std::string_view& text) {
    for (;;) {
        const std::size_t begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return text = {};
        text.remove_prefix(begin);
        if (text.front() != '#') break;
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
    std::size_t size = 1;
    if (text.front() == '"') {
        size = std::min(text.find('"', 1), text.size() - 1) + 1;
    } else if (kSigns.find(text.front()) == std::string_view::npos) {
        size = std::min(text.find_first_of(kBlanksAndSigns), text.size());
    }
    const std::string_view token = text.substr(0, size);
    text.remove_prefix(size);
    return token;
}

bool is_name(std::string_view token, std::string_view name) {
    if (token.size() == name.size() + 2 && token.front() == '"')
        token = token.substr(1, name.size());
    return token == name;
}

std::string unquoted(std::string_view token) {
    if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
        token = token.substr(1, token.size() - 2);
    }
    return std::string(token);
}

std::string line_of(std::string_view text, std::string_view token) {
    const auto before =
        text.substr(0, static_cast<std::size_t>(token.data() - text.data()));
    return std::to_string(std::count(before.begin(), before.end(), '\n') + 1);
}

}  // namespace

std::string with_addresses(
    std::string_view rules, const std::string& source,
    const std::function<std::string(const std::string& host)>& address_of,
    std::vector<std::string>& warnings) {
    std::string out;
    std::string_view rest = rules;  // behind the last token
    std::size_t copied = 0;
    const auto next = [&] { return take_token(rest); };
    for (std::string_view token; !(token = next()).empty();) {
        // In a RULE no { follows.
        if (token != "HAG" || next() != "(" || next().empty() || next() != ")")
            continue;
        if (next() != "{") continue;
        while (!(token = next()).empty() && token != "}") {
            if (token == ",") continue;
            const std::string address = address_of(unquoted(token));
            if (address.empty()) {
                warnings.push_back(place(source, line_of(rules, token)) + "host " +
                                   std::string(token) + " is unknown");
                continue;
            }
            const auto at = static_cast<std::size_t>(token.data() - rules.data());
            out += rules.substr(copied, at - copied);
            out += '"' + address + '"';
            copied = at + token.size();
        }
    }
    out += rules.substr(copied);
    return out;
}

bool defines_group(std::string_view rules, std::string_view group) {
    std::string_view token;
    while (!(token = take_token(rules)).empty()) {
        if (token != "ASG") continue;
        if (take_token(rules) == "(" && is_name(take_token(rules), group)) return true;
    }
    return false;
}

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

std::string explain_refusal(std::string_view rules, const std::string& source,
                            const std::string& printed, const std::string& logged) {
    std::string line, reason = trimmed(logged);
    for (const Remark& remark : remarks_in(printed)) {
        if (remark.warning) continue;
        if (line.empty()) line = remark.line;
        if (reason.empty()) reason = remark.reason;
    }
    if (reason.empty()) reason = "not a valid access security file";
    if (reason == "syntax error") reason += what_is_at(rules, line);
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
