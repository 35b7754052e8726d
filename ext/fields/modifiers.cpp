#include "fields/modifiers.hpp"

#include <epicsStdlib.h>
#include <yajl_parse.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <variant>

namespace pcas {
namespace {

// ---- [start:increment:end] ----

// An index as in C: decimal, octal or hexadecimal, with or without a sign.
bool parse_index(const std::string& text, std::int64_t& index) {
    if (text.empty()) return true;  // as without it
    if (text.front() == ' ') return false;
    char* end = nullptr;
    index = std::strtoll(text.c_str(), &end, 0);  // clamps
    constexpr std::int64_t kFar = std::int64_t{1} << 40;
    index = std::clamp(index, -kFar, kFar);
    return *end == '\0';
}

bool parse_range(std::string_view text, ArrayFilter& filter) {
    std::vector<std::string> parts{""};
    for (const char c : text) {
        if (c == ':')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    switch (parts.size()) {
        case 1:
            if (parts[0].empty() || !parse_index(parts[0], filter.start)) return false;
            filter.end = filter.start;
            return true;
        case 2:
            return parse_index(parts[0], filter.start) &&
                   parse_index(parts[1], filter.end);
        case 3:
            return parse_index(parts[0], filter.start) &&
                   parse_index(parts[1], filter.increment) &&
                   parse_index(parts[2], filter.end);
        default:
            return false;
    }
}

// ---- parameters of filters ----

// A value of JSON: an integer, a number, a truth, a text.
using Json = std::variant<long long, double, bool, std::string>;

template <class T>
bool whole_number(const std::string& text, T& number) {
    char* end = nullptr;
    errno = 0;
    if constexpr (std::is_same_v<T, double>)
        number = epicsStrtod(text.c_str(), &end);
    else
        number = std::strtoll(text.c_str(), &end, 0);
    return errno == 0 && end != text.c_str() && *end == '\0';
}

// An IOC takes other types for those of `arr`.
bool to_int32(const Json& json, std::int64_t& number) {
    long long found = 0;
    if (const auto* integer = std::get_if<long long>(&json)) {
        found = *integer;
    } else if (const auto* real = std::get_if<double>(&json)) {
        if (!(std::fabs(*real) < 2147483648.0)) return false;
        found = static_cast<long long>(*real);
    } else if (const auto* truth = std::get_if<bool>(&json)) {
        found = *truth;
    } else if (!whole_number(std::get<std::string>(json), found)) {
        return false;
    }
    number = found;
    return found >= std::numeric_limits<std::int32_t>::min() &&
           found <= std::numeric_limits<std::int32_t>::max();
}

bool to_double(const Json& json, double& number) {
    if (const auto* text = std::get_if<std::string>(&json))
        return whole_number(*text, number);
    std::visit(
        [&](const auto& value) {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>)
                number = static_cast<double>(value);
        },
        json);
    return true;
}

bool set(ArrayFilter& filter, std::string_view name, const Json& json) {
    if (name == "s") return to_int32(json, filter.start);
    if (name == "i") return to_int32(json, filter.increment);
    return name == "e" && to_int32(json, filter.end);
}

bool set_mode(DeadbandFilter& filter, const Json& json) {
    const auto* text = std::get_if<std::string>(&json);
    std::int64_t index = text && *text == "rel" ? 1 : 0;
    if (text ? *text != "abs" && *text != "rel" : !to_int32(json, index)) return false;
    filter.relative = index == 1;
    return index == 0 || index == 1;
}

bool set(DeadbandFilter& filter, std::string_view name, const Json& json) {
    if (name == "m") return set_mode(filter, json);
    if (name == "abs" || name == "rel")
        filter.relative = name == "rel";
    else if (name != "d")
        return false;
    return to_double(json, filter.size);
}

bool set(DecimationFilter& filter, std::string_view name, const Json& json) {
    const auto* n = std::get_if<long long>(&json);
    if (name != "n" || !n || *n < 1 || *n > std::numeric_limits<std::int32_t>::max())
        return false;
    filter.n = static_cast<std::int32_t>(*n);
    return true;
}

bool set_number(TimeFilter& filter, const std::string& what) {
    using Shown = TimeFilter::Shown;
    const Shown shown = what == "dbl"    ? Shown::Double
                        : what == "sec"  ? Shown::Seconds
                        : what == "nsec" ? Shown::Nanoseconds
                        : what == "ts"   ? Shown::Pair
                                         : Shown::Now;
    if (filter.shown != Shown::Text) filter.shown = shown;
    return shown != Shown::Now;
}

bool set(TimeFilter& filter, std::string_view name, const Json& json) {
    const auto* text = std::get_if<std::string>(&json);
    if (!text) return false;
    if (name == "num") return set_number(filter, *text);
    if (name == "epoch") {
        filter.unix_epoch = *text == "unix";
        return *text == "unix" || *text == "epics";
    }
    if (name != "str" || (*text != "iso" && *text != "epics")) return false;
    filter.shown = TimeFilter::Shown::Text;
    filter.iso = *text == "iso";
    return true;
}

// ---- JSON ----

// What the parser's calls fill. A call that returns 0 ends the parse.
struct Reader {
    std::vector<Filter>& filters;
    int depth = 0;
    bool is_dec = false, has_n = false;
    std::string name;  // of the parameter

