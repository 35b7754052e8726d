#include "client/dbr_fields.hpp"

#include <algorithm>
#include <cstring>

namespace aioca {

namespace {

template <class Dbr>
const Dbr* copy_limits(const void* dbr, ControlFields& to) {
    const auto* from = static_cast<const Dbr*>(dbr);
    to.units = text_in(from->units, sizeof from->units);
    to.upper_disp = from->upper_disp_limit;
    to.lower_disp = from->lower_disp_limit;
    to.upper_alarm = from->upper_alarm_limit;
    to.lower_alarm = from->lower_alarm_limit;
    to.upper_warning = from->upper_warning_limit;
    to.lower_warning = from->lower_warning_limit;
    to.upper_ctrl = from->upper_ctrl_limit;
    to.lower_ctrl = from->lower_ctrl_limit;
    return from;
}

template <class Dbr>
void copy_real(const void* dbr, ControlFields& to) {
    to.precision = copy_limits<Dbr>(dbr, to)->precision;
    to.real = true;
}

}  // namespace

std::string_view text_in(const char* memory, std::size_t size) {
    const void* end = std::memchr(memory, 0, size);
    return {memory, end ? static_cast<const char*>(end) - memory : size};
}

bool control_fields(long type, const void* dbr, ControlFields& to) {
    switch (type) {
        case DBR_CTRL_SHORT:
            copy_limits<dbr_ctrl_int>(dbr, to);
            return true;
        case DBR_CTRL_CHAR:
            copy_limits<dbr_ctrl_char>(dbr, to);
            return true;
        case DBR_CTRL_LONG:
            copy_limits<dbr_ctrl_long>(dbr, to);
            return true;
        case DBR_CTRL_FLOAT:
            copy_real<dbr_ctrl_float>(dbr, to);
            return true;
        case DBR_CTRL_DOUBLE:
            copy_real<dbr_ctrl_double>(dbr, to);
            return true;
        default:
            return false;
    }
}

std::size_t enum_states(const void* dbr) {
    const int told = static_cast<const dbr_ctrl_enum*>(dbr)->no_str;
    return static_cast<std::size_t>(std::clamp(told, 0, MAX_ENUM_STATES));
}

std::string_view enum_state(const void* dbr, std::size_t index) {
    const auto& text = static_cast<const dbr_ctrl_enum*>(dbr)->strs[index];
    return text_in(text, sizeof text);
}

}  // namespace aioca
