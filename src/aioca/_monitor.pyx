# distutils: language = c++
"""The working part of a subscription.

Updates wait in the C++ monitor, where they are merged unless all are wanted, until the
loop drains or an awaiting callback is ready for the next.
"""

import asyncio
import inspect
import sys
import traceback
from collections import deque
from copy import copy
from contextvars import copy_context

from libc.stdint cimport uint64_t

from aioca._libca cimport Channel, Loop, Sink, attach, current_loop, shared_process
from aioca._native cimport (
    Block,
    NativeMonitor,
    Node,
    STATUS_ONLY,
    close_monitor,
    free_block,
    has_ended,
    process_pointer,
    subscribe,
)
from aioca._values cimport Plan, decode, plan_for

from aioca import _epics
from aioca._errors import CANothing

(&process_pointer())[0] = shared_process()

cdef object dbr = _epics.dbr
#: Format of a subscription whose values carry alarm, time stamp and metadata
FORMAT_FULL = 3
cdef dict DEFAULT_EVENTS = {
    dbr.FORMAT_RAW: 1,  # DBE_VALUE
    dbr.FORMAT_TIME: 1 | 4,  # and DBE_ALARM
    dbr.FORMAT_CTRL: 1 | 4 | 8,  # and DBE_PROPERTY
    FORMAT_FULL: 1 | 4,
}
cdef long DBE_PROPERTY = 8
# Attributes of a value that are no metadata but its own.
cdef frozenset OWN_ATTRIBUTES = frozenset(
    ("name", "ok", "datatype", "element_count", "status", "severity"))
cdef enum:
    STATE_OPENING = 0
    STATE_OPEN = 1
    STATE_CLOSED = 2


