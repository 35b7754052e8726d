cimport cython
from cpython.ref cimport PyObject
from libcpp cimport bool as cbool

from pcaspy.native._cpp.alarm_limits cimport AlarmHistory
from pcaspy.native._cpp.metadata cimport MetadataPtr
from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._cpp.snapshot cimport AlarmState, Snapshot
from pcaspy.native._fields cimport Fields
from pcaspy.native._handle cimport Py_REFCNT, PvHandle

cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py" nogil:
    ctypedef struct DataMarks:
        cbool flag
        cbool queued
        cbool own_value
        cbool own_alarm
        cbool own_update
        cbool nothing
        cbool udf
        cbool read_failed


@cython.final
cdef class Changed:
    cdef readonly list waiting
    cdef object later


@cython.final
cdef class Extra:
    """What few Data have."""
    cdef tuple aliases           # further PVs of the same reason
    # With alarm limits that look back:
    cdef AlarmHistory history
    cdef bint begun              # it is of these limits
    cdef AlarmState judged       # what it said last
    cdef double planned          # when it is looked at again; NaN: not
    # With a message of the alarm:
    cdef str message             # or None
    cdef MetadataPtr metadata    # of `fields`, with the message
    cdef Fields fields

    cdef AlarmState check(
        self, Fields fields, const Snapshot& snapshot, AlarmState now)


cdef class Links:
    cdef PvHandle pv             # None while not linked
    cdef Extra extra             # or None
    cdef Changed changed         # the driver's Data with events that wait, or None
    cdef EventMask mask_
    cdef DataMarks marks

    cdef Extra special(self)
    cdef tuple aliases(self)
    cdef void detach(self) noexcept
    cdef PvHandle linked(self)
    cdef join(self, PvHandle pv, Changed changed, overrides)
    cdef leave(self)
    cdef add_alias(self, PvHandle pv)
    cdef drop_alias(self, PvHandle pv)
    cdef mark(self, EventMask mask)
    cdef queue(self)


cdef void apply_reads(PvHandle pv) noexcept


cdef inline Links linked_data(PvHandle pv):
    """The Data that holds its value; one that is just being deleted is none."""
    if pv.data_ == NULL or Py_REFCNT(pv.data_) == 0:
        return None
    return <Links>pv.data_
