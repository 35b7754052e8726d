cimport cython
from libc.stdint cimport uint32_t

from pcaspy.native._cpp.metadata cimport MetadataPtr
from pcaspy.native._cpp.snapshot cimport (
    AlarmState, NewSnapshot, SnapshotPtr, TimeStamp)
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._cpp.types cimport DbfType
from pcaspy.native._fields cimport Fields
from pcaspy.native._handle cimport PvHandle
from pcaspy.native._links cimport Links


cdef class StoredValue(Links):
    cdef object value_
    cdef SnapshotPtr stored      # null while not linked to a PV
    cdef TimeStamp time_
    cdef AlarmState alarm_
    cdef uint32_t images         # values so far, for the numbers of images

    cdef AlarmState judge(self, Fields fields, value, const NewSnapshot& made)
    cdef bint set_alarm(self, AlarmState alarm) noexcept
    cdef plan(self)
    cdef MetadataPtr metadata_of(self, Fields fields) except *
    cdef object shown(self)
    cdef void keep(self, value, const NewSnapshot& made)
    cdef void note_nothing(self) noexcept
    cdef SnapshotPtr stamped(self, NewSnapshot made, Fields fields) except *
    cdef publish(self, SnapshotPtr snapshot)
    cdef publish_alias(self, PvHandle pv)
    cdef store(self, value)
    cdef restamp(self)


cdef NewSnapshot made_of(PvHandle pv, value, Strictness strictness) except *


@cython.nonecheck(True)
cdef inline bint fits(PvHandle pv, const SnapshotPtr& snapshot) noexcept:
    """Whether `pv` may have that value: code of users may just have changed it."""
    return (snapshot.get() != NULL
            and snapshot.get().type() == pv.pv.get().type()
            and snapshot.get().count() <= pv.pv.get().max_count())


cdef inline bint stores_nothing(Fields fields) noexcept:
    """setParam takes None: of text and arrays; a number is compared with the last."""
    return fields.max_count > 1 or fields.type == DbfType.String
