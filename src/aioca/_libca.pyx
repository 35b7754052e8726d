# distutils: language = c++
"""Event loops, channels and the CA context on libca.

One `Loop` per asyncio event loop holds its channels and the queue that libca's threads
fill. It drains the whole queue in one go: channels that connected, requests that are
finished, monitors with updates.
"""

import asyncio
import atexit
import logging
import os
import threading
import warnings
from asyncio import get_running_loop
from heapq import heapify, heappop, heappush
from time import monotonic

from libcpp.vector cimport vector

from aioca._native cimport (
    Complaint,
    Node,
    Process,
    ca_enable_preemptive_callback,
    close_channel,
    has_ended,
    load_api,
    open_channel,
    process,
    process_pointer,
)
from aioca._values cimport Plan, attributes_for, set_tables

from aioca import _epics
from aioca._errors import CANothing

cdef extern from "Python.h":
    int Py_AddPendingCall(int (*function)(void*) noexcept, void* argument) nogil

cdef extern from * namespace "aioca":
    """
    #include "aioca/calls.hpp"
    namespace aioca {
    inline void install_exception_handler() {
        process().api.ca_add_exception_event(on_exception, nullptr);
    }
    inline void unlist(Queue* queue) {
        std::lock_guard<std::mutex> guard(process().mutex);
        std::erase(process().queues, queue);
    }
    inline void enlist(Queue* queue, NeglectHook on_neglect) {
        queue->on_neglect = on_neglect;
        std::lock_guard<std::mutex> guard(process().mutex);
        process().queues.push_back(queue);
    }
    }
    """
    void install_exception_handler() nogil
    void unlist(Queue*) nogil
    void enlist(Queue*, void (*hook)() noexcept nogil) nogil

# Two flushes that are closer than this become one.
cdef double FLUSH_SECONDS = 20e-6
# The channels of a closed loop are kept that long for the one that comes after.
cdef double KEEP_SECONDS = 2.0

log = logging.getLogger("aioca")
cdef dict loops = {}
cdef Loop latest = None
cdef bint owns_context = False
cdef bint main_attached = False     # its thread has had the context
creation = threading.Lock()


# ---- the CA context ----------------------------------------------------------------

cdef int load() except -1:
    """Opens the libca that epicscorelibs ships; every user of it gets the same one."""
    (&process_pointer())[0] = new Process()
    problem = load_api(
        process().api,
        os.fsencode(_epics.library_path("Com")),
        os.fsencode(_epics.library_path("ca")),
    )
    if not problem.empty():
        raise ImportError(problem.decode(errors="replace"))
    set_tables(process().api.value_size, process().api.value_offset)
    return 0


cdef Process* shared_process() noexcept:
    """The state that all extension modules of this package share."""
    return process_pointer()


cpdef int attach() except -1:
    """Lets the calling thread use the process' CA context, made on first use."""
    cdef int status
    if has_ended():
        raise RuntimeError("Channel Access has ended with the program")
    current = process().api.ca_current_context()
    if process().context != NULL and current == process().context:
        return 0
    if process().context == NULL:
        with creation:
            make_context()
        current = process().api.ca_current_context()
        if current == process().context:
            return 0
    if current != NULL:
        warnings.warn(
            "There is already a CA context for this thread. It is replaced by the one "
            "that aioca uses.",
            stacklevel=2,
        )
        process().api.ca_detach_context()
    status = process().api.ca_attach_context(process().context)
    if status != 1:
        raise CANothing("CA context", status)
    note_main_thread()
    return 0


cdef int note_main_thread() except -1:
    global main_attached
    if threading.current_thread() is threading.main_thread():
        main_attached = True
    return 0


cdef int make_context() except -1:
    global owns_context
    cdef int status
    if process().context != NULL:
        return 0
    context = process().api.ca_current_context()
    if context == NULL:
        with nogil:
            status = process().api.ca_context_create(
                ca_enable_preemptive_callback)
        if status != 1:
            raise CANothing("CA context", status)
        context = process().api.ca_current_context()
        owns_context = True
    process().context = context
    note_main_thread()
    install_exception_handler()
    atexit.register(end_process)
    return 0


