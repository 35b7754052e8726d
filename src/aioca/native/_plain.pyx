# distutils: language = c++
"""Channel Access for a program that has nothing to do while it waits: the commands.

No event loop and no numpy. Channels, requests and subscriptions are those of
ext/client, which the rest of this package has as well; here the one thread of the
program waits for their queue. Ctrl-C ends the wait.
"""

import sys
from time import monotonic

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t
from libcpp.vector cimport vector

from aioca.native._context cimport attach, message
from aioca.native._cpp.batch cimport (
    Batch,
    Operation,
    Slot,
    abandon,
    look_at_slots,
    mark_submitted,
    progress_of,
    take_lost,
)
from aioca.native._cpp.block cimport Block, free_block
from aioca.native._cpp.calls cimport (
    close_channel,
    close_monitor,
    open_channel,
    submit,
    subscribe,
)
from aioca.native._cpp.channel cimport (
    ChannelState,
    NativeChannel,
    NativeMonitor,
    state_of,
)
from aioca.native._cpp.db_access cimport ECA_NORMAL, ECA_TIMEOUT
from aioca.native._cpp.process cimport enlist, has_ended, process, unlist
from aioca.native._cpp.queue cimport Complaint, Node, Queue
from aioca.native._cpp.waker cimport milliseconds
from aioca.native._plain_values cimport fill, value_in

from aioca.native._plain_values import Failure

# The longest wait without a look at signals: another thread may have got one.
cdef double LONGEST_WAIT = 0.5


cdef class Channel:
    """A PV, from `Client.channel`."""

    cdef NativeChannel* native
    cdef readonly str name
    cdef readonly bint connected, readable, writable
    cdef readonly int native_type
    cdef readonly unsigned long element_count
    cdef list subscriptions

    def __cinit__(self, Client client not None, str name not None):
        self.native = new NativeChannel(client.queue)
        (<Node*> self.native).owner = <void*> self
        self.name = name
        self.native_type = -1
        self.subscriptions = []
        cdef bytes encoded = name.encode()
        cdef const char* text = encoded
        cdef int status
        with nogil:
            status = open_channel(self.native, text)
        if status != ECA_NORMAL:
            raise Failure(name, status)

    def __dealloc__(self):
        cdef NativeChannel* native = self.native
        self.native = NULL
        if native == NULL:
            return
        (<Node*> native).queue.disown(native)
        if not has_ended():
            with nogil:
                close_channel(native)

    cdef int look(self) except -1:
        """The connection or the access rights changed."""
        cdef ChannelState state = state_of(self.native)
        self.connected = state.connected
        self.readable = state.readable
        self.writable = state.writable
        if state.connected:
            self.native_type = state.native_type
            self.element_count = state.element_count
            for one in self.subscriptions:
                (<Subscription> one).follow()
        return 0

    @property
    def host(self):
        """Name and port of the server."""
        cdef char text[256]
        process().api.ca_get_host_name(self.native.id, text, sizeof(text))
        return (<bytes> text).decode(errors="replace")


cdef class Subscription:
    """Every update of a PV, in order, and that its connection is lost.

    From `Client.subscribe`.
    """

    cdef NativeMonitor* native
    cdef Client client
    cdef readonly Channel channel
    cdef long type, mask
    cdef unsigned long count

    def __dealloc__(self):
        self.forget()

    cdef void forget(self) noexcept:
        cdef NativeMonitor* native = self.native
        self.native = NULL
        if native == NULL:
            return
        (<Node*> native).queue.disown(native)
        if not has_ended():
            with nogil:
                close_monitor(native)

    cdef int start(self) except -1:
        cdef NativeMonitor* native
        self.forget()
        native = self.native = new NativeMonitor(self.channel.native)
        native.set_wishes(True, True)
        (<Node*> native).owner = <void*> self
        with nogil:
            subscribe(native, self.type, self.count, self.mask)
        return self.client.flush()

    cdef int follow(self) except -1:
        """The PV is back. With another type or size libca has to be asked again."""
        if self.native.stale.load():
            self.start()
        return 0

    def take(self):
        """What arrived since the last call, the oldest first; failures among it."""
        cdef list taken = []
        cdef Block* block = self.native.take_oldest()
        while block != NULL:
            try:
                taken.append(value_in(block, self.type, self.channel.name))
            finally:
                free_block(block)
            block = self.native.take_oldest()
        return taken


