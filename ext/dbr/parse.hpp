// Text to numbers by libCom's rules: leading blanks and anything behind the number are
// accepted, "" is 0; false for no number and for one out of range.
#pragma once

#include <cstdint>

namespace pcas {

bool parse_number(const char* text, double& value) noexcept;
bool parse_number(const char* text, float& value) noexcept;
bool parse_number(const char* text, std::int8_t& value) noexcept;
bool parse_number(const char* text, std::uint8_t& value) noexcept;
bool parse_number(const char* text, std::int16_t& value) noexcept;
bool parse_number(const char* text, std::uint16_t& value) noexcept;
bool parse_number(const char* text, std::int32_t& value) noexcept;
bool parse_number(const char* text, std::uint32_t& value) noexcept;
bool parse_number(const char* text, std::int64_t& value) noexcept;
bool parse_number(const char* text, std::uint64_t& value) noexcept;

// The index of a state; "" is none.
bool parse_index(const char* text, std::uint16_t& value) noexcept;

}  // namespace pcas
