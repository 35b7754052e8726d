# distutils: language = c++
# cython: nonecheck=True
"""A look into a server while it serves. Nothing here holds the GIL while it waits."""

cimport cython
from libc.stdint cimport uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport make_shared, shared_ptr, unique_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.bell cimport Waker
from pcaspy.native._cpp.client_row cimport ChannelRow, ChannelRows, ClientRow
from pcaspy.native._cpp.codec cimport DecodeTarget
from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.inspection cimport (
    LocalPuts, MissRow, PutProgress, PvInspection, PvQuery, PvRow, PvRows, SortBy,
    access_group, channels, clients, find, first_elements, keep_misses, local_client,
    misses, new_inspection, new_local_puts, read_only)
from pcaspy.native._cpp.metadata cimport Metadata
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.snapshot cimport NewSnapshot, SnapshotPtr, TimeStamp
from pcaspy.native._cpp.text cimport bytes_of_text, text_of
from pcaspy.native._cpp.to_snapshot cimport Strictness, snapshot_of
from pcaspy.native._cpp.types cimport ECA_NORMAL, DbfType, POSIX_TIME_AT_EPICS_EPOCH
from pcaspy.native._handle cimport PvHandle, opened, suits
from pcaspy.native._request cimport identity
from pcaspy.native._server cimport Server

# What PVs can be sorted by.
SORTS = {"name": <int>SortBy.Name, "value": <int>SortBy.Value,
         "alarm": <int>SortBy.Alarm, "age": <int>SortBy.Age,
         "clients": <int>SortBy.Clients, "rate": <int>SortBy.Rate}
_TYPES = ("string", "short", "float", "enum", "char", "long", "double", "int8", "uint8",
          "uint16", "uint32", "int64", "uint64", "bool", "structure")


@cython.final
cdef class Inspection:
    """Of a Server. For one thread at a time."""
    cdef Server engine
    cdef unique_ptr[PvInspection] pvs
    cdef unique_ptr[LocalPuts] puts
    cdef shared_ptr[Waker] waker

    def __init__(self, Server engine not None):
        self.engine = engine
        self.waker = make_shared[Waker]()
        self.pvs.reset(new_inspection(engine.server.get()[0]))
        self.puts.reset(new_local_puts(engine.server.get()[0], self.waker))

    def __dealloc__(self):
        with nogil:
            self.puts.reset()
            self.pvs.reset()

    def abandon(self):
        """In the child of a fork: other threads may have been in it."""
        self.puts.release()
        self.pvs.release()

    # ---- PVs ----

    def rows(self, match, int sort, bint descending, size_t offset, size_t limit):
        """(PVs, those that match, rows) of some PVs in an order of SORTS.

        A row is (name, value, severity, alarm, time, clients, rate or None).
        """
        cdef PvQuery query
        cdef PvRows found
        query.match = bytes_of_text(match)
        query.sort = <SortBy>sort
        query.descending = descending
        query.offset, query.limit = offset, limit
        with nogil:
            found = self.pvs.get().rows(query)
        return found.total, found.matching, [row_of(row) for row in found.rows]

    def forget(self):
        """Releases the names that it has kept."""
        with nogil:
            self.pvs.get().forget()

    def find(self, name, uint32_t most):
        """(row, type, count, elements, limits, ...) of a PV, at most `most` elements.

        It may be a field of a PV. None if there is none of that name; what there is as
        `details` returns it.
        """
        cdef string key = bytes_of_text(name)
        cdef PvRow row
        cdef PvPtr pv
        cdef SnapshotPtr value
        cdef string group
        with nogil:
            pv = find(self.pvs.get()[0], self.engine.server.get()[0], key, row)
        if pv.get() == NULL:
            return None
        with nogil:
            value = first_elements(pv.get().snapshot(), most)
            group = access_group(pv)
        found = details(pv, value)
        found["asg"] = text_of(group.data(), group.size())
        return row_of(row), found

    # ---- clients ----

    def clients(self):
        """Rows of the circuits, or None if the loop does not answer."""
        cdef vector[ClientRow] rows
        cdef cbool answered
        with nogil:
            answered = clients(self.engine.server.get()[0], rows)
        return rows_of_clients(rows, "ca") if answered else None

    def channels(self, uint64_t circuit, size_t offset, size_t limit):
        """(total, rows) of a circuit's channels; None if there is no such circuit."""
        cdef ChannelRows found
        cdef cbool answered
        with nogil:
            answered = channels(self.engine.server.get()[0], circuit, offset, limit,
                                found)
        return rows_of_channels(found) if answered else None

    # ---- names that nobody has ----

    def keep_misses(self, cbool on):
        """Begins to count them, or stops and forgets them."""
        with nogil:
            keep_misses(self.engine.server.get()[0], on)

    def misses(self):
        """(name, client, clients, count, first, last) of each, most frequent first."""
        cdef vector[MissRow] found
        with nogil:
            found = misses(self.engine.server.get()[0])
        return [(text_of(row.name.data(), row.name.size()),
                 text_of(row.client.data(), row.client.size()),
                 row.clients, row.count, row.first, row.last) for row in found]

    # ---- puts ----

    def put(self, PvHandle pv not None, value, user, uint64_t number):
        """Has a value put by `user`; why it is refused, or "" if progress will come.

        Raises:
            TypeError, ValueError: The value does not fit.
        """
        opened(pv)
        if pv.info is None or not suits(pv, pv.info.fields):
            raise ValueError("the PV has another type now")
        return self.put_as(pv.pv, pv.info.fields.target(), value, user, number)

    def put_field(self, name, value, user, uint64_t number):
        """The same of a field, which is called NAME.FIELD; None if there is none."""
        cdef string key = bytes_of_text(name)
        cdef PvRow row
        cdef PvPtr pv
        cdef SnapshotPtr now
        cdef DecodeTarget to
        with nogil:
            pv = find(self.pvs.get()[0], self.engine.server.get()[0], key, row)
            if pv.get() != NULL:
                now = pv.get().snapshot()
        if pv.get() == NULL:
            return None
        to.type, to.max_count = pv.get().type(), pv.get().max_count()
        to.metadata = now.get().metadata.get()
        return self.put_as(pv, to, value, user, number)

    cdef str put_as(self, const PvPtr& pv, DecodeTarget to, value, user,
                    uint64_t number):
        cdef cbool cut = False
        cdef NewSnapshot made = snapshot_of(value, to, Strictness.Ranged, cut)
        cdef string name = bytes_of_text(user)
        cdef string why
        if cut:
            raise ValueError(f"the PV has {to.max_count} elements at most")
        with nogil:
            why = self.puts.get().put(
                pv, SnapshotPtr(made), local_client(name), number)
        return text_of(why.data(), why.size())

    def progress(self):
        """(number, completed, good) of puts since it was last asked."""
        cdef vector[PutProgress] found
        with nogil:
            found = self.puts.get().take()
        return [(item.number, bool(item.completed), item.status == ECA_NORMAL)
                for item in found]

    def fileno(self):
        """What can be read when there is progress, or `wake` was called."""
        return <int>self.waker.get().fd()

    def wake(self):
        """Any thread."""
        self.waker.get().wake()

    def clear(self):
        """It cannot be read until there is something new."""
        self.waker.get().on_io(True, False)


