# distutils: language = c++
# cython: nonecheck=True
"""The server, and the short ways of its requests to a driver."""

import time
from types import CoroutineType

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.map cimport map
from libcpp.memory cimport make_shared
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.bell cimport Waker, hang_bell, take_bell_down
from pcaspy.native._cpp.config cimport Config, config_from_environment
from pcaspy.native._cpp.current_request cimport swap_current_request
from pcaspy.native._cpp.field_source cimport add_fields, record_name
from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.log cimport LogRecord, LogTopic
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.request cimport EngineRequest, RequestKind, RequestPtr
from pcaspy.native._cpp.request_queue cimport nanoseconds
from pcaspy.native._cpp.server cimport EngineServer
from pcaspy.native._cpp.snapshot cimport SnapshotPtr
from pcaspy.native._cpp.text cimport bytes_of_text, text_of
from pcaspy.native._cpp.types cimport (
    ECA_GETFAIL, ECA_NORMAL, ECA_PUTFAIL, is_acknowledgement)
from pcaspy.native._data cimport Data, data_linked_to
from pcaspy.native._handle cimport Claimant, PvHandle, claim, handle_of
from pcaspy.native._request cimport Request, wrapped
from pcaspy.native._timing cimport Timing, Turn

cdef size_t kMostTaken = 256  # requests taken from the engine at a time,
cdef double kTaken = 0.003    # as many as take about so long, in seconds
cdef double kSlice = 0.1    # seconds until signals and the engine's log are looked at


cdef vector[string] texts(items):
    cdef vector[string] made
    for item in items:
        made.push_back(bytes_of_text(item))
    return made


cdef int configure(Config& config, dict options) except -1:
    """Sets the members of `config` that `options` names."""
    for name, value in options.items():
        if isinstance(value, (int, float)):
            known = config.set(<string> name.encode(), <double> value)
        else:
            known = config.set(<string> name.encode(), texts(value))
        if not known:
            raise TypeError(f"there is no server option {name!r}")
    return 0