def end_process():
    """Exit of the interpreter: libca's threads stop before Python does."""
    if process().ended.exchange(True):
        return
    for loop in list(loops.values()):
        (<Loop> loop).queue.close()
        (<Loop> loop).queue.waker.stop()
    # pyepics, if it came after, has just destroyed the context that it shared.
    if main_attached and process().api.ca_current_context() == NULL:
        return
    # A thread that is in libca now would be pulled down with the context.
    if owns_context and process().circuits.busy() == 0 and not loops_elsewhere():
        if process().api.ca_current_context() != process().context:
            process().api.ca_detach_context()
            process().api.ca_attach_context(process().context)
        with nogil:
            process().api.ca_context_destroy()


cdef bint loops_elsewhere() except *:
    """Whether another thread, a daemon, has a loop that may go on just now."""
    here = threading.current_thread()
    return any(loop.thread is not here and loop.thread.is_alive()
               for loop in list(loops.values()))


def message(status):
    """libca's text for an ECA status."""
    return process().api.ca_message(status).decode(errors="replace")


def protocol_version():
    """The version of the Channel Access protocol that libca speaks."""
    return process().api.ca_version().decode()


def set_priority(unsigned priority):
    """The priority, 0 to 99, of the circuits of channels opened from now on."""
    process().priority = priority


def print_status(unsigned level):
    """Lets libca print the state of its context to the standard output."""
    attach()
    with nogil:
        process().api.ca_client_status(level)


# ---- loops -------------------------------------------------------------------------

cdef class Sink:
    """What a loop's queue may name as ready."""

    cdef int on_ready(self) except -1:
        raise NotImplementedError


