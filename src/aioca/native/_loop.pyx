# distutils: language = c++
"""Event loops: the queue that libca's threads fill, and who receives its events.

One `Loop` per asyncio event loop. It drains the whole queue in one go: channels that
connected, requests that are finished, monitors with updates.
"""

import logging
import threading
from _thread import start_new_thread
from asyncio import current_task, get_running_loop
from heapq import heapify, heappop, heappush
from time import monotonic

from cpython.contextvars cimport PyContext_Enter, PyContext_Exit
from cpython.ref cimport PyObject
from libcpp.vector cimport vector

from aioca.native._context cimport attach, message
from aioca.native._cpp.process cimport enlist, has_ended, process, unlist
from aioca.native._cpp.queue cimport Complaint, Queue

from aioca._errors import CANothing
from aioca.native._context import loops

cdef extern from "Python.h":
    int Py_AddPendingCall(int (*function)(void*) noexcept, void* argument) nogil
    Py_ssize_t Py_REFCNT(PyObject*)
    unsigned long PyThread_get_thread_ident() nogil

cdef str NO_LOOP = ("no running event loop: call this in a coroutine, and run that "
                    "with asyncio.run()")
# Two flushes that are closer than this become one.
cdef double FLUSH_SECONDS = 20e-6
# The channels of a closed loop are kept that long for the one that comes after.
cdef double KEEP_SECONDS = 2.0

log = logging.getLogger("aioca")
cdef Loop latest = None


cdef class Sink:
    """What a loop's queue may name as ready."""

    cdef int on_ready(self) except -1:
        raise NotImplementedError


cdef class Loop:
    """The channels and the queue of one asyncio event loop."""

    def __cinit__(self):
        self.queue = new Queue(process().api, process().nodes)

    def __init__(self, loop):
        self.loop = loop
        self.note_thread()
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
        # Channels and requests that libca still holds keep the queue.
        if self.queue != NULL:
            unlist(self.queue)
            self.queue.close()
            self.queue.let_go()

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
            # One that has no reference left is being freed: it is gone.
            if Py_REFCNT(<PyObject*> owners[i]) > 0:
                ready.append(<object> owners[i])
        cdef int done = 0
        self.draining = True
        try:
            for item in ready:
                done += 1
                # What the last one sends has nothing to wait for.
                if done == len(ready) and not self.touched:
                    self.draining = False
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
        cdef int done = 0
        try:
            for request in touched:
                done += 1
                request.submit_ready()
        finally:
            if done < len(touched):  # its caller went on, and ends the program
                self.touched = touched[done:] + self.touched
                self.loop.call_soon(self.drain)
            if self.flush_scheduled:
                self.flush()
        return 0

    cdef int resume(self, object future) except -1:
        """Finishes a future. A task that waits for just this continues here and now.

        The loop would come to it in its next turn, which costs as much as all the rest.
        """
        waiting = getattr(future, "_callbacks", None)
        if not waiting or len(waiting) != 1 or current_task(self.loop) is not None:
            future.set_result(None)
            return 0
        callback, context = waiting[0]
        future.remove_done_callback(callback)
        future.set_result(None)
        call_in(context, callback, future)
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
        """Logs a failure that no caller awaits.

        The loop's exception handler, if the program has set one, gets those of a PV.
        The default one would only log the same again.
        """
        name = complaint.channel.decode(errors="replace")
        context = complaint.context.decode(errors="replace")
        text = message(complaint.status)
        if not name:
            log.warning("%s (%s)", text, context)
            return
        log.error("%s: %s (%s)", name, text, context)
        if self.loop.get_exception_handler() is not None:
            self.loop.call_exception_handler({
                "message": (
                    f"Channel Access request to {name} failed: {text} ({context})"),
                "exception": CANothing(name, complaint.status),
            })

    def purge_soon(self):
        """Like `purge`, from any thread: a loop of another does it in its turn."""
        if not self.is_of_another_thread():
            self.purge()
            return
        try:
            self.loop.call_soon_threadsafe(self.purge)
        except RuntimeError:    # closed meanwhile
            self.dispose()

    cdef int note_thread(self) except -1:
        self.thread = threading.current_thread()
        self.thread_id = PyThread_get_thread_ident()
        return 0

    cdef bint is_of_another_thread(self) except -1:
        if self.thread_id == PyThread_get_thread_ident():
            return False
        return self.loop.is_running() or self.thread.is_alive()

    def purge(self):
        """Closes every subscription and channel. Pending requests fail."""
        attach()
        channels = list(self.channels.values())
        self.channels.clear()
        for channel in channels:
            channel.close()
        if not has_ended():
            process().api.ca_flush_io()

    def stop_listening(self):
        """From here on nothing of libca's reaches the loop."""
        self.queue.close()
        self.queue.waker.stop()

    cpdef int dispose(self) except -1:
        """Forgets the loop, which is closed."""
        global latest
        loops.pop(self.loop, None)
        if latest is self:
            latest = None
        unlist(self.queue)
        if not has_ended():
            self.purge()
        self.stop_listening()
        self.requests.clear()
        self.deadlines.clear()
        return 0


cdef Loop current_loop():
    """The state of the running event loop; attaches its thread to the CA context."""
    global latest
    cdef Loop state
    try:
        loop = get_running_loop()
    except RuntimeError:
        raise RuntimeError(NO_LOOP) from None
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
    if state.thread_id != PyThread_get_thread_ident():
        state.note_thread()     # a loop may be run by another thread than before
    attach()
    return state


cdef object call_in(object context, object function, object argument):
    """What ``context.run`` does."""
    PyContext_Enter(context)
    try:
        return function(argument)
    finally:
        PyContext_Exit(context)


def running_loop():
    """The `Loop` of the running event loop."""
    return current_loop()


def known_loops():
    """Every `Loop` there is."""
    return list(loops.values())


def live_objects():
    """How many channels, requests and subscriptions libca or a loop still holds."""
    return process().nodes.load()


def dispose_closed(int keep=0):
    """Gives up the channels of loops that have been closed, but for the newest ones."""
    # Other threads may come with new ones meanwhile.
    closed = [state for state in list(loops.values()) if state.loop.is_closed()]
    for state in closed[:len(closed) - keep]:
        (<Loop> state).dispose()


cdef void on_neglect() noexcept nogil:
    """A libca thread found a queue that has not been drained for a while."""
    Py_AddPendingCall(look_for_closed, NULL)


cdef int look_for_closed(void* unused) noexcept:
    # This is the main thread, at any point of the program and with whatever CA context
    # it has: the work is done in a thread that has ours.
    try:
        start_new_thread(dispose_neglected, ())
    except Exception:
        pass    # no more threads can be made; the next update comes here again
    return 0


def dispose_neglected():
    """Gives up the channels of closed loops. Runs in a separate thread."""
    try:
        dispose_closed()
        if not has_ended():
            process().api.ca_detach_context()
    except Exception:
        log.exception("while giving up a closed event loop")