cdef double unix(TimeStamp time) noexcept:
    return <double>POSIX_TIME_AT_EPICS_EPOCH + time.seconds + 1e-9 * time.nanoseconds


cdef tuple row_of(const PvRow& row):
    return (text_of(row.name.data(), row.name.size()),
            row.value.decode(errors="replace")[:40], row.alarm.severity,
            row.alarm.status, unix(row.time), row.clients,
            row.rate if row.rate == row.rate else None)


cdef dict details(const PvPtr& pv, const SnapshotPtr& value):
    """What a PV has besides its row."""
    cdef const Metadata* about = value.get().metadata.get()
    cdef size_t i
    cdef bint structured = value.get().type() == DbfType.Structure
    elements = None if structured else value_of(value.get()[0])
    if isinstance(elements, str) and value.get().type() == DbfType.String:
        elements = [elements]
    elif not isinstance(elements, (list, str, type(None))):
        elements = elements.tolist() if hasattr(elements, "tolist") else [elements]
    return {
        "type": _TYPES[<int>value.get().type()],
        "count": pv.get().max_count(),
        "elements": elements,
        "unit": text_of(about.units.data(), about.units.size()),
        "labels": [text_of(about.states[i].data(), about.states[i].size())
                   for i in range(about.states.size())],
        "limits": {
            "display": (about.lower_disp, about.upper_disp),
            "control": (about.lower_ctrl, about.upper_ctrl),
            "warning": (about.lower_warning, about.upper_warning),
            "alarm": (about.lower_alarm, about.upper_alarm)},
        "desc": text_of(about.description.data(), about.description.size()),
        "readonly": bool(read_only(pv)),
    }


cdef list rows_of_clients(const vector[ClientRow]& rows, protocol):
    """(number, protocol, user, host, address, channels, subscriptions, since, held,
    waiting, sent, received) of each; None for bytes that are not counted."""
    cdef size_t i
    cdef const ClientRow* row
    found = []
    for i in range(rows.size()):
        row = &rows[i]
        user, host, address, _ = identity(row.client)
        counts = row.counts_bytes
        found.append((row.number, protocol, user, host, address, row.channels,
                      row.subscriptions, unix(row.since), row.held, row.waiting,
                      row.sent if counts else None, row.received if counts else None))
    return found


cdef object rows_of_channels(const ChannelRows& found):
    """(total, [(PV, subscriptions, readable, writable)]), or None."""
    cdef size_t i
    cdef const ChannelRow* row
    if not found.found:
        return None
    rows = []
    for i in range(found.rows.size()):
        row = &found.rows[i]
        rows.append((text_of(row.pv.data(), row.pv.size()), row.subscriptions,
                     bool(row.readable), bool(row.writable)))
    return found.total, rows
