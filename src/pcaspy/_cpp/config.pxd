from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy._cpp.errors cimport translate_exception


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
        size_t max_circuits
        size_t max_circuits_per_host
        size_t max_channels
        size_t max_subscriptions
        uint64_t max_payload
        uint64_t max_response
        size_t output_high_water
        size_t max_open_requests
        size_t max_open_bytes
        size_t max_queued_requests
        size_t max_queued_bytes
        size_t max_deferred_puts
        size_t max_searches_per_turn
        unsigned log_rate

    Config config_from_environment "pcas::Config::from_environment"(
        vector[string]& warnings) except +translate_exception
