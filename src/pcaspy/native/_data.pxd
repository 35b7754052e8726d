cimport cython

from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._cpp.snapshot cimport SnapshotPtr, TimeStamp
from pcaspy.native._handle cimport PvHandle
from pcaspy.native._links cimport linked_data
from pcaspy.native._value cimport StoredValue


@cython.final
cdef class Data(StoredValue):
    cdef dict __dict__

    cdef bint set_and_post(self, value, TimeStamp when) except -1
    cdef EventMask take(self, value, TimeStamp when) except? 0xff
    cdef bint post_now(self, bint by_scan) except -1
    cdef bint send_now(self) except -1
    cdef bint send_event(self, EventMask mask) except -1
    cdef wait_for_servers(self)
    cdef SnapshotPtr read_result(self, PvHandle pv, value) except *


cdef inline Data data_linked_to(PvHandle pv):
    """The Data that holds the value of `pv`, or None."""
    return <Data>linked_data(pv)
