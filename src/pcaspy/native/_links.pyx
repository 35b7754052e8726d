# distutils: language = c++
# cython: nonecheck=True
"""The PVs that a Data belongs to, and the events that wait to be posted for it."""

from cpython.ref cimport PyObject

from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._handle cimport PvHandle


cdef class Links(LinkedData):
    """A Data's place among the PVs of a driver."""

    def __cinit__(self):
        self.aliases = ()

    cdef void detach(self) noexcept:
        """No PV says any more that this is its value. Runs no code of users."""
        cdef PvHandle pv
        if self.pv is not None and self.pv.data_ == <PyObject*>self:
            self.pv.data_ = NULL
        for pv in self.aliases:
            if pv.data_ == <PyObject*>self:
                pv.data_ = NULL

    cdef PvHandle linked(self):
        """The PV that it belongs to."""
        if self.pv is None:
            raise ValueError("this Data belongs to no PV of a driver")
        return self.pv

    cdef join(self, PvHandle pv, list changed, overrides):
        """Belongs to `pv`, and joins the queue `changed` of its driver."""
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides

    cdef leave(self):
        """Belongs to no PV, and waits in no queue."""
        if self.queued:
            self.queued = False
            if self in self.changed:
                self.changed.remove(self)
        self.detach()
        self.pv = self.changed = None
        self.aliases = ()

    cdef add_alias(self, PvHandle pv):
        """`pv` has another name for the same reason."""
        if not any([other is pv for other in self.aliases]):
            self.aliases += (pv,)
        pv.data_ = <PyObject*>self

    cdef drop_alias(self, PvHandle pv):
        """Undoes `add_alias`."""
        self.aliases = tuple([other for other in self.aliases if other is not pv])
        if pv.data_ == <PyObject*>self:
            pv.data_ = NULL

    cdef mark(self, EventMask mask):
        self.mask_ |= mask
        self.flag_ = True
        if not self.queued:
            self.queue()

    cdef queue(self):
        if self.changed is not None:
            self.changed.append(self)
            self.queued = True

    @property
    def handle(self):
        """The PV that this value belongs to, or None."""
        return self.pv

    def handles(self):
        """All PVs that have this value."""
        return [] if self.pv is None else [self.pv, *self.aliases]


cdef object moved(PvHandle pv):
    return ValueError(f"PV {pv.name}: it was replaced while its value was set")
