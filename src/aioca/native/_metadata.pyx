# distutils: language = c++
"""The metadata of a subscription with FORMAT_FULL.

Its values carry alarm and time stamp; units, limits and enum strings come from a second
libca subscription, which the server updates when they change (DBE_PROPERTY).
"""

from copy import copy

from aioca.native._channel cimport Channel
from aioca.native._cpp.block cimport STATUS_ONLY, Block, free_block
from aioca.native._cpp.calls cimport close_monitor, subscribe
from aioca.native._cpp.channel cimport NativeMonitor
from aioca.native._cpp.db_access cimport DBE_ALARM, DBE_PROPERTY, DBE_VALUE
from aioca.native._cpp.process cimport has_ended
from aioca.native._cpp.queue cimport Node
from aioca.native._decode cimport decode
from aioca.native._loop cimport Sink
from aioca.native._plan cimport Plan, plan_for

from aioca._epics import dbr

#: Format of a subscription whose values carry alarm, time stamp and metadata
FORMAT_FULL = 3
cdef dict DEFAULT_EVENTS = {
    dbr.FORMAT_RAW: DBE_VALUE,
    dbr.FORMAT_TIME: DBE_VALUE | DBE_ALARM,
    dbr.FORMAT_CTRL: DBE_VALUE | DBE_ALARM | DBE_PROPERTY,
    FORMAT_FULL: DBE_VALUE | DBE_ALARM,
}
# Attributes of a value that are no metadata but its own.
cdef frozenset OWN_ATTRIBUTES = frozenset(
    ("name", "ok", "datatype", "element_count", "status", "severity"))


cdef class Metadata:
    """What is known of a channel's metadata, and the subscription to them."""

    def __dealloc__(self):
        self.disown()
        self.close()

    cdef int start(self, Sink subscriber) except -1:
        """Starts; notifies the subscriber of everything that arrives."""
        cdef long wire_type = self.plan.wire_type
        cdef long mask = DBE_PROPERTY
        cdef NativeMonitor* fresh = new NativeMonitor(self.channel.native)
        (<Node*> fresh).owner = <void*> subscriber
        self.native = fresh
        with nogil:
            subscribe(fresh, wire_type, 1, mask)
        return 0

    cdef void disown(self) noexcept:
        """From here on the subscriber is not told any more."""
        if self.native != NULL:
            (<Node*> self.native).queue.disown(self.native)

    cdef void close(self) noexcept:
        """Gives the subscription up, after `disown`."""
        cdef NativeMonitor* native = self.native
        self.native = NULL
        if native == NULL or has_ended():
            return
        with nogil:
            close_monitor(native)

    cdef bint look(self) except -1:
        """Takes in what arrived since. False: nothing is known yet."""
        cdef Block* block = NULL
        if self.native != NULL:
            block = self.native.take_oldest()
        if block == NULL:
            return self.fields is not None
        try:
            fresh = {}
            if block.type != STATUS_ONLY:
                attributes = self.channel.attributes_of(self.plan)
                described = decode(self.plan, block, attributes, False)
                fresh = {key: value for key, value in vars(described).items()
                         if key not in OWN_ATTRIBUTES}
        finally:
            free_block(block)
        self.refresh = (self.last is not None and self.last.ok
                        and repr(fresh) != repr(self.fields))
        self.fields = fresh
        return True

    cdef int add_to(self, object value) except -1:
        """Completes a value, the latest one."""
        if self.fields and value.ok:
            value.__dict__.update(self.fields)
        self.last = value
        self.refresh = False
        return 0

    cdef object refreshed(self):
        """The latest value once more, if it has not had the present metadata."""
        if not self.refresh:
            return None
        self.refresh = False
        attributes = dict(vars(self.last), **self.fields)
        value = copy(self.last)
        value.__dict__ = attributes
        self.last = value
        return value


cdef Metadata metadata_of(Channel channel, object datatype, Plan values):
    """The metadata for values of this plan. A type that has none needs no `start`."""
    cdef Metadata made = Metadata.__new__(Metadata)
    made.channel = channel
    made.plan = plan_for(datatype, dbr.FORMAT_CTRL, channel.native_type,
                         channel.long_string)
    if made.plan.wire_type == values.wire_type:
        made.fields = {}
    return made


cdef object default_events(object format):
    """The changes that cause an update, unless the program says which."""
    return DEFAULT_EVENTS[format]
