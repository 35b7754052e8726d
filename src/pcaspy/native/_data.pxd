cimport cython

from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._cpp.snapshot cimport SnapshotPtr, TimeStamp
from pcaspy.native._handle cimport PvHandle, linked_data
from pcaspy.native._value cimport StoredValue


@cython.final
cdef class Data(StoredValue):
    cdef dict __dict__

    cdef set_and_post(self, value, TimeStamp when)
    cdef EventMask take(self, value, TimeStamp when) except? 0xff
    cdef post_now(self, bint by_scan)
    cdef send_now(self)
    cdef send_event(self, EventMask mask)
    cdef SnapshotPtr read_result(self, PvHandle pv, value) except *


cdef inline Data data_linked_to(PvHandle pv):
    """The Data that holds the value of `pv`, or None."""
    return <Data>linked_data(pv)