cdef class Server(Claimant):
    """The engine: sockets, circuits and its loop thread."""
    def __cinit__(self, dict options not None):
        cdef vector[string] warnings
        cdef Config config = config_from_environment(warnings)
        configure(config, options)
        self.take = 16
        self.timing = Timing()
        self.warnings = [text.decode(errors="replace") for text in warnings]
        self.interfaces = [text.decode() for text in config.interfaces]
        self.server.reset(new EngineServer(config))

    def __dealloc__(self):
        with nogil:
            self.left.clear()
            self.server.reset()

    cdef bint is_running(self) noexcept:
        return self.server.get().running()

    def start(self):
        with nogil:
            self.server.get().start()

    def close(self):
        with nogil:
            self.server.get().close()
        self.left.clear()

    def prepare_fork(self):
        """Before fork(): until one of the next two no other thread holds its locks."""
        with nogil:
            self.server.get().prepare_fork()

    def after_fork_in_parent(self):
        self.server.get().after_fork_in_parent()

    def after_fork_in_child(self):
        """Forgets loop and circuits, which are the parent's."""
        self.server.get().after_fork_in_child()
        self.left.clear()
        self.timing.forget_threads()

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
        found = {item.first.decode(): item.second for item in counters}
        found["longest_call"] = int(self.timing.longest * 1e3)
        return found

    def posts(self):
        """How often the PVs that there are were posted. It looks at each of them."""
        cdef uint64_t count
        with nogil:
            count = self.server.get().names().get().table().posts()
        return count

    def add(self, pvs):
        """Serves each PvHandle of `pvs`."""
        cdef PvHandle pv
        cdef vector[PvPtr] added
        cdef size_t i
        for pv in pvs:
            claim(pv, self)
        added.reserve(len(pvs))
        for pv in pvs:
            added.push_back(pv.pv)
        with nogil:
            for i in range(added.size()):
                self.server.get().add(added[i])

    def add_as(self, name, PvHandle pv not None):
        """Serves `pv` under that name, too."""
        cdef string key = bytes_of_text(name)
        if "\0" in name:
            raise ValueError(f"PV {name!r}: a name without NUL is allowed")
        claim(pv, self)
        with nogil:
            self.server.get().add(key, pv.pv)

    def remove(self, name):
        cdef string key = bytes_of_text(name)
        cdef cbool removed
        with nogil:
            removed = self.server.get().remove(key)
        return bool(removed)

    def serve_fields(self):
        """PVs have fields from now on. Call it before `start`, once."""
        self.fields = &add_fields(self.server.get().names().get()[0])

    def record_name(self, name):
        """The name of the PV that `name` may be a field of; empty if there is none."""
        cdef string record
        if self.fields == NULL:
            return ""
        record = record_name(bytes_of_text(name))
        return text_of(record.data(), record.size())

    def attach_field(self, Request request not None, PvHandle pv not None, name):
        """Makes the channel that is asked for, on the field of `pv` that `name` says.

        Returns:
            False, and nothing is done, if it has no such field.

        Raises:
            ValueError: Another server has the PV.
        """
        cdef string key = bytes_of_text(name)
        cdef PvPtr field
        if self.fields == NULL:
            return False
        claim(pv, self)
        with nogil:
            field = self.fields.field_of(pv.pv, key)
        if field.get() == NULL:
            return False
        request.attach(field)
        return True

    def set_search_by_request(self, bint on):
        self.server.get().set_search_by_request(on)

    def set_attach_by_request(self, bint on):
        self.server.get().set_attach_by_request(on)

    @property
    def beats(self):
        """Grows soon after each `ask_for_beat`, as long as the loop runs."""
        return self.server.get().beats()

    def ask_for_beat(self):
        with nogil:
            self.server.get().ask_for_beat()

    def interrupt(self):
        """Wakes those who wait in process()."""
        with nogil:
            self.server.get().requests().interrupt()

    @property
    def waits(self):
        """There are requests for the next `process`."""
        cdef size_t queued
        with nogil:
            queued = self.server.get().requests().size()
        return queued > 0 or not self.left.empty()

    def process(self, double delay, dispatcher):
        """Handles requests for `delay` seconds, or until the server is closed.

        Plain puts and gets go straight to their driver. Everything else goes to
        `dispatcher`: handle(request), write_failed(request), written(request, result),
        read_failed(request); failed(request) after an exception out of one of these;
        and once in a while turn().
        """
        cdef double wait, end = time.monotonic() + delay
        cdef vector[RequestPtr] batch
        while True:
            wait = min(max(end - time.monotonic(), 0.0), kSlice)
            if self.left.empty():
                with nogil:
                    batch = self.server.get().take(
                        self.take, nanoseconds(<long long>(wait * 1e9)))
                self.left.insert(self.left.end(), batch.begin(), batch.end())
            self.handle_all(dispatcher)
            PyErr_CheckSignals()
            dispatcher.turn(self.drain_log())
            if not self.server.get().running() or time.monotonic() >= end:
                break

    cdef handle_all(self, dispatcher):
        """Handles what was taken. What an exception leaves waits for the next call."""
        cdef bint direct = dispatcher.allows_direct()
        cdef const EngineRequest* before
        cdef RequestPtr request
        cdef size_t taken = self.left.size()
        cdef double begin = time.monotonic()
        if taken == 0:
            return
        cdef Turn turn
        self.timing.begin(&turn)
        try:
            while not self.left.empty():
                request = self.left.front()
                self.left.pop_front()
                before = swap_current_request(request.get())
                turn.request = request.get()
                try:
                    request.get().begin()
                    if direct:
                        handle_request(self, request, dispatcher)
                    else:
                        dispatcher.handle(wrapped(request))
                except Exception:
                    dispatcher.failed(wrapped(request))
                finally:
                    swap_current_request(before)
                    if self.timing.on:
                        self.timing.ended(&turn)
        finally:
            self.timing.end(&turn)
            with nogil:
                self.server.get().answer()
        self.adapt(taken, time.monotonic() - begin)

    cdef int end_of_batch(self, Data data) except -1:
        """If this is the last request, what follows is sent together."""
        # An updateValue of the program may take its time.
        if self.left.empty() and (data is None or not data.marks.own_update):
            self.server.get().hold_answers()
        return 0

    cdef void adapt(self, size_t taken, double seconds) noexcept:
        """What came meanwhile from others waits for no more than was taken."""
        if seconds > kTaken:
            self.take = max(<size_t>1, <size_t>(taken * kTaken / seconds))
        elif taken == self.take:
            self.take = min(2 * self.take, kMostTaken)

    def drain_log(self, cbool last=False):
        """[(level, text, "engine", "put" or "pva")]: the engine's messages.

        `last`: also how many were left out of late.
        """
        cdef vector[LogRecord] records = self.server.get().log().drain(last)
        return [(<int>records[i].level, records[i].text.decode(errors="replace"),
                 "put" if records[i].topic == LogTopic.Put else
                 "pva" if records[i].topic == LogTopic.Pva else "engine")
                for i in range(records.size())]