cdef class Monitor(Sink):
    """One subscription on libca, and the delivery of its updates."""

    OPENING = STATE_OPENING
    OPEN = STATE_OPEN
    CLOSED = STATE_CLOSED

    cdef NativeMonitor* native
    cdef Loop loop
    cdef readonly Channel channel
    cdef readonly str name
    cdef public object callback
    cdef readonly bint all_updates
    cdef readonly bint notify_disconnect
    cdef readonly int state
    cdef readonly object events, datatype, format
    cdef readonly long count
    cdef Plan plan
    cdef uint64_t dropped_before
    cdef int kind              # of callback: -1 not known yet, 0 plain, 1 awaited
    cdef bint subscribed
    cdef object task
    cdef object context
    cdef object timer
    # With FORMAT_FULL the metadata come from a second libca subscription, which the
    # server updates when they change (DBE_PROPERTY).
    cdef NativeMonitor* properties
    cdef Plan metadata_plan
    cdef dict metadata         # None until it is known
    cdef object last           # the latest value, to be delivered with new metadata
    cdef bint refresh
    cdef object __weakref__

    def __init__(self, str name, callback, events, datatype, format, count, all_updates,
                 notify_disconnect, connect_timeout):
        self.loop = current_loop()
        self.name = name
        self.callback = callback
        self.events = DEFAULT_EVENTS[format] if events is None else events
        self.datatype = datatype
        self.format = format
        self.count = count
        self.all_updates = all_updates
        self.notify_disconnect = notify_disconnect
        self.kind = -1
        self.context = copy_context()
        self.channel = self.loop.channel(name)
        self.channel.subscriptions.add(self)
        if self.channel.is_connected:
            self.loop.loop.call_soon(self.on_connected)
        elif connect_timeout is not None:
            self.start_timer(connect_timeout)

    def __dealloc__(self):
        self.forget()

    # ---- subscribing ---------------------------------------------------------------

    cdef int start_timer(self, object timeout) except -1:
        from time import time
        if isinstance(timeout, tuple):
            timeout = timeout[0] - time()
        self.timer = self.loop.loop.call_later(max(timeout, 0), self.on_timeout)
        return 0

    def on_timeout(self):
        """The PV did not connect in time."""
        self.timer = None
        if self.state == STATE_OPENING:
            if self.callback is None:
                self.on_arrival(CANothing(self.name, 80))
            else:
                self.deliver(CANothing(self.name, 80))

    def on_connected(self):
        """The channel is connected, for the first time or again."""
        if self.state == STATE_CLOSED or not self.channel.is_connected:
            return
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.subscribed and self.native != NULL and not self.native.stale:
            return
        try:
            self.start_updates()
        except Exception:
            self.close(sys.exc_info())

    cdef int start_updates(self) except -1:
        """Makes the libca subscription for the channel's present type and size."""
        cdef long wire_type
        cdef long mask = self.events
        cdef unsigned long count
        cdef NativeMonitor* fresh
        cdef bint full = self.format == FORMAT_FULL
        self.plan = plan_for(
            self.datatype, dbr.FORMAT_TIME if full else self.format,
            self.channel.native_type, self.channel.long_string)
        wire_type = self.plan.wire_type
        if wire_type <= 6:
            # libca drops an update without elements unless it carries more than them.
            wire_type += 14
        count = self.channel.element_count if self.count < 0 else self.count
        self.release_native()
        fresh = new NativeMonitor(self.channel.native)
        fresh.all_updates = self.all_updates
        fresh.notify_disconnect = self.notify_disconnect
        (<Node*> fresh).owner = <void*> self
        self.native = fresh
        self.subscribed = True
        self.state = STATE_OPEN
        with nogil:
            subscribe(fresh, wire_type, count, mask)
        if full:
            self.subscribe_metadata()
        self.loop.want_flush()
        return 0

    cdef int subscribe_metadata(self) except -1:
        """Makes the second subscription, if the type has metadata."""
        cdef long wire_type
        cdef long mask = DBE_PROPERTY
        cdef NativeMonitor* fresh
        self.metadata = None
        self.last = None
        self.metadata_plan = plan_for(
            self.datatype, dbr.FORMAT_CTRL, self.channel.native_type,
            self.channel.long_string)
        if self.metadata_plan.wire_type == self.plan.wire_type:
            self.metadata = {}
            return 0
        wire_type = self.metadata_plan.wire_type
        fresh = new NativeMonitor(self.channel.native)
        (<Node*> fresh).owner = <void*> self
        self.properties = fresh
        with nogil:
            subscribe(fresh, wire_type, 1, mask)
        return 0

    cdef void forget(self) noexcept:
        cdef NativeMonitor* native = self.native
        cdef NativeMonitor* properties = self.properties
        self.native = NULL
        self.properties = NULL
        if has_ended():
            return
        with nogil:
            if native != NULL:
                close_monitor(native)
            if properties != NULL:
                close_monitor(properties)

    cdef int release_native(self) except -1:
        if self.native != NULL:
            self.dropped_before += self.native.dropped
            self.forget()
        return 0

    def close(self, exc_info=None):
        """Ends the subscription: no callback follows, not even for queued updates.

        May be called more than once, from a callback, and after the loop was closed.
        """
        if exc_info:
            print(f"Subscription {self.name} callback raised exception",
                  file=sys.stderr)
            traceback.print_exception(*exc_info)
            print(f"Subscription {self.name} closed", file=sys.stderr)
        if self.state == STATE_CLOSED:
            return
        self.state = STATE_CLOSED
        self.channel.subscriptions.discard(self)
        if not has_ended():
            attach()
        self.release_native()
        open_loop = not self.loop.loop.is_closed()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if open_loop:
            if not has_ended():
                self.loop.want_flush()
            if self.task is not None:
                self.task.cancel()
        self.on_close()

    def on_close(self):
        """Called once, when the subscription ends."""

    # ---- delivering ----------------------------------------------------------------

    cdef int on_ready(self) except -1:
        if self.callback is None:
            self.on_arrival()
        elif self.task is None:
            self.deliver_pending()
        return 0

    def on_arrival(self, failure=None):
        """Called instead of a callback: `next_value` has something, or a failure."""

    cpdef next_value(self):
        """The oldest pending update, taken out; None if there is none."""
        cdef Block* block
        if self.format == FORMAT_FULL:
            self.look_at_metadata()
            if self.metadata is None:
                return None
        block = self.take(self.native)
        if block == NULL:
            return self.refreshed() if self.refresh else None
        try:
            value = self.value_of(block, False)
        finally:
            free_block(block)
        if self.metadata and value.ok:
            value.__dict__.update(self.metadata)
        if self.metadata is not None:
            self.last = value
            self.refresh = False
        return value

    cdef int look_at_metadata(self) except -1:
        """Takes in the metadata that arrived since."""
        cdef Block* block = self.take(self.properties)
        if block == NULL:
            return 0
        try:
            if block.type == STATUS_ONLY:
                fresh = {}
            else:
                attributes = self.channel.attributes_of(self.metadata_plan)
                described = decode(self.metadata_plan, block, attributes, False)
                fresh = {key: value for key, value in vars(described).items()
                         if key not in OWN_ATTRIBUTES}
        finally:
            free_block(block)
        self.refresh = (self.last is not None and self.last.ok
                        and repr(fresh) != repr(self.metadata))
        self.metadata = fresh
        return 0

    cdef object refreshed(self):
        """The latest value once more, with the present metadata."""
        self.refresh = False
        attributes = dict(vars(self.last), **self.metadata)
        value = copy(self.last)
        value.__dict__ = attributes
        self.last = value
        return value

    cdef int deliver_pending(self) except -1:
        while self.state != STATE_CLOSED and self.task is None:
            try:
                value = self.next_value()
            except Exception:
                self.close(sys.exc_info())
                return 0
            if value is None:
                return 0
            self.deliver(value)
        return 0

    cdef Block* take(self, NativeMonitor* native) noexcept:
        """The oldest update that waits in a monitor, or null."""
        if native == NULL:
            return NULL
        self.loop.queue.mutex.lock()
        block = native.oldest
        if block != NULL:
            native.oldest = block.next
            if native.oldest == NULL:
                native.newest = NULL
        self.loop.queue.mutex.unlock()
        return block

    cdef object value_of(self, Block* block, bint keep):
        if block.type == STATUS_ONLY:
            return CANothing(self.name, block.status)
        return decode(self.plan, block, self.channel.attributes_of(self.plan), keep)

    cdef int deliver(self, object value) except -1:
        """Calls back; an awaitable result is awaited in a task before the next."""
        try:
            result = self.context.run(self.callback, value)
            if self.kind < 0 and self.state != STATE_CLOSED:
                self.kind = inspect.isawaitable(result)
            if self.kind > 0 and inspect.isawaitable(result):
                self.task = self.loop.loop.create_task(self.await_callbacks(result))
                if self.state == STATE_CLOSED:
                    self.task.cancel()
        except Exception:
            self.close(sys.exc_info())
        return 0

    async def await_callbacks(self, awaitable):
        """Awaits one callback after the other until no update is pending."""
        try:
            while True:
                await awaitable
                if self.state == STATE_CLOSED:
                    return
                value = self.next_value()
                if value is None:
                    return
                awaitable = self.callback(value)
        except asyncio.CancelledError:
            raise
        except Exception:
            self.close(sys.exc_info())
        finally:
            self.task = None

    # ---- what programs look at -----------------------------------------------------

    @property
    def dropped_callbacks(self):
        """How many updates were merged away because a newer one replaced them."""
        cdef uint64_t dropped = self.dropped_before
        if self.native != NULL:
            dropped += self.native.dropped
        return dropped

    @property
    def pending_values(self):
        """The updates that wait for the callback, oldest first."""
        cdef Block* first
        cdef Block* block
        cdef object values = deque(maxlen=None if self.all_updates else 1)
        if self.native == NULL:
            return values
        # With the queue's lock held no Python may run: the updates are taken out, and
        # put back in front of those that arrived meanwhile.
        self.loop.queue.mutex.lock()
        first = self.native.oldest
        self.native.oldest = self.native.newest = NULL
        self.loop.queue.mutex.unlock()
        block = first
        while block != NULL:
            values.append(self.value_of(block, True))
            block = block.next
        self.put_back(first)
        return values

    cdef void put_back(self, Block* first) noexcept:
        cdef Block* last = first
        if first == NULL:
            return
        while last.next != NULL:
            last = last.next
        self.loop.queue.mutex.lock()
        if self.native.oldest == NULL:
            self.native.oldest = first
            self.native.newest = last
            first = NULL
        elif self.all_updates:
            last.next = self.native.oldest
            self.native.oldest = first
            first = NULL
        else:
            self.native.dropped += 1
        self.loop.queue.mutex.unlock()
        free_block(first)

    @property
    def dbr_to_value(self):
        """Conversion of a raw DBR structure, as epicscorelibs.ca.dbr makes it."""
        return dbr.type_to_dbr(self.channel, self.datatype, self.format)[1]
