# distutils: language = c++
"""Access security: the rules of the process, their inputs, and forks."""

from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp cimport access_security
from pcaspy.native._cpp.text cimport bytes_of_text


def load_access_rules(bytes text not None, source, definitions, bint by_address):
    """Replaces the rules of the process; the warnings about them.

    Raises:
        ValueError: The text is not valid; the old rules stay.
    """
    cdef string rules = text
    cdef string name = bytes_of_text(source)
    cdef string macros = bytes_of_text(definitions)
    cdef access_security.HostIs host_is = (
        access_security.HostIs.Peer if by_address else access_security.HostIs.Claimed)
    cdef vector[string] warnings
    with nogil:
        warnings = access_security.load_rules(rules, name, macros, host_is)
    return [warning.decode(errors="replace") for warning in warnings]


def has_access_inputs():
    """The rules in force have inputs."""
    cdef cbool has
    with nogil:
        has = access_security.has_inputs()
    return bool(has)


def lacks_access_group(name):
    """There are rules, but none for that group: no client has access to its PVs."""
    cdef string group = bytes_of_text(name)
    cdef cbool lacks
    with nogil:
        lacks = access_security.lacks_group(group)
    return bool(lacks)


def start_access_inputs(library):
    """Connects the inputs of the rules; `library` is the path of libdbCore.

    Raises:
        RuntimeError: The library cannot be loaded, or this is a forked process.
    """
    cdef string path = bytes_of_text(library)
    with nogil:
        access_security.start_inputs(path)


def stop_access_inputs():
    with nogil:
        access_security.stop_inputs()


def access_prepare_fork():
    """Before fork(), after all servers did the same."""
    with nogil:
        access_security.prepare_fork()


def access_after_fork(bint in_child):
    """After fork(), before the servers."""
    if in_child:
        access_security.after_fork_in_child()
    else:
        access_security.after_fork_in_parent()
