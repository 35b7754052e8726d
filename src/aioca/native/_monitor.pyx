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
from contextvars import copy_context
from time import time

from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool

from aioca.native._channel cimport Channel, channel_of
from aioca.native._context cimport attach
from aioca.native._cpp.block cimport STATUS_ONLY, Block, free_block, free_blocks
from aioca.native._cpp.calls cimport close_monitor, subscribe
from aioca.native._cpp.channel cimport NativeMonitor, id_of, report
from aioca.native._cpp.db_access cimport DBR_DOUBLE, DBR_TIME_STRING, ECA_DISCONN
from aioca.native._cpp.process cimport has_ended
from aioca.native._cpp.queue cimport Node
from aioca.native._decode cimport decode, decode_by
from aioca.native._loop cimport Loop, Sink, call_in, current_loop
from aioca.native._metadata cimport Metadata, default_events, metadata_of
from aioca.native._plan cimport Plan, plan_for

from aioca._epics import dbr
from aioca._errors import CANothing, timed_out
from aioca.native._metadata import FORMAT_FULL

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
    cdef bint keep_all, tell_disconnect
    cdef readonly int state
    cdef readonly object events, datatype, format
    cdef readonly long count
    cdef Plan plan
    cdef dict attributes       # of values by that plan
    cdef uint64_t dropped_before
    cdef int kind              # of callback: -1 not known yet, 0 plain, 1 awaited
    cdef bint subscribed
    cdef object converter      # of a program's own, instead of ours
    cdef object idle           # a future that the next update finishes
    cdef object task
    cdef object context
    cdef object timer
    cdef Metadata metadata     # with FORMAT_FULL
    # Up to 256 bytes with what CPython adds: each begins with a cache line.
    cdef long[3] padding
    cdef object __weakref__

    def __init__(self, str name, callback, events, datatype, format, count, all_updates,
                 notify_disconnect, connect_timeout):
        self.loop = current_loop()
        self.name = name
        self.callback = callback
        self.events = default_events(format) if events is None else events
        self.datatype = datatype
        self.format = format
        self.count = count
        self.keep_all = all_updates
        self.tell_disconnect = notify_disconnect
        self.kind = -1
        self.context = copy_context()
        self.channel = channel_of(self.loop, name)
        self.channel.subscriptions.add(self)
        if self.channel.is_connected:
            self.loop.loop.call_soon(self.on_connected)
        elif connect_timeout is not None:
            self.start_timer(connect_timeout)

    def __dealloc__(self):
        self.forget()

    # ---- subscribing ---------------------------------------------------------------

    cdef int start_timer(self, object timeout) except -1:
        seconds = timeout[0] - time() if isinstance(timeout, tuple) else timeout
        self.timer = self.loop.loop.call_later(
            max(seconds, 0), self.on_timeout, seconds)
        return 0

    def on_timeout(self, seconds):
        """The PV did not connect in time."""
        self.timer = None
        if self.state == STATE_OPENING:
            failure = timed_out(self.name, self.channel, seconds)
            if self.callback is None:
                self.on_arrival(failure)
            else:
                self.deliver(failure)

    def on_connected(self):
        """The channel is connected, for the first time or again."""
        if self.state == STATE_CLOSED or not self.channel.is_connected:
            return
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.subscribed and self.native != NULL and not self.native.stale.load():
            return
        try:
            self.start_updates()
        except Exception:
            self.close(sys.exc_info())

    def on_disconnected(self):
        """Called by a program, see `Channel.on_ca_connect_`."""
        if self.native != NULL and self.tell_disconnect:
            report(self.native, ECA_DISCONN)
            self.on_ready()

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
        self.attributes = self.channel.attributes_of(self.plan)
        wire_type = self.plan.wire_type
        if wire_type <= DBR_DOUBLE:
            # libca drops an update without elements unless it carries more than them.
            wire_type += DBR_TIME_STRING
        count = self.channel.element_count if self.count < 0 else self.count
        self.release_native()
        fresh = new NativeMonitor(self.channel.native)
        fresh.set_wishes(self.keep_all, self.tell_disconnect)
        (<Node*> fresh).owner = <void*> self
        self.native = fresh
        self.subscribed = True
        self.state = STATE_OPEN
        with nogil:
            subscribe(fresh, wire_type, count, mask)
        if full:
            self.metadata = metadata_of(self.channel, self.datatype, self.plan)
            if self.metadata.fields is None:
                self.metadata.start(self)
        self.loop.want_flush()
        return 0

    cdef void forget(self) noexcept:
        cdef NativeMonitor* native = self.native
        self.native = NULL
        if native != NULL:
            (<Node*> native).queue.disown(native)
        if self.metadata is not None:
            self.metadata.disown()
        if native != NULL and not has_ended():
            with nogil:
                close_monitor(native)
        if self.metadata is not None:
            self.metadata.close()

    cdef int release_native(self) except -1:
        if self.native != NULL:
            self.dropped_before += self.native.dropped_updates()
            self.forget()
        return 0

    def close(self, exc_info=None):
        """Ends the subscription: no callback follows, not even for queued updates.

        Can be called more than once, from a callback, and after the loop was closed.
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
        idle, self.idle = self.idle, None
        if idle is not None and not idle.done():
            idle.set_result(True)
        if self.callback is None:
            self.on_arrival()
        elif self.task is None:
            self.deliver_pending()
        return 0

    def on_arrival(self, failure=None):
        """Called instead of a callback: `next_value` has something, or a failure."""

    def next_value(self):
        """The oldest pending update, taken out; None if there is none."""
        cdef cbool more = False
        return self.take_next(more)

    cdef object take_next(self, cbool& more):
        """`next_value`, and whether another one was pending then."""
        cdef Block* block = NULL
        cdef NativeMonitor* native = self.native
        if self.metadata is not None and not self.metadata.look():
            return None
        if native != NULL:
            block = native.take_oldest(more)
        if block == NULL:
            return None if self.metadata is None else self.metadata.refreshed()
        try:
            value = self.value_of(block, False)
        finally:
            if self.native == native:
                native.reuse(block)
            else:   # a program's converter has closed it
                free_block(block)
        if self.metadata is not None:
            self.metadata.add_to(value)
        return value

    cdef int deliver_pending(self) except -1:
        cdef cbool more = True
        # What comes meanwhile is in the queue again. Metadata may have news any time.
        while self.state != STATE_CLOSED and self.task is None and (
                more or self.metadata is not None):
            try:
                value = self.take_next(more)
            except Exception:
                self.close(sys.exc_info())
                return 0
            if value is None:
                return 0
            self.deliver(value)
        return 0

    cdef object value_of(self, Block* block, bint keep):
        if block.type == STATUS_ONLY:
            return CANothing(self.name, block.status)
        if self.converter is not None:
            return decode_by(self.converter, block, self.plan.wire_type)
        return decode(self.plan, block, self.attributes, keep)

    cdef int deliver(self, object value) except -1:
        """Calls back; an awaitable result is awaited in a task before the next."""
        try:
            result = call_in(self.context, self.callback, value)
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
            dropped += self.native.dropped_updates()
        return dropped

    @dropped_callbacks.setter
    def dropped_callbacks(self, uint64_t value):
        self.dropped_before = value
        if self.native != NULL:
            # Counted from here on; the sum wraps around to what was asked for.
            self.dropped_before = value - self.native.dropped_updates()

    @property
    def all_updates(self):
        """Whether every update is delivered."""
        return bool(self.keep_all)

    @all_updates.setter
    def all_updates(self, bint wanted):
        self.keep_all = wanted
        if self.native != NULL:
            self.native.set_wishes(self.keep_all, self.tell_disconnect)

    @property
    def notify_disconnect(self):
        """Whether the loss of the connection is delivered."""
        return bool(self.tell_disconnect)

    @notify_disconnect.setter
    def notify_disconnect(self, bint wanted):
        self.tell_disconnect = wanted
        if self.native != NULL:
            self.native.set_wishes(self.keep_all, self.tell_disconnect)

    @property
    def _as_parameter_(self):
        """libca's subscription id, for calls through epicscorelibs.ca.cadef."""
        if self.native == NULL:
            raise AttributeError("_as_parameter_")
        return <size_t> id_of(self.native)

    @property
    def _Subscription__future(self):
        """While an awaited callback has nothing to do: finished by the next update."""
        if self.kind != 1 or self.task is not None or self.state != STATE_OPEN:
            return None
        if self.idle is None:
            self.idle = self.loop.loop.create_future()
        return self.idle

    @property
    def pending_values(self):
        """The updates that wait for the callback, oldest first."""
        cdef Block* first
        cdef Block* block
        cdef NativeMonitor* native = self.native
        cdef object values = deque(maxlen=None if self.keep_all else 1)
        if native == NULL:
            return values
        # With the queue's lock held no Python may run: the updates are taken out, and
        # put back in front of those that arrived meanwhile.
        first = block = native.take_all()
        try:
            while block != NULL:
                values.append(self.value_of(block, True))
                block = block.next
        finally:
            if self.native == native:
                native.put_back(first)
            else:  # what looks at the values may close the subscription
                free_blocks(first)
        return values

    @property
    def dbr_to_value(self):
        """Conversion of a raw DBR structure, as epicscorelibs.ca.dbr makes it."""
        if self.converter is not None:
            return self.converter
        return dbr.type_to_dbr(self.channel, self.datatype, self.format)[1]

    @dbr_to_value.setter
    def dbr_to_value(self, converter):
        if not callable(converter):
            raise TypeError(f"dbr_to_value must be callable, not {converter!r}")
        self.converter = converter