    int key(std::string_view text) {
        if (depth == 2) {
            name = text;
            return 1;
        }
        if (depth > 2) return 1;
        if (filters.size() >= kMostFilters) return 0;
        if (text == "arr") return add(ArrayFilter{});
        if (text == "ts") return add(TimeFilter{});
        if (text == "dbnd") return add(DeadbandFilter{});
        return text == "dec" ? add(DecimationFilter{}) : 0;
    }
    int add(Filter filter) {
        is_dec = std::holds_alternative<DecimationFilter>(filter);
        has_n = false;
        filters.push_back(filter);
        return 1;
    }
    int value(const Json& json) {
        if (depth > 2) return 1;
        if (depth < 2) return 0;
        has_n = true;
        return std::visit([&](auto& filter) { return set(filter, name, json) ? 1 : 0; },
                          filters.back());
    }
    int open() {
        ++depth;
        return 1;
    }
    int close() {
        const bool lacks_n = depth == 2 && is_dec && !has_n;
        --depth;
        return lacks_n ? 0 : 1;
    }
};

// The parser is C: without memory the text is refused.
template <class F>
int told(void* context, F&& tell) noexcept {
    try {
        return tell(*static_cast<Reader*>(context));
    } catch (...) {
        return 0;
    }
}

std::string_view text_of(const unsigned char* text, std::size_t length) {
    return {reinterpret_cast<const char*>(text), length};
}

int refuse(void*) { return 0; }

constexpr yajl_callbacks kCalls = {
    refuse,
    [](void* to, int value) {
        return told(to, [&](Reader& reader) { return reader.value(value != 0); });
    },
    [](void* to, long long value) {
        return told(to, [&](Reader& reader) { return reader.value(value); });
    },
    [](void* to, double value) {
        return told(to, [&](Reader& reader) { return reader.value(value); });
    },
    nullptr,
    [](void* to, const unsigned char* text, std::size_t length) {
        return told(to, [&](Reader& reader) {
            return reader.value(std::string(text_of(text, length)));
        });
    },
    [](void* to) { return told(to, [](Reader& reader) { return reader.open(); }); },
    [](void* to, const unsigned char* text, std::size_t length) {
        return told(to,
                    [&](Reader& reader) { return reader.key(text_of(text, length)); });
    },
    [](void* to) { return told(to, [](Reader& reader) { return reader.close(); }); },
    refuse,
    refuse};

bool parse_json(std::string_view text, std::vector<Filter>& filters) {
    Reader reads{filters, 0, false, false, {}};
    const std::unique_ptr<yajl_handle_t, decltype(&yajl_free)> parser(
        yajl_alloc(&kCalls, nullptr, &reads), &yajl_free);
    if (!parser) throw std::bad_alloc();
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    return yajl_parse(parser.get(), bytes, text.size()) == yajl_status_ok &&
           yajl_complete_parse(parser.get()) == yajl_status_ok;
}

void begin(Filter& filter) {
    if (auto* deadband = std::get_if<DeadbandFilter>(&filter))
        deadband->needed = deadband->size;
}

}  // namespace

std::optional<Modifiers> parse_modifiers(std::string_view text) {
    if (text.size() > kMostModifiers) return {};
    Modifiers made;
    if (text.starts_with('$')) {
        made.long_text = true;
        text.remove_prefix(1);
    }
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        ArrayFilter filter;
        if (end == text.npos || !parse_range(text.substr(1, end - 1), filter))
            return {};
        made.filters.emplace_back(filter);
        text.remove_prefix(end + 1);
    }
    if (text.starts_with('{')) {
        if (!parse_json(text, made.filters)) return {};
    } else if (!text.empty()) {
        return {};
    }
    for (Filter& filter : made.filters) begin(filter);
    return made;
}

}  // namespace pcas
