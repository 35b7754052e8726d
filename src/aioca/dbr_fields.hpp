// The control fields of DBR_CTRL_xxx structures, whatever their type.
#pragma once

#include <db_access.h>

namespace aioca {

struct ControlFields {
    const char* units = nullptr;  // MAX_UNITS_SIZE bytes, perhaps without a NUL
    int precision = -1;           // -1: the type has none
    bool real = false;            // the limits are floating point
    double upper_disp, lower_disp, upper_alarm, lower_alarm;
    double upper_warning, lower_warning, upper_ctrl, lower_ctrl;
};

template <class Dbr>
inline void copy_limits(const Dbr* from, ControlFields& to) {
    to.units = from->units;
    to.upper_disp = from->upper_disp_limit;
    to.lower_disp = from->lower_disp_limit;
    to.upper_alarm = from->upper_alarm_limit;
    to.lower_alarm = from->lower_alarm_limit;
    to.upper_warning = from->upper_warning_limit;
    to.lower_warning = from->lower_warning_limit;
    to.upper_ctrl = from->upper_ctrl_limit;
    to.lower_ctrl = from->lower_ctrl_limit;
}

// False: a type without limits (enum, string).
inline bool control_fields(long type, const void* data, ControlFields& to) {
    switch (type) {
        case DBR_CTRL_SHORT:
            copy_limits(static_cast<const dbr_ctrl_int*>(data), to);
            return true;
        case DBR_CTRL_CHAR:
            copy_limits(static_cast<const dbr_ctrl_char*>(data), to);
            return true;
        case DBR_CTRL_LONG:
            copy_limits(static_cast<const dbr_ctrl_long*>(data), to);
            return true;
        case DBR_CTRL_FLOAT: {
            auto* from = static_cast<const dbr_ctrl_float*>(data);
            copy_limits(from, to);
            to.precision = from->precision;
            to.real = true;
            return true;
        }
        case DBR_CTRL_DOUBLE: {
            auto* from = static_cast<const dbr_ctrl_double*>(data);
            copy_limits(from, to);
            to.precision = from->precision;
            to.real = true;
            return true;
        }
        default:
            return false;
    }
}

}  // namespace aioca