cdef class Loop:
    """The channels and the queue of one asyncio event loop."""

    def __cinit__(self):
        self.queue = new Queue(process().api)

    def __init__(self, loop):
        self.loop = loop
        self.thread = threading.current_thread()
        self.channels = {}
        self.requests = set()
        self.touched = []
        self.left_over = []
        self.deadlines = []
        enlist(self.queue, on_neglect)
        try:
            descriptor = self.queue.waker.descriptor()
            if descriptor < 0:
                raise NotImplementedError
            loop.add_reader(descriptor, self.drain)
        except NotImplementedError:
            self.queue.waker.close()
            self.relay = threading.Thread(
                target=self.pass_on_wake_ups, name="aioca", daemon=True)
            self.relay.start()

    def __dealloc__(self):
        # Channels and requests of a disposed loop that libca still holds keep the
        # queue: it is then left to the end of the process.
        if self.queue != NULL and self.queue.closed and self.queue.nodes == 0:
            del self.queue

    def pass_on_wake_ups(self):
        """Thread of a loop that cannot watch a descriptor."""
        cdef bint alive = True
        cdef Queue* queue = self.queue
        while alive:
            with nogil:
                alive = queue.waker.wait()
            if alive:
                try:
                    self.loop.call_soon_threadsafe(self.drain)
                except RuntimeError:  # the loop is closed
                    return

    def drain(self):
        """Handles all that libca's threads have queued. Runs in the loop."""
        cdef vector[void*] owners
        cdef vector[Complaint] complaints
        cdef list ready = self.left_over
        cdef size_t i
        self.left_over = []
        self.queue.take(owners, complaints)
        for i in range(owners.size()):
            ready.append(<object> owners[i])
        cdef int done = 0
        self.draining = True
        try:
            for item in ready:
                done += 1
                (<Sink> item).on_ready()
        finally:
            self.draining = False
            if done < len(ready):  # an exception that ends the program, perhaps
                self.left_over = ready[done:]
                self.loop.call_soon(self.drain)
            self.submit_touched()
        for i in range(complaints.size()):
            self.complain(complaints[i])

    cdef int submit_touched(self) except -1:
        touched, self.touched = self.touched, []
        for request in touched:
            request.submit_ready()
        if self.flush_scheduled:
            self.flush()
        return 0

    # Deadlines of requests. One timer serves all of them: most requests are finished
    # long before their time, and a timer of the event loop's is not cheap.

    cdef int add_deadline(self, Sink request, double patience) except -1:
        """Calls the request's ``on_timeout`` unless it retires before."""
        self.deadline_count += 1
        when = self.loop.time() + patience
        if len(self.deadlines) > 64 + 2 * len(self.requests):
            self.deadlines = [one for one in self.deadlines if one[2] in self.requests]
            heapify(self.deadlines)
        heappush(self.deadlines, (when, self.deadline_count, request))
        if self.alarm is None or when < self.alarm_at:
            self.set_alarm()
        return 0

    cdef int set_alarm(self) except -1:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.deadlines:
            self.alarm_at = self.deadlines[0][0]
            self.alarm = self.loop.call_at(self.alarm_at, self.on_alarm)
        return 0

    def on_alarm(self):
        """The time of one request or more is over."""
        self.alarm = None
        now = self.loop.time() + 1e-4
        while self.deadlines:
            when, _, request = self.deadlines[0]
            if request in self.requests and when > now:
                break
            heappop(self.deadlines)
            if request in self.requests:
                request.on_timeout()
        self.set_alarm()

    cdef int touch(self, Sink request) except -1:
        """Requests whose channels connected are sent together, after the drain."""
        if not self.touched or self.touched[len(self.touched) - 1] is not request:
            self.touched.append(request)
        return 0

    cdef int want_flush(self) except -1:
        """Flushes now, or once for all that is sent shortly after one another."""
        if self.flush_scheduled:
            return 0
        if self.draining:
            self.flush_scheduled = True
            return 0
        now = monotonic()
        if now - self.last_flush < FLUSH_SECONDS:
            self.flush_scheduled = True
            self.loop.call_soon(self.flush)
            return 0
        self.last_flush = now
        process().api.ca_flush_io()
        return 0

    def flush(self):
        """Sends what libca has collected."""
        self.flush_scheduled = False
        self.last_flush = monotonic()
        with nogil:
            process().api.ca_flush_io()

    cdef complain(self, Complaint& complaint):
        """Logs a failure that nobody waits for; puts also reach the loop's handler."""
        name = complaint.channel.decode(errors="replace")
        context = complaint.context.decode(errors="replace")
        text = message(complaint.status)
        if not name:
            log.warning("%s (%s)", text, context)
            return
        log.error("%s: %s (%s)", name, text, context)
        self.loop.call_exception_handler({
            "message": f"Channel Access request to {name} failed: {text} ({context})",
            "exception": CANothing(name, complaint.status),
        })

    cdef Channel channel(self, str name):
        """The channel of that name, opened if there is none yet."""
        found = self.channels.get(name)
        if found is None:
            found = Channel(self, name)
            self.channels[name] = found
            self.want_flush()
        return <Channel> found

    def get_channel(self, str name):
        """The channel of that name, opened if there is none yet."""
        return self.channel(name)

    def purge(self):
        """Closes every subscription and channel. Requests under way fail."""
        attach()
        channels = list(self.channels.values())
        self.channels.clear()
        for channel in channels:
            (<Channel> channel).close()
        if not has_ended():
            process().api.ca_flush_io()

    cpdef int dispose(self) except -1:
        """Forgets the loop, which is closed."""
        global latest
        loops.pop(self.loop, None)
        if latest is self:
            latest = None
        unlist(self.queue)
        if not has_ended():
            self.purge()
        self.queue.close()
        self.queue.waker.stop()
        self.requests.clear()
        return 0


cdef Loop current_loop():
    """The state of the running event loop; attaches its thread to the CA context."""
    global latest
    loop = get_running_loop()
    state = latest
    if state is None or state.loop is not loop:
        state = loops.get(loop)
        if state is None:
            # The newest one's channels keep their circuits until this loop has its own:
            # libca can take 10 s to come back to a server that it has just left.
            dispose_closed(keep=1)
            attach()
            state = loops[loop] = Loop(loop)
            loop.call_later(KEEP_SECONDS, dispose_closed)
        latest = state
    attach()
    return state


def running_loop():
    """The `Loop` of the running event loop."""
    return current_loop()


def known_loops():
    """Every `Loop` there is."""
    return list(loops.values())


def live_objects():
    """How many channels, requests and subscriptions libca or a loop still holds."""
    return sum((<Loop> state).queue.nodes.load() for state in loops.values())


def dispose_closed(int keep=0):
    """Gives up the channels of loops that have been closed, but for the newest ones."""
    # Other threads may come with new ones meanwhile.
    closed = [state for state in list(loops.values()) if state.loop.is_closed()]
    for state in closed[:len(closed) - keep]:
        (<Loop> state).dispose()


