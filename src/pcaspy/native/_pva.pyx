# distutils: language = c++
# cython: nonecheck=True
"""PVAccess for a server's PVs. Importing it needs the library of pvxslibs."""

from libc.stdint cimport uint64_t
from libcpp.map cimport map
from libcpp.memory cimport unique_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.client_row cimport ChannelRows, ClientRow
from pcaspy.native._cpp.pva_server cimport (
    CounterKind, CounterTable, PvaServer, counter_table)
from pcaspy.native._cpp.text cimport bytes_of_text
from pcaspy.native._inspect cimport rows_of_channels, rows_of_clients
from pcaspy.native._server cimport Server


def counters():
    """(name, kind, meaning) of each counter of `Pva.stats`."""
    cdef CounterTable table = counter_table()
    kinds = {CounterKind.NOW: "now", CounterKind.EVER: "ever",
             CounterKind.TROUBLE: "trouble"}
    return [(table[i].name.decode(), kinds[table[i].kind], table[i].meaning.decode())
            for i in range(table.size())]


cdef class Pva:
    """Serves the names of a Server over PVAccess, too.

    Requests for Python go through that server's queue.
    """
    cdef unique_ptr[PvaServer] server
    cdef readonly Server engine    # lives as long: the names and the log are its

    def __cinit__(self, Server engine not None, size_t max_requests, size_t max_bytes):
        self.engine = engine
        self.server.reset(new PvaServer(
            engine.server.get().names(), engine.server.get().log(), max_requests,
            max_bytes))

    def __dealloc__(self):
        with nogil:
            self.server.reset()

    def start(self):
        """Serves at the addresses of EPICS_PVAS_*, or where the Server does.

        Raises:
            RuntimeError: An address or port cannot be used.
        """
        cdef vector[string] interfaces
        for address in self.engine.interfaces:
            interfaces.push_back(bytes_of_text(address))
        with nogil:
            self.server.get().start(interfaces)

    def close(self):
        with nogil:
            self.server.get().close()

    @property
    def usable(self):
        """False in the child of a process that has served: pvxs does not work there."""
        return bool(self.server.get().usable())

    @property
    def running(self):
        return bool(self.server.get().running())

    @property
    def tcp_port(self):
        return self.server.get().tcp_port()

    @property
    def udp_port(self):
        return self.server.get().udp_port()

    def stats(self):
        cdef map[string, uint64_t] counters
        with nogil:
            counters = self.server.get().stats()
        return {item.first.decode(): item.second for item in counters}

    def clients(self):
        """Rows of the connections, as `Inspection.clients` has them."""
        cdef vector[ClientRow] rows
        with nogil:
            rows = self.server.get().clients()
        return rows_of_clients(rows, "pva")

    def channels(self, uint64_t client, size_t offset, size_t limit):
        """As `Inspection.channels`."""
        cdef ChannelRows found
        with nogil:
            found = self.server.get().channels(client, offset, limit)
        return rows_of_channels(found)

    def prepare_fork(self):
        """Before fork(), ahead of the Server's."""
        with nogil:
            self.server.get().prepare_fork()

    def after_fork_in_parent(self):
        """Behind the Server's."""
        self.server.get().after_fork_in_parent()

    def after_fork_in_child(self):
        """Behind the Server's: forgets the connections, which are the parent's."""
        self.server.get().after_fork_in_child()
