# distutils: language = c++
"""Calls that wait for libca: connect, get and put of one or many PVs.

A `Request` is one call. It sends what can be sent at once, and the rest when channels
connect; one future, one timer and one flush serve the whole call. It continues until
libca has finished every part of it, also when its caller has had the first exception
already.
"""

from time import time

from libc.stdint cimport uint8_t
from libcpp.vector cimport vector

from aioca.native._channel cimport Channel, channel_of
from aioca.native._cpp.batch cimport (
    Batch,
    Operation,
    Progress,
    Slot,
    SlotState,
    abandon,
    look_at_slots,
    mark_submitted,
    progress_of,
    take_lost,
)
from aioca.native._cpp.calls cimport submit
from aioca.native._cpp.channel cimport is_lost
from aioca.native._cpp.db_access cimport ECA_NORMAL
from aioca.native._cpp.queue cimport Node
from aioca.native._decode cimport decode
from aioca.native._encode cimport encode
from aioca.native._loop cimport Loop, Sink, current_loop
from aioca.native._plan cimport Plan, count_for, plan_for

from aioca import _errors
from aioca._errors import CANothing

CONNECT = <int> Operation.Connect
GET = <int> Operation.Get
PUT = <int> Operation.Put
PUT_CALLBACK = <int> Operation.PutCallback


