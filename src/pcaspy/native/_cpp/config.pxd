from libc.stdint cimport uint64_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "server/limits.hpp" namespace "pcas" nogil:
    cdef cppclass LimitInfo:
        const char* name
        uint64_t standard
        uint64_t least
        uint64_t most
        const char* of
        const char* then

    cdef cppclass LimitTable "std::span<const pcas::LimitInfo>":
        size_t size() noexcept
        const LimitInfo& operator[](size_t) noexcept

    LimitTable limit_table() noexcept

cdef extern from "envDefs.h" nogil:
    ctypedef struct ENV_PARAM:
        char* name

cdef extern from "server/options.hpp" namespace "pcas" nogil:
    cdef cppclass OptionInfo:
        const char* name
        double least
        double most
        const ENV_PARAM* variable
        const ENV_PARAM* stand_in
        const char* meaning
        bool is_list() noexcept
        bool is_switch() noexcept
        bool is_whole() noexcept
        double standard() except +translate_exception

    cdef cppclass OptionTable "std::span<const pcas::OptionInfo>":
        size_t size() noexcept
        const OptionInfo& operator[](size_t) noexcept

    OptionTable option_table() except +translate_exception

cdef extern from "server/config.hpp" namespace "pcas" nogil:
    cdef cppclass Config:
        Config() except +translate_exception
        vector[string] interfaces
        bool set(const string&, double) except +translate_exception
        bool set(const string&, vector[string]) except +translate_exception

    Config config_from_environment "pcas::Config::from_environment"(
        vector[string]& warnings) except +translate_exception
