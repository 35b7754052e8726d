# distutils: language = c++
"""Channels: a PV as one event loop sees it, and who waits for its connection."""

import asyncio

from aioca.native._cpp.calls cimport close_channel, open_channel
from aioca.native._cpp.channel cimport ChannelState, NativeChannel, state_of
from aioca.native._cpp.db_access cimport ECA_NORMAL
from aioca.native._cpp.process cimport has_ended, process
from aioca.native._cpp.queue cimport Node
from aioca.native._loop cimport Loop, Sink
from aioca.native._plan cimport Plan, attributes_for

from aioca import _epics
from aioca._errors import CANothing, CARefused

cdef extern from *:
    """
    static inline PyObject* new_exception(PyObject* type, PyObject* args) {
        return ((PyTypeObject*) type)->tp_new((PyTypeObject*) type, args, NULL);
    }
    """
    object new_exception(object type, tuple args)

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()


cdef class Channel(Sink):
    """A PV as one event loop sees it. Lives until the caches are purged."""

    def __cinit__(self, Loop owner not None, str name not None):
        self.owner = owner
        self.native = new NativeChannel(owner.queue)

    def __init__(self, Loop owner not None, str name not None):
        cdef bytes encoded = name.encode()
        cdef const char* text = encoded
        cdef int status
        self.name = name
        self.only_name = (name,)
        self.long_string = name.endswith("$")
        self.native_type = -1
        self.element_count = 0
        self.waiters = {}
        self.subscriptions = set()
        self.watchers = set()
        (<Node*> self.native).owner = <void*> self
        with nogil:
            status = open_channel(self.native, text)
        if status != ECA_NORMAL:
            self.forget()
            error = CARefused(name, status, "ca_create_channel")
            error.reason = "libca takes no such name: it is empty or too long"
            raise error

    def __dealloc__(self):
        self.forget()

    cdef void forget(self) noexcept:
        cdef NativeChannel* native = self.native
        self.native = NULL
        if native == NULL:
            return
        (<Node*> native).queue.disown(native)
        if not has_ended():
            with nogil:
                close_channel(native)

    def close(self):
        """Gives the channel up, with its subscriptions."""
        for subscription in list(self.subscriptions):
            subscription.close()
        self.is_connected = False
        self.forget()
        if not self.owner.loop.is_closed():
            self.tell_watchers()

    cdef int tell_watchers(self) except -1:
        for watcher in list(self.watchers):
            try:
                watcher(self)
            except Exception as error:
                self.owner.loop.call_exception_handler({
                    "message": f"a watcher of {self.name} failed",
                    "exception": error,
                })
        return 0

    cdef int on_ready(self) except -1:
        """The connection or the access rights changed."""
        if self.native == NULL:
            return 0
        cdef ChannelState state = state_of(self.native)
        self.readable = state.readable
        self.writable = state.writable
        self.is_connected = state.connected
        if state.connected:
            self.attributes_plan = None
            self.native_type = state.native_type
            self.element_count = state.element_count
            self.come_up()
        self.tell_watchers()
        return 0

    cdef int come_up(self) except -1:
        self.is_connected = True
        waiters, self.waiters = self.waiters, {}
        for request, indices in waiters.items():
            request.channels_up(indices)
            self.owner.touch(request)
        for subscription in list(self.subscriptions):
            subscription.on_connected()
        return 0

    def on_ca_connect_(self, op):
        """Notifies the loop's side that the connection came or was lost (``CA_OP``)."""
        if op not in (_epics.cadef.CA_OP_CONN_UP, _epics.cadef.CA_OP_CONN_DOWN):
            raise AssertionError(f"no connection event: {op!r}")
        if op == _epics.cadef.CA_OP_CONN_UP:
            self.come_up()
        else:
            self.is_connected = False
            for subscription in list(self.subscriptions):
                subscription.on_disconnected()

    cdef dict attributes_of(self, Plan plan):
        """The attributes that this channel's values have."""
        if self.attributes_plan is not plan:
            self.attributes = attributes_for(plan, self.name, self.element_count)
            self.attributes_plan = plan
        return self.attributes

    cdef object success(self):
        """The result of an operation that gives no value. Its name is its argument."""
        # No garbage: it does not start Python's collector, see `decode`.
        cdef bint collecting = PyGC_Disable()
        try:
            return new_exception(CANothing, self.only_name)
        finally:
            if collecting:
                PyGC_Enable()

    # What programs use of a channel.

    def __repr__(self):
        state = f"connected to {self.host}" if self.is_connected else "not connected"
        return f"<Channel {self.name} {state}>"

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
        """``(readable, writable)`` as the server grants it now; neither without one."""
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


cdef Channel channel_of(Loop loop, str name):
    """The channel of that name, opened if there is none yet."""
    found = loop.channels.get(name)
    if found is None:
        found = Channel(loop, name)
        loop.channels[name] = found
        loop.want_flush()
    return <Channel> found


def get_channel(Loop loop not None, str name not None):
    """The channel of that name, opened if there is none yet."""
    return channel_of(loop, name)
