# distutils: language = c++
# cython: nonecheck=True
"""The value of a Data as it was given, and the snapshot that answers gets."""

from libc.math cimport NAN, isnan
from libc.stdint cimport int32_t

from pcaspy.native._cpp.from_snapshot cimport bytes_of, holds_exactly, value_of
from pcaspy.native._cpp.metadata cimport MetadataPtr
from pcaspy.native._cpp.snapshot cimport (
    AlarmState, NewSnapshot, SnapshotPtr, restamped)
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._cpp.types cimport DbfType
from pcaspy.native._fields cimport Fields, alarm_of
from pcaspy.native._handle cimport PvHandle, converted, moved, opened
from pcaspy.native._links cimport Changed, Extra, Links, apply_reads
from pcaspy.native._time cimport StampBase

_DTYPE_OF_DBF = {<int>DbfType.Char: "u1", <int>DbfType.Short: "i2",
                 <int>DbfType.Enum: "u2", <int>DbfType.Long: "i4",
                 <int>DbfType.Float: "f4", <int>DbfType.Double: "f8",
                 <int>DbfType.Int8: "i1", <int>DbfType.UInt8: "u1",
                 <int>DbfType.UInt16: "u2", <int>DbfType.UInt32: "u4",
                 <int>DbfType.Int64: "i8", <int>DbfType.UInt64: "u8",
                 <int>DbfType.Bool: "?"}
_IN_SNAPSHOT = object()     # the value is an array that is made when asked for


