cdef extern from "client/dbr_fields.hpp" namespace "aioca" nogil:
    cdef cppclass string_view "std::string_view":
        const char* data()
        size_t size()
    cdef cppclass ControlFields:
        string_view units
        int precision
        bint real
        double upper_disp, lower_disp, upper_alarm, lower_alarm
        double upper_warning, lower_warning, upper_ctrl, lower_ctrl
    bint control_fields(long type, const void* dbr, ControlFields& to)
    size_t enum_states(const void* dbr)
    string_view enum_state(const void* dbr, size_t index)
    string_view text_in(const char* memory, size_t size)