cdef class Request(Sink):
    """One call, for one PV (``single``) or a list of them."""

    cdef Loop loop
    cdef Batch* batch
    cdef list names
    cdef list channels
    cdef list plans
    cdef object values
    cdef object datatype
    cdef object format
    cdef long count
    cdef Operation operation
    cdef bint throw
    cdef bint single
    cdef bint repeat
    cdef size_t waiting
    cdef list arrived
    cdef object error
    cdef size_t error_at        # the slot whose error that is
    cdef readonly object future
    cdef bint over
    cdef double patience
    cdef Plan plan              # of the channel before, which often fits the next one
    cdef long plan_type
    cdef bint plan_text

    def __cinit__(self, int operation, list names, *, bint single, bint throw,
                  object timeout, object values=None, object datatype=None,
                  object format=0, object count=0):
        self.loop = current_loop()
        self.operation = <Operation> operation
        self.names = names
        self.single = single
        self.throw = throw
        self.values = values
        self.datatype = datatype
        self.format = format
        self.count = count if type(count) is int else _errors.whole(
            names, "count", count)
        self.channels = []
        self.arrived = []
        self.open_channels()
        self.batch = new Batch(self.loop.queue, len(names))
        (<Node*> self.batch).owner = <void*> self
        if operation == GET:
            self.plans = [None] * len(names)
        self.start(timeout)

    def __dealloc__(self):
        self.leave()

    # ---- sending -------------------------------------------------------------------

    cdef int open_channels(self) except -1:
        cdef Loop loop = self.loop
        cdef dict known = loop.channels
        for name in self.names:
            channel = known.get(name)
            if channel is None:
                if not isinstance(name, str):
                    raise TypeError(f"a PV's name must be a str, not {name!r}")
                channel = channel_of(loop, name)
            self.channels.append(channel)
        return 0

    cdef int start(self, object timeout) except -1:
        """Sends what can be sent; sets up future and timer if that was not all."""
        cdef Py_ssize_t i
        cdef Channel channel
        cdef vector[Slot*] ready
        if timeout is not None:
            try:
                self.patience = (timeout[0] - time() if isinstance(timeout, tuple)
                                 else timeout)
            except (IndexError, TypeError):
                raise _errors.wrong_timeout(self.names, timeout) from None
        # With no time to wait, nothing is sent that would have to be waited for.
        cdef bint may_wait = timeout is None or self.patience > 0
        ready.reserve(len(self.names))
        for i in range(len(self.names)):
            channel = <Channel> self.channels[i]
            self.batch.slots[i].channel = channel.native
            if not channel.is_connected or is_lost(channel.native):
                self.wait_for(i, channel)
            elif may_wait or self.operation in (Operation.Connect, Operation.Put):
                self.prepare(i, channel, ready)
            else:
                self.waiting += 1
        self.send(ready)
        if self.look_over():
            return 0
        if not may_wait:
            if self.throw and self.error is None:
                self.error = self.timeout_error()
            self.cancel()
            return 0
        self.future = self.loop.loop.create_future()
        self.loop.requests.add(self)
        if timeout is not None:
            self.loop.add_deadline(self, self.patience)
        if self.error is not None and self.throw:
            self.future.set_exception(self.error)
        return 0

    cdef int wait_for(self, size_t i, Channel channel) except -1:
        self.waiting += 1
        channel.waiters.setdefault(self, []).append(i)
        return 0

    cdef int prepare(self, size_t i, Channel channel, vector[Slot*]& ready) except -1:
        """Fills in a slot whose channel is connected."""
        cdef Slot* slot = &self.batch.slots[i]
        cdef Plan plan
        slot.operation = self.operation
        if self.operation == Operation.Connect:
            slot.state = SlotState.Done
            return 0
        try:
            if self.operation == Operation.Get:
                plan = self.plan_of(channel)
                self.plans[i] = plan
                slot.type = plan.wire_type
                slot.count = count_for(self.count, channel.element_count)
            else:
                encode(self.values[i], self.datatype, channel.native_type,
                       channel.long_string, slot)
        except Exception as error:
            # The other PVs of the list are served all the same.
            slot.state = SlotState.Done
            if self.error is None:
                self.error = _errors.with_name(error, channel.name)
                self.error_at = i
            return 0
        ready.push_back(slot)
        return 0

    cdef inline Plan plan_of(self, Channel channel):
        if (self.plan is None or self.plan_type != channel.native_type
                or self.plan_text != channel.long_string):
            self.plan_type = channel.native_type
            self.plan_text = channel.long_string
            self.plan = plan_for(self.datatype, self.format, channel.native_type,
                                 channel.long_string)
        return self.plan

    cdef int send(self, vector[Slot*]& ready) except -1:
        cdef Batch* batch = self.batch
        if ready.empty():
            return 0
        if self.operation != Operation.Put:
            mark_submitted(batch, ready)
        with nogil:
            submit(ready)
        self.loop.want_flush()
        if progress_of(batch).lost:
            self.wait_again(False)
        return 0

    cdef int wait_again(self, bint later) except -1:
        """What libca did not take, because the connection is lost, waits for the next.

        The loop has not heard about the loss, so it will also hear about the next
        connection; unless that was some time ago (``later``).
        """
        cdef vector[size_t] lost
        cdef vector[uint8_t] now
        cdef vector[Slot*] ready
        cdef size_t n
        cdef Channel channel
        take_lost(self.batch, lost, now)
        for n in range(lost.size()):
            channel = <Channel> self.channels[lost[n]]
            if later and now[n] and channel.native != NULL:
                self.prepare(lost[n], channel, ready)
            else:
                self.wait_for(lost[n], channel)
        return self.send(ready)

    # ---- from the loop's drain -----------------------------------------------------

    def channels_up(self, indices):
        """Channels that this request waited for are connected."""
        self.arrived.extend(indices)

    def submit_ready(self):
        """Sends the parts whose channels connected during this drain."""
        cdef vector[Slot*] ready
        cdef size_t i
        cdef Channel channel
        if self.over or self.batch == NULL:
            return
        arrived, self.arrived = self.arrived, []
        for i in arrived:
            channel = <Channel> self.channels[i]
            if (channel.native != NULL
                    and self.batch.slots[i].state == SlotState.Waiting):
                self.waiting -= 1
                self.prepare(i, channel, ready)
        self.send(ready)
        self.settle()

    cdef int on_ready(self) except -1:
        if self.batch != NULL:
            self.settle()
        return 0

    cdef int settle(self) except -1:
        """Ends the wait of the caller when there is reason to."""
        cdef bint finished = self.look_over()
        if self.future is None:
            return 0
        if finished:
            self.retire()
        if not self.future.done():
            if self.error is not None:
                self.future.set_exception(self.error)
            elif finished:
                self.loop.resume(self.future)
        return 0

    cdef bint look_over(self) except -1:
        """Whether all is done; finds the error to raise, if there is one."""
        cdef Batch* batch = self.batch
        cdef size_t i
        cdef Progress progress = progress_of(batch)
        if progress.lost and not self.over:
            self.wait_again(True)
            progress = progress_of(batch)
        if progress.failed:
            self.waiting = 0
            for i in range(batch.slots.size()):
                if batch.slots[i].state == SlotState.Waiting:
                    self.waiting += 1
                elif (batch.slots[i].state == SlotState.Done
                      and batch.slots[i].status != ECA_NORMAL
                      and self.is_the_error(i)):
                    self.error = self.failure(i)
                    self.error_at = i
        return progress.finished and self.waiting == 0

    cdef bint is_the_error(self, size_t i) except -1:
        """Whether the failure of a slot is what the call raises: the first one is."""
        if not self.throw:
            return False
        if self.error is None:
            return True
        return i < self.error_at and (self.future is None or not self.future.done())

    def on_timeout(self):
        """The time of the caller is over."""
        if self.future is not None and not self.future.done():
            if self.throw:
                self.error = self.timeout_error()
                self.future.set_exception(self.error)
            else:
                self.future.set_result(None)
        self.cancel()

    # ---- ending --------------------------------------------------------------------

    def cancel(self):
        """No caller waits any more: what was not sent yet never will be."""
        self.over = True
        for channel in self.channels:
            (<Channel> channel).waiters.pop(self, None)
        self.retire()

    cdef int retire(self) except -1:
        self.loop.requests.discard(self)
        if self.error is not None:
            # Nobody asks for results any more. The exception's traceback keeps this
            # object for a while, it need not keep libca's data as well.
            self.leave()
        return 0

    cdef void leave(self) noexcept:
        """Gives the batch up; libca's threads delete it if they still use it."""
        cdef Batch* batch = self.batch
        self.batch = NULL
        if batch != NULL:
            abandon(batch)

    # ---- results -------------------------------------------------------------------

    cdef object timeout_error(self):
        cdef vector[uint8_t] done
        cdef size_t i
        if self.single:
            return self.result(0, False)
        look_at_slots(self.batch, done)
        return _errors.several_timed_out([self.channels[i] for i in range(done.size())
                                          if not done[i]], self.patience)

    cdef object failure(self, size_t i):
        """The exception for a slot that is done and not well."""
        cdef Slot* slot = &self.batch.slots[i]
        if not slot.refused:
            return CANothing(self.names[i], slot.status)
        function = ("ca_array_get_callback" if self.operation == Operation.Get
                    else "ca_array_put_callback"
                    if self.operation == Operation.PutCallback else "ca_array_put")
        return _errors.refusal(self.names[i], slot.status, function, slot.count,
                               (<Channel> self.channels[i]).element_count)

    def __await__(self):
        """Waits, unless all is done already, and gives the `results`."""
        if self.future is not None:
            try:
                yield from self.future
            except BaseException as error:
                # Failed: the other PVs go on. Cancelled or closed: nobody will ask for
                # the results, and nothing more is sent.
                if error is not self.error:
                    self.cancel()
                    self.leave()
                raise
        return self.results()[0] if self.single else self.results()

    def results(self):
        """The value of each PV, or what stands for it. Call once, after the wait.

        Raises:
            Exception: what an operation raises although ``throw`` is false.
        """
        cdef size_t i
        cdef vector[uint8_t] done
        if self.error is not None:
            self.leave()
            raise self.error
        look_at_slots(self.batch, done)
        cdef list values = []
        for i in range(done.size()):
            values.append(self.result(i, done[i]))
        self.leave()
        return values

    cdef object result(self, size_t i, bint done):
        cdef Slot* slot = &self.batch.slots[i]
        cdef Plan plan
        name = self.names[i]
        if not done:
            return _errors.timed_out(name, self.channels[i], self.patience)
        if slot.status != ECA_NORMAL:
            return CANothing(name, slot.status)
        if self.operation == Operation.Get:
            plan = <Plan> self.plans[i]
            return decode(plan, slot.block,
                          (<Channel> self.channels[i]).attributes_of(plan), False)
        return (<Channel> self.channels[i]).success()