@cython.final
cdef class Bell:
    """Can be read when there are requests, once it hangs: for who must not wait."""

    def __init__(self, Server server not None):
        self.server = server
        self.waker = make_shared[Waker]()

    def fileno(self):
        return <int>self.waker.get().fd()

    def clear(self):
        """It cannot be read until there is something new."""
        self.waker.get().on_io(True, False)

    def ring(self):
        self.waker.get().wake()

    def hang(self):
        self.server.bell = self
        with nogil:
            hang_bell(self.server.server.get().requests(), self.waker)

    def take_down(self):
        """Unless another one hangs there by now."""
        if self.server.bell is not self:
            return
        self.server.bell = None
        with nogil:
            take_bell_down(self.server.server.get().requests())


cdef int handle_request(Server me, const RequestPtr& request, dispatcher) except -1:
    cdef PvHandle pv = handle_of(request.get().pv)
    cdef RequestKind kind = request.get().kind
    if pv is None or pv.way is None or pv.data_ == NULL:
        dispatcher.handle(wrapped(request))
    elif (kind == RequestKind.Write and pv.marks.plain_write
            and not request.get().trapped
            and not is_acknowledgement(request.get().dbr_type)):
        write(me, request, pv, dispatcher)
    elif kind == RequestKind.Read and pv.marks.plain_read:
        read(me, request, pv, dispatcher)
    else:
        dispatcher.handle(wrapped(request))
    return 0


cdef int write(Server me, const RequestPtr& request, PvHandle pv, dispatcher) except -1:
    """A put that needs nothing but driver.write and the post after it."""
    cdef Data data
    driver, reason = pv.way.driver, pv.info.reason    # held while they run
    try:
        value = value_of(request.get().value.get()[0])
        result = driver.write(reason, value)
    except Exception:
        dispatcher.write_failed(wrapped(request))
    except BaseException:     # Ctrl-C
        request.get().complete(ECA_PUTFAIL)
        raise
    else:
        if result is True or result is None:
            data = data_linked_to(pv)
            me.end_of_batch(data)
            if data is not None:
                data.post_now(False)
            request.get().complete(ECA_NORMAL)
        else:
            dispatcher.written(wrapped(request), result)
    return 0


cdef int read(Server me, const RequestPtr& request, PvHandle pv, dispatcher) except -1:
    """A get that needs nothing but driver.read; that is scanned needs not even this."""
    cdef Data data = data_linked_to(pv)
    cdef SnapshotPtr made
    driver, reason = pv.way.driver, pv.info.reason    # held while they run
    try:
        value = data.value if pv.info.fields.scanned else driver.read(reason)
        data = data_linked_to(pv)
        if type(value) is CoroutineType:
            dispatcher.read_later(wrapped(request), pv, value)
        elif value is None:
            dispatcher.read_failed(wrapped(request), "read returned None")
        elif data is None:
            dispatcher.read_failed(wrapped(request), "it has no parameter any more")
        else:
            made = data.read_result(pv, value)
            me.end_of_batch(data)
            request.get().complete(ECA_NORMAL, made)
    except Exception:
        dispatcher.read_failed(wrapped(request))
    except BaseException:     # Ctrl-C
        request.get().complete(ECA_GETFAIL)
        raise
    return 0
