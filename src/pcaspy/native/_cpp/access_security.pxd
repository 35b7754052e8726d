from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "access/security.hpp" namespace "pcas::access_security" nogil:
    cdef enum class HostIs "pcas::access_security::HostIs":
        Claimed
        Peer

    vector[string] load_rules "pcas::access_security::load"(
        string text, string source, string definitions, HostIs host_is
    ) except +translate_exception
    void start_inputs "pcas::access_security::start_inputs"(
        string library) except +translate_exception
    void stop_inputs "pcas::access_security::stop_inputs"() except +translate_exception
    bool has_inputs "pcas::access_security::has_inputs"() except +translate_exception
    bool lacks_group "pcas::access_security::lacks_group"(
        string name) except +translate_exception
    void prepare_fork "pcas::access_security::prepare_fork"() noexcept
    void after_fork_in_parent "pcas::access_security::after_fork_in_parent"() noexcept
    void after_fork_in_child "pcas::access_security::after_fork_in_child"() noexcept