cdef void on_neglect() noexcept nogil:
    """A libca thread found a queue that nobody has drained for a while."""
    Py_AddPendingCall(look_for_closed, NULL)


cdef int look_for_closed(void* unused) noexcept:
    try:
        dispose_closed()
    except Exception:
        log.exception("while giving up a closed event loop")
    return 0


# ---- channels ----------------------------------------------------------------------

cdef class Channel(Sink):
    """A PV as one event loop sees it. Lives until the caches are purged."""

    def __cinit__(self, Loop owner, str name):
        self.owner = owner
        self.native = new NativeChannel(owner.queue)

    def __init__(self, Loop owner, str name):
        cdef bytes encoded = name.encode()
        cdef const char* text = encoded
        cdef int status
        self.name = name
        self.long_string = name.endswith("$")
        self.native_type = -1
        self.element_count = 0
        self.waiters = {}
        self.subscriptions = set()
        self.watchers = set()
        (<Node*> self.native).owner = <void*> self
        with nogil:
            status = open_channel(self.native, text)
        if status != 1:
            self.forget()
            raise _epics.cadef.CAException(status, _epics.cadef.ca_create_channel)

    def __dealloc__(self):
        self.forget()

    cdef void forget(self) noexcept:
        cdef NativeChannel* native = self.native
        self.native = NULL
        if native != NULL and not has_ended():
            with nogil:
                close_channel(native)

    def close(self):
        """Gives the channel up, with its subscriptions."""
        for subscription in list(self.subscriptions):
            subscription.close()
        self.is_connected = False
        self.forget()
        for watcher in list(self.watchers):
            watcher(self)

    cdef int on_ready(self) except -1:
        """The connection or the access rights changed."""
        if self.native == NULL:
            return 0
        self.owner.queue.mutex.lock()
        connected = self.native.connected
        self.readable = self.native.readable
        self.writable = self.native.writable
        native_type = self.native.native_type
        element_count = self.native.element_count
        self.owner.queue.mutex.unlock()
        self.is_connected = connected
        if connected:
            self.attributes_plan = None
            self.native_type = native_type
            self.element_count = element_count
            waiters, self.waiters = self.waiters, {}
            for request, indices in waiters.items():
                request.channels_up(indices)
                self.owner.touch(request)
            for subscription in list(self.subscriptions):
                subscription.on_connected()
        for watcher in list(self.watchers):
            watcher(self)
        return 0

    cdef dict attributes_of(self, Plan plan):
        """The attributes that this channel's values have."""
        if self.attributes_plan is not plan:
            self.attributes = attributes_for(plan, self.name, self.element_count)
            self.attributes_plan = plan
        return self.attributes

    # What programs use of a channel.

    def connected(self):
        """Whether the PV is connected now."""
        return self.is_connected

    async def wait(self):
        """Waits until the PV is connected."""
        connected = asyncio.Event()

        def look(channel):
            if channel.connected():
                connected.set()

        self.add_watcher(look)
        try:
            look(self)
            await connected.wait()
        finally:
            self.remove_watcher(look)

    def count_subscriptions(self):
        """Number of open subscriptions."""
        return sum(1 for one in self.subscriptions if one.state == one.OPEN)

    @property
    def access(self):
        """``(readable, writable)`` as the server granted it last."""
        return bool(self.readable), bool(self.writable)

    @property
    def host(self):
        """Name and port of the server, or None if there is no connection."""
        cdef char text[256]
        if not self.is_connected or self.native == NULL:
            return None
        process().api.ca_get_host_name(self.native.id, text, sizeof(text))
        return (<bytes> text).decode(errors="replace")

    @property
    def _as_parameter_(self):
        """libca's channel id, for calls through epicscorelibs.ca.cadef."""
        if self.native == NULL:
            raise AttributeError("_as_parameter_")
        return <size_t> self.native.id

    def add_watcher(self, watcher):
        """Calls ``watcher(channel)`` in the loop whenever something changed."""
        self.watchers.add(watcher)

    def remove_watcher(self, watcher):
        """Undoes `add_watcher`."""
        self.watchers.discard(watcher)


load()
