from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "server/limits.hpp" namespace "pcas" nogil:
    cdef cppclass Limits:
        pass

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

cdef extern from "server/config.hpp" namespace "pcas" nogil:
    cdef cppclass Config:
        Config() except +translate_exception
        uint16_t udp_port
        uint16_t tcp_port
        vector[string] interfaces
        vector[string] ignored
        vector[string] beacon_addresses
        bool auto_beacon_addresses
        uint16_t beacon_port
        double beacon_period
        uint8_t multicast_ttl

    Config config_from_environment "pcas::Config::from_environment"(
        vector[string]& warnings) except +translate_exception

cdef extern from * namespace "pcas" nogil:
    """
    #include "server/config.hpp"
    namespace pcas {
    // False if there is no limit of that name.
    inline bool set_limit(Config& config, const std::string& name,
                          std::uint64_t value) {
        const LimitInfo* limit = find_limit(name);
        if (limit) config.*limit->where = value;
        return limit != nullptr;
    }
    }  // namespace pcas
    """
    bool set_limit(Config&, const string&, uint64_t) noexcept