cdef class Client:
    """The channels of a program. All calls come from one thread."""

    cdef Queue* queue
    cdef dict channels
    cdef list changed
    #: Called with a PV's name, or "", the text and the status of what libca reports
    #: outside of any call
    cdef public object complain

    def __cinit__(self):
        attach()
        self.queue = new Queue(process().api, process().nodes)
        self.queue.waker.descriptor()
        self.channels = {}
        self.changed = []
        self.complain = print_complaint
        enlist(self.queue, NULL)

    def __dealloc__(self):
        if self.queue != NULL:
            unlist(self.queue)
            self.queue.close()
            self.queue.let_go()

    def channel(self, name):
        """The channel of that name, opened on the first call.

        Raises:
            Failure: libca does not take the name.
        """
        found = self.channels.get(name)
        if found is None:
            found = self.channels[name] = Channel(self, name)
        return found

    def connect(self, seconds):
        """Waits until all channels are connected: for how long, None for no limit."""
        end = end_of(seconds)
        self.flush()
        missing = list(self.channels.values())
        while missing and (end is None or end > 0):
            if not self.look(end):
                return
            missing = [channel for channel in missing if not channel.connected]

    def subscribe(self, Channel channel not None, type, count, mask):
        """A subscription to a connected channel, as that DBR type."""
        cdef Subscription made = Subscription.__new__(Subscription)
        made.client = self
        made.channel = channel
        made.type, made.count, made.mask = type, count, mask
        channel.subscriptions.append(made)
        made.start()
        return made

    def wait(self, end):
        """The channels that changed and the subscriptions with updates, when there are.

        ``end``: the time of ``time.monotonic()`` at which it returns without any.
        """
        if not self.changed:
            self.look(end)
        changed, self.changed = self.changed, []
        return changed

    cdef bint look(self, object end) except -1:
        """Takes in what comes next, and keeps it for `wait`. False: the time is over.

        The end of a request counts, too.
        """
        while not self.drain():
            left = LONGEST_WAIT if end is None else end - monotonic()
            if not left > 0:
                return False
            self.sleep(min(left, LONGEST_WAIT))
        return True

    cdef int sleep(self, double seconds) except -1:
        cdef long long count = <long long> (seconds * 1000) + 1
        with nogil:
            self.queue.waker.wait_at_most(milliseconds(count))
        PyErr_CheckSignals()
        return 0

    cdef bint drain(self) except -1:
        """Takes in all that libca's threads have queued. False: there was nothing."""
        cdef vector[void*] owners
        cdef vector[Complaint] complaints
        cdef size_t i
        self.queue.take(owners, complaints)
        for i in range(owners.size()):
            one = <object> owners[i]
            if isinstance(one, Channel):
                (<Channel> one).look()
            if one is not self:
                self.changed.append(one)
        for i in range(complaints.size()):
            name = complaints[i].channel.decode(errors="replace")
            context = complaints[i].context.decode(errors="replace")
            self.complain(name, f"{message(complaints[i].status)} ({context})",
                          complaints[i].status)
        return owners.size() > 0

    cdef int flush(self) except -1:
        with nogil:
            process().api.ca_flush_io()
        return 0

    # ---- requests ------------------------------------------------------------------

    def get(self, requests, seconds):
        """A `Value` or a `Failure` for each ``(channel, type, count)``.

        A count of 0 stands for the present length of an array.
        """
        cdef Batch* batch = new Batch(self.queue, len(requests))
        cdef Slot* slot
        cdef size_t i
        cdef Channel channel
        try:
            for i, (one, type, count) in enumerate(requests):
                channel = one
                slot = &batch.slots[i]
                slot.channel = channel.native
                slot.type, slot.count = type, count
                slot.operation = Operation.Get
            channels = [request[0] for request in requests]
            done = self.finish(batch, channels, seconds)
            return [self.outcome(&batch.slots[i], channels[i].name, done[i])
                    for i in range(len(channels))]
        finally:
            abandon(batch)

    def put(self, Channel channel not None, values, bint callback, seconds):
        """Writes bytes as characters, a list of bytes as strings, or one of floats.

        With ``callback`` it waits for the server to have carried it out. The result is
        None or a `Failure`.
        """
        cdef Batch* batch = new Batch(self.queue, 1)
        cdef Slot* slot = &batch.slots[0]
        try:
            slot.channel = channel.native
            slot.operation = Operation.PutCallback if callback else Operation.Put
            fill(slot, values)
            done = self.finish(batch, [channel], seconds)
            return self.outcome(slot, channel.name, done[0])
        finally:
            abandon(batch)

    cdef list finish(self, Batch* batch, list channels, object seconds):
        """Sends what can be sent, again where a connection was lost meanwhile.

        The result says for each slot whether libca is done with it.
        """
        cdef vector[size_t] lost
        cdef vector[uint8_t] done
        cdef list unsent = list(range(len(channels)))
        end = end_of(seconds)
        (<Node*> batch).owner = <void*> self
        while end is None or end > 0:
            unsent = self.send(batch, channels, unsent)
            progress = progress_of(batch)
            if progress.lost:
                lost.clear()
                done.clear()
                take_lost(batch, lost, done)
                unsent += list(lost)
            elif progress.finished and not unsent:
                break
            if not self.look(end):
                break
        self.drain()  # what libca said of it is there before its end
        done.clear()
        look_at_slots(batch, done)
        return list(done)

    cdef list send(self, Batch* batch, list channels, list indices):
        """Sends what has a connection; the indices of the rest."""
        cdef vector[Slot*] ready
        cdef list rest = []
        cdef size_t i
        for i in indices:
            if (<Channel> channels[i]).connected:
                ready.push_back(&batch.slots[i])
            else:
                rest.append(i)
        if ready.empty():
            return rest
        if ready[0].operation != Operation.Put:
            mark_submitted(batch, ready)
        with nogil:
            submit(ready)
        self.flush()
        return rest

    cdef object outcome(self, Slot* slot, str name, bint done):
        if not done:
            return Failure(name, ECA_TIMEOUT)
        if slot.status != ECA_NORMAL:
            return Failure(name, slot.status, bool(slot.refused))
        return None if slot.block == NULL else value_in(slot.block, slot.type, name)


cdef object end_of(object seconds):
    """The end of a wait; 0 if there is no time to wait at all."""
    if seconds is None:
        return None
    return monotonic() + seconds if seconds > 0 else 0.0


# ---- what the commands say -----------------------------------------------------------


def ca_message(status):
    """libca's text for an ECA status."""
    return message(status)


def print_complaint(name, text, status):
    """Writes what libca reports to the standard error."""
    print(f"{name}: {text}" if name else text, file=sys.stderr)
