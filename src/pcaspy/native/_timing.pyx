# distutils: language = c++
# cython: nonecheck=True
"""How long the reads and writes of drivers take, and which of them run just now."""

cimport cython
from libcpp.string_view cimport string_view

from pcaspy.native._cpp.inspection cimport steady_seconds
from pcaspy.native._cpp.request cimport EngineRequest, RequestKind
from pcaspy.native._cpp.text cimport text_of
from pcaspy.native._request cimport identity

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef double kSlow = 0.1
SLOW = kSlow    # seconds from which on a call is a slow one


@cython.final
cdef class Timing:
    """Of the requests of one Server. Off, it costs them nothing but a look at that.

    The GIL guards it.
    """

    def start(self):
        """From now on `longest` says how long the longest call of a driver took."""
        self.on = True

    def note(self, double seconds):
        """A call of a driver that is not for a request has taken so long."""
        if seconds > self.longest:
            self.longest = seconds

    def running(self):
        """Calls that run for 0.05 s or more: (number, thread, PV, call, client, since).

        `call` is "write" or "read", `client` as `Request.client`, `since` a time of
        time_now().
        """
        cdef Turn* turn = self.turns
        if turn == NULL or not self.on:
            return []
        cdef double now = steady_seconds()
        found = []
        while turn != NULL:
            if now - turn.since >= 0.05 and is_call(turn.request):
                found.append((*call_of(turn), turn.since))
            turn = turn.outer
        return found

    def forget_threads(self):
        """In the child of a fork: only this one is left."""
        cdef unsigned long me = PyThread_get_thread_ident()
        cdef Turn** at = &self.turns
        while at[0] != NULL:
            if at[0].thread == me:
                at = &at[0].outer
            else:
                at[0] = at[0].outer

    cdef void begin(self, Turn* turn) noexcept:
        """A thread begins to handle requests."""
        turn.request = NULL
        turn.thread = PyThread_get_thread_ident()
        turn.since = steady_seconds()
        self.last += 1
        turn.number = self.last
        turn.outer, self.turns = self.turns, turn

    cdef void end(self, Turn* turn) noexcept:
        cdef Turn** at = &self.turns
        while at[0] != turn:
            at = &at[0].outer
        at[0] = turn.outer

    cdef ended(self, Turn* turn):
        """A request is handled, if that is on; the next one begins now."""
        cdef double now = steady_seconds()
        cdef double took = now - turn.since
        if (took > self.longest or took >= kSlow) and is_call(turn.request):
            self.longest = max(self.longest, took)
            if took >= kSlow and self.slow is not None:
                self.slow(*call_of(turn), took)
            now = steady_seconds()
        turn.request = NULL
        turn.since = now
        self.last += 1
        turn.number = self.last


def time_now():
    """Seconds of the clock that calls are timed by."""
    return steady_seconds()


cdef bint is_call(const EngineRequest* request) noexcept:
    """Of a driver, or of a PV."""
    return (request != NULL and request.pv.get() != NULL
            and (request.kind == RequestKind.Write
                 or request.kind == RequestKind.Read))


cdef tuple call_of(Turn* turn):
    """(number, thread, PV, call, client) of what `turn` handles."""
    cdef const EngineRequest* request = turn.request
    cdef string_view name = request.pv.get().name()
    return (turn.number, turn.thread, text_of(name.data(), name.size()),
            "write" if request.kind == RequestKind.Write else "read",
            identity(request.client))
