// What a DBR structure carries beside its value. Servers fill these in: a text may lack
// its NUL, a number of states may be any. Pure.
#pragma once

#include <db_access.h>

#include <cstddef>
#include <string_view>

#include "client/export.hpp"

namespace aioca {

// The control fields of DBR_CTRL_xxx structures, whatever their type.
struct ControlFields {
    std::string_view units;
    int precision = -1;  // -1: the type has none
    bool real = false;   // the limits are floating point
    double upper_disp = 0, lower_disp = 0, upper_alarm = 0, lower_alarm = 0;
    double upper_warning = 0, lower_warning = 0, upper_ctrl = 0, lower_ctrl = 0;
};

// False: a type without limits (enum, string).
AIOCA_API bool control_fields(long type, const void* dbr, ControlFields& to);

// The texts of a DBR_CTRL_ENUM structure: how many, and each of them.
AIOCA_API std::size_t enum_states(const void* dbr);
AIOCA_API std::string_view enum_state(const void* dbr, std::size_t index);

// Text in memory of this size, up to its NUL if there is one.
AIOCA_API std::string_view text_in(const char* memory, std::size_t size);

}  // namespace aioca
