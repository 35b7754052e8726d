#include "dbr/parse.hpp"

#include <epicsConvert.h>
#include <epicsStdlib.h>
#include <epicsString.h>

#include <cstdlib>

namespace pcas {

namespace {

// 0 (by prefix: 0x hexadecimal, 0 octal) or 10. Only an IOC sets libCom's dbConvertBase
// from the environment, so it is asked for here as well.
int number_base() noexcept {
    static const bool decimal_only = [] {
        // Once, and nothing here sets variables. NOLINTNEXTLINE(concurrency-mt-unsafe)
        const char* choice = std::getenv("EPICS_DB_CONVERT_DECIMAL_ONLY");
        return choice && epicsStrCaseCmp(choice, "YES") == 0;
    }();
    return decimal_only ? 10 : dbConvertBase;
}

// Parse is a function of epicsStdlib.h; it accepts what follows the number only if it
// is asked where that begins.
template <class T, class Parse>
bool parse(const char* text, T& value, Parse parse_text) noexcept {
    if (*text == '\0') {
        value = 0;
        return true;
    }
    char* rest = nullptr;
    return parse_text(text, &value, &rest) == 0;
}

template <class T, class Parse>
bool parse_integer(const char* text, T& value, Parse parse_text) noexcept {
    return parse(text, value, [parse_text](const char* from, T* to, char** rest) {
        return parse_text(from, to, number_base(), rest);
    });
}

}  // namespace

bool parse_number(const char* text, double& value) noexcept {
    return parse(text, value, epicsParseDouble);
}
bool parse_number(const char* text, float& value) noexcept {
    return parse(text, value, epicsParseFloat);
}
bool parse_number(const char* text, std::int8_t& value) noexcept {
    return parse_integer(text, value, epicsParseInt8);
}
bool parse_number(const char* text, std::uint8_t& value) noexcept {
    return parse_integer(text, value, epicsParseUInt8);
}
bool parse_number(const char* text, std::int16_t& value) noexcept {
    return parse_integer(text, value, epicsParseInt16);
}
bool parse_number(const char* text, std::uint16_t& value) noexcept {
    return parse_integer(text, value, epicsParseUInt16);
}
bool parse_number(const char* text, std::int32_t& value) noexcept {
    return parse_integer(text, value, epicsParseInt32);
}
bool parse_number(const char* text, std::uint32_t& value) noexcept {
    return parse_integer(text, value, epicsParseUInt32);
}
bool parse_number(const char* text, std::int64_t& value) noexcept {
    epicsInt64 parsed = 0;  // may be another type of the same size
    if (!parse_integer(text, parsed, epicsParseInt64)) return false;
    value = parsed;
    return true;
}
bool parse_number(const char* text, std::uint64_t& value) noexcept {
    epicsUInt64 parsed = 0;
    if (!parse_integer(text, parsed, epicsParseUInt64)) return false;
    value = parsed;
    return true;
}

bool parse_index(const char* text, std::uint16_t& value) noexcept {
    return *text != '\0' && parse_integer(text, value, epicsParseUInt16);
}

}  // namespace pcas
