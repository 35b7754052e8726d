# distutils: language = c++
"""What the engine knows of itself: its options and counters, and what is alive."""

from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.ca_protocol cimport (
    CA_MINIMUM_SUPPORTED_VERSION, CA_PROTO_RSRV_IS_UP, CA_PROTO_SEARCH,
    CA_PROTO_VERSION, CA_REPEATER_PORT, CA_SERVER_PORT, DONTREPLY, MAX_UDP_RECV,
    MAX_UDP_SEND, REPEATER_CONFIRM, REPEATER_REGISTER, epicsReleaseVersion,
    kMinorVersion, sequenceNoIsValid)
from pcaspy.native._cpp.config cimport (
    LimitTable, OptionInfo, OptionTable, limit_table, option_table)
from pcaspy.native._cpp.counters cimport CounterKind, CounterTable, counter_table
from pcaspy.native._cpp.instances cimport Counted, instance_name, living
from pcaspy.native._cpp.networks cimport broadcast_networks
from pcaspy.native._cpp.text cimport bytes_of_text


def limits():
    """(name, standard, least, most, of what, what happens at it) of each limit."""
    cdef LimitTable table = limit_table()
    return [(table[i].name.decode(), table[i].standard, table[i].least, table[i].most,
             table[i].of.decode(), table[i].then.decode())
            for i in range(table.size())]


def options():
    """(name, kind, standard, least, most, variables, meaning) of what is no limit.

    The kind is "whole", "seconds", "switch" or "list"; a list begins empty. The first
    of the variables that is set counts.
    """
    cdef OptionTable table = option_table()
    cdef const OptionInfo* option
    found = []
    for i in range(table.size()):
        option = &table[i]
        kind = ("list" if option.is_list() else "switch" if option.is_switch() else
                "whole" if option.is_whole() else "seconds")
        variables = dict.fromkeys([option.variable.name.decode(),
                                   option.stand_in.name.decode()])
        found.append((option.name.decode(), kind, option.standard(), option.least,
                      option.most, tuple(variables), option.meaning.decode()))
    return found


def counters():
    """(name, kind, meaning) of each counter of `Server.stats`."""
    cdef CounterTable table = counter_table()
    kinds = {CounterKind.NOW: "now", CounterKind.EVER: "ever",
             CounterKind.TROUBLE: "trouble"}
    return [(table[i].name.decode(), kinds[table[i].kind], table[i].meaning.decode())
            for i in range(table.size())]


def instance_counts():
    """How many objects of each engine class are alive: {name: count}."""
    return {instance_name(<Counted>i).decode(): living(<Counted>i)
            for i in range(<int>Counted.kCount)}


def protocol():
    """The numbers of Channel Access that its datagrams are made of: {name: number}."""
    return {
        "SERVER_PORT": CA_SERVER_PORT,
        "REPEATER_PORT": CA_REPEATER_PORT,
        "MINOR": kMinorVersion,
        "OLDEST_MINOR": CA_MINIMUM_SUPPORTED_VERSION,
        "VERSION": CA_PROTO_VERSION,
        "SEARCH": CA_PROTO_SEARCH,
        "BEACON": CA_PROTO_RSRV_IS_UP,
        "REGISTER": REPEATER_REGISTER,
        "CONFIRM": REPEATER_CONFIRM,
        "DONT_REPLY": DONTREPLY,
        "MOST_SENT": MAX_UDP_SEND,
        "MOST_RECEIVED": MAX_UDP_RECV,
        "SEQUENCE_VALID": sequenceNoIsValid,
    }


def epics_version():
    """That of the headers of EPICS, and so of its libraries: "EPICS R7.0..."."""
    return epicsReleaseVersion.decode()


def networks(interface):
    """The broadcast addresses of the networks of an interface; "0.0.0.0": of all.

    Raises:
        OSError: There is no such address.
    """
    cdef string text = bytes_of_text(interface)
    cdef vector[string] found
    with nogil:
        found = broadcast_networks(text)
    return [address.decode() for address in found]
