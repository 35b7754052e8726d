from libcpp cimport bool as cbool

from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._handle cimport LinkedData, PvHandle


cdef class Links(LinkedData):
    cdef PvHandle pv
    cdef tuple aliases           # further PVs of the same reason
    cdef list changed            # the driver's Data with events that wait, or None
    cdef EventMask mask_
    cdef cbool flag_
    cdef cbool queued            # is in `changed`
    cdef cbool own_value         # the info overrides checkValue,
    cdef cbool own_alarm         # checkAlarm;
    cdef cbool own_update        # the PV overrides updateValue

    cdef void detach(self) noexcept
    cdef PvHandle linked(self)
    cdef join(self, PvHandle pv, list changed, overrides)
    cdef leave(self)
    cdef add_alias(self, PvHandle pv)
    cdef drop_alias(self, PvHandle pv)
    cdef mark(self, EventMask mask)
    cdef queue(self)


cdef object moved(PvHandle pv)
