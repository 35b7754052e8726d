cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport uint32_t

from pcaspy.native._cpp.alarm_limits cimport AlarmLimits, Limit, check_alarm
from pcaspy.native._cpp.codec cimport DecodeTarget
from pcaspy.native._cpp.metadata cimport Metadata, MetadataPtr, RecordDetails
from pcaspy.native._cpp.snapshot cimport (
    AlarmState, NewSnapshot, SnapshotPtr, TimeStamp)
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._cpp.types cimport DbfType


@cython.final
cdef class Fields:
    cdef readonly dict values
    cdef readonly frozenset given
    cdef DbfType type
    cdef readonly bint exact     # what the type has not got is refused
    cdef readonly bint as_stored     # a value is shown as clients see it
    cdef readonly bint any_float     # a float is kept as it is, whatever its value
    cdef readonly bint is_text   # characters: a value is a str
    cdef Strictness strictness   # of what drivers set
    cdef uint32_t max_count
    cdef double mdel
    cdef double adel
    cdef readonly bint scanned
    cdef readonly bint asyn
    cdef bint guarded            # readonly, or in a group of access security
    cdef bint looks_back         # an alarm depends on what was before
    cdef AlarmLimits limits
    cdef MetadataPtr metadata
    cdef SnapshotPtr unset       # of the PVs that have no value yet
    # The first snapshot of the PVs with the same value that a driver took together.
    cdef SnapshotPtr first
    cdef object first_value
    cdef bint first_defined
    cdef TimeStamp first_time

    cdef int take_limits(self) except -1
    cdef double limit(self, name) except? -1
    cdef MetadataPtr make_metadata(self, str message=*) except *
    cdef keep_exact(self, Metadata* m)
    cdef RecordDetails details(self) except *
    cdef DecodeTarget target(self)
    cdef NewSnapshot made_of_nothing(self) except *


@cython.final
cdef class Alike:
    cdef tuple names             # of the fields of the entry but `value`, and
    cdef tuple values            # theirs
    cdef readonly Fields fields
    cdef object zero             # the value where none is given; None: is not known

    cdef bint matches(self, dict entry, PyObject** value) except -1


cdef class InfoBase:
    cdef public Fields fields
    cdef public object reason
    cdef public object name
    cdef public object value
    cdef public bint has_value   # `value` was given, and is not None
    cdef public object mlst      # the value last marked for monitors
    cdef public object alst      # the value last marked for archivers
    cdef dict __dict__           # what programs add


@cython.nonecheck(True)
cdef inline AlarmState alarm_of(Fields fields, value, const NewSnapshot& snapshot):
    """The alarm that the limits and states give to `value`; None has none."""
    cdef AlarmState none
    if value is None:
        none.status = none.severity = 0
        return none
    return check_alarm(fields.limits, snapshot.get()[0])