cdef class StoredValue(Links):
    """A value and its alarm and time, for the PVs that it is linked to."""

    # ---- links, made by the driver's pvDB ----

    def link(self, PvHandle pv not None, Changed changed, overrides=(False,) * 3):
        """Holds the value of `pv` from now on; an unlinked Data brings its own."""
        opened(pv)
        self.value_ = self.shown()      # an array leaves the snapshot
        self.stored.reset()
        self.detach()
        self.join(pv, changed, overrides)
        if self.marks.flag and not self.marks.queued:
            self.queue()
        self.store(self.value_)

    def start(self, PvHandle pv not None, Changed changed, StampBase when not None,
              overrides=(False,) * 3, bint defined=False):
        """Links a new Data with the value that the PV's info starts with.

        Where that is `defined` it has the alarm that the limits give, else UDF.
        """
        cdef Fields fields = pv.info.fields
        cdef NewSnapshot made
        opened(pv)
        self.value_ = pv.info.value
        self.time_.seconds, self.time_.nanoseconds = when.seconds, when.nanos
        if (fields.first.get() == NULL or fields.first_value is not self.value_
                or fields.first_defined != defined or overrides[1]
                or fields.first_time.seconds != self.time_.seconds
                or fields.first_time.nanoseconds != self.time_.nanoseconds):
            made = made_of(pv, self.value_, Strictness.Checked)
            if defined and overrides[1]:
                self.alarm_.status, self.alarm_.severity = pv.info.checkAlarm(
                    self.value_)
            elif defined:
                self.alarm_ = alarm_of(fields, self.value_, made)
            fields.first = self.stamped(made, fields)
            fields.first_value, fields.first_time = self.value_, self.time_
            fields.first_defined = defined
        self.alarm_ = fields.first.get().alarm
        self.join(pv, changed, overrides)
        self.publish(fields.first)
        self.note_nothing()

    def alias(self, PvHandle pv not None):
        """Gives the value to `pv`, which has another name for the same reason, too."""
        if pv is self.pv:
            return
        opened(pv)
        self.linked()
        self.add_alias(pv)
        self.publish_alias(pv)
        apply_reads(pv)

    def unlink(self, PvHandle pv=None):
        """Releases `pv`, or all PVs."""
        if pv is not None and pv is not self.pv:
            self.drop_alias(pv)
            return
        self.value_ = self.shown()      # an array leaves the snapshot
        self.leave()
        self.stored.reset()

    # ---- alarms ----

    cdef AlarmState judge(self, Fields fields, value, const NewSnapshot& made):
        """The alarm that the limits and states give to `value` now."""
        if not fields.looks_back or value is None:
            if self.extra is not None:
                self.extra.begun = False
            return alarm_of(fields, value, made)
        return self.special().check(fields, made.get()[0], self.alarm_)

    cdef bint set_alarm(self, AlarmState alarm) noexcept:
        """Takes it; whether it is another one, which ends the message."""
        if (alarm.status == self.alarm_.status
                and alarm.severity == self.alarm_.severity):
            return False
        self.alarm_ = alarm
        if self.extra is not None:
            self.extra.message = None
        return True

    cdef plan(self):
        """Has the alarm looked at again when a delay is over."""
        cdef Extra extra = self.extra
        cdef double due = extra.history.due() if extra.begun else NAN
        if isnan(due) or extra.planned <= due:
            return
        if self.changed is not None and self.changed.later is not None:
            extra.planned = due
            self.changed.later(self, due)

    cdef MetadataPtr metadata_of(self, Fields fields) except *:
        """The metadata that clients get, with the message of the alarm."""
        cdef Extra extra = self.extra
        if extra is None or extra.message is None:
            return fields.metadata
        if extra.fields is not fields:
            extra.metadata = fields.make_metadata(extra.message)
            extra.fields = fields
        return extra.metadata

    # ---- values ----

    cdef object shown(self):
        """The value as it was given."""
        if self.value_ is _IN_SNAPSHOT:
            if self.stored.get().type() == DbfType.Structure:
                return value_of(self.stored.get()[0])
            import numpy
            dtype = _DTYPE_OF_DBF[<int>self.stored.get().type()]
            self.value_ = numpy.frombuffer(bytes_of(self.stored.get()[0]), dtype)
        return self.value_

    cdef void keep(self, value, const NewSnapshot& made):
        """Remembers the value as given; its owner may change lists and arrays."""
        if type(value) is float or type(value) is int or type(value) is str:
            self.value_ = value
        elif made.get().type() == DbfType.Structure and value is not None:
            self.value_ = _IN_SNAPSHOT
        elif isinstance(value, list):
            self.value_ = list(value)
        elif hasattr(value, "__array_interface__") and hasattr(value, "copy"):
            if (type(value).__name__ == "ndarray"
                    and holds_exactly(value, made.get()[0])):
                self.value_ = _IN_SNAPSHOT
            else:
                self.value_ = value.copy()
        else:
            self.value_ = value
        self.note_nothing()

    cdef void note_nothing(self) noexcept:
        cdef PvHandle pv
        if self.marks.nothing == (self.value_ is None):
            return
        self.marks.nothing = self.value_ is None
        if self.pv is not None:
            apply_reads(self.pv)
        for pv in self.aliases():
            apply_reads(pv)

    cdef SnapshotPtr stamped(self, NewSnapshot made, Fields fields) except *:
        made.get().time = self.time_
        made.get().alarm = self.alarm_
        made.get().metadata = (
            fields.metadata if self.extra is None else self.metadata_of(fields))
        if fields.type == DbfType.Structure:
            made.get().mutable_structure().number = <int32_t>self.images
        return SnapshotPtr(made)

    cdef publish(self, SnapshotPtr snapshot):
        """Gets are answered with `snapshot` from now on."""
        if not fits(self.pv, snapshot):
            raise moved(self.pv)
        self.stored = snapshot
        self.pv.pv.get().set(snapshot)
        if self.extra is not None:
            for pv in self.extra.aliases:
                self.publish_alias(pv)

    cdef publish_alias(self, PvHandle pv):
        cdef Fields fields = pv.info.fields
        cdef SnapshotPtr snapshot = self.stamped(
            made_of(pv, self.shown(), Strictness.Lenient), fields)
        if fits(pv, snapshot):
            pv.pv.get().set(snapshot)

    cdef store(self, value):
        """Replaces value and snapshot, no event."""
        cdef NewSnapshot made
        cdef PvHandle pv
        if self.pv is None:
            self.value_ = value
            return
        pv = self.pv
        made = made_of(pv, value, Strictness.Checked)
        if self.pv is not pv:
            raise moved(pv)
        if pv.info.fields.as_stored and value is not None:
            value = value_of(made.get()[0])
        self.keep(value, made)
        self.publish(self.stamped(made, pv.info.fields))

    cdef restamp(self):
        cdef Fields fields
        if self.pv is not None and fits(self.pv, self.stored):
            fields = self.pv.info.fields
            self.publish(restamped(
                self.stored.get()[0], self.time_, self.alarm_,
                self.metadata_of(fields)))


cdef NewSnapshot made_of(PvHandle pv, value, Strictness strictness) except *:
    """A new snapshot of a Data's value, which may be None."""
    cdef Fields fields = pv.info.fields
    if value is None:
        return fields.made_of_nothing()
    return converted(pv, value, strictness)
