cimport cython
from cpython.ref cimport PyObject
from libcpp cimport bool as cbool

from pcaspy.native._cpp.pv cimport EventMask, Pv, PvCompanionPtr, PvPtr
from pcaspy.native._cpp.snapshot cimport NewSnapshot, SnapshotPtr
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._fields cimport Fields, InfoBase
from pcaspy.native._time cimport StampBase

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)


cdef class Claimant:
    """Who may serve a PV: a Server, as PVs know it."""
    cdef object __weakref__

    cdef bint is_running(self) noexcept


cdef class PvHandle:
    cdef PvPtr pv
    cdef PyObject* data_         # the Data linked to this PV; borrowed, Data clears it
    cdef InfoBase info           # None before open_pv
    cdef object name             # the full name, a str; None before it is known
    cdef object driver           # registered for this PV's port, or None
    cdef object writes           # what its asynchronous writes are kept in, or None
    cdef object group            # of access security, where setAccessSecurityGroup said
    cdef object server           # weak reference to the Server that it is served by
    cdef object client_how       # how driver.write gets the client: None, it does not
    cdef cbool plain_write       # puts need nothing but driver.write
    cdef cbool plain_read        # gets need nothing but driver.read
    cdef cbool given             # made with its info: nobody need ask its methods
    cdef cbool asks              # gets are for Python
    cdef cbool warned            # that a value had too many elements
    # Here, and not in casPV: the interpreter makes more of them at once than few need.
    cdef dict __dict__           # what programs add
    cdef object __weakref__

    cdef Pv* opened(self) except NULL
    cdef int open(self) except -1
    cdef bint fits(self, Fields fields) except -1
    cdef void disown(self) noexcept
    cdef void apply_reads(self) noexcept
    cdef int claim(self, Claimant server) except -1
    cdef SnapshotPtr snapshot(self, value, alarm, severity, StampBase when) except *
    cdef NewSnapshot convert(self, value, Strictness strictness) except *


@cython.final
cdef class Changed:
    cdef readonly list waiting
    cdef object later


cdef class Links:
    cdef PvHandle pv             # None while not linked
    cdef tuple aliases           # further PVs of the same reason
    cdef Changed changed         # the driver's Data with events that wait, or None
    cdef EventMask mask_
    cdef cbool flag_
    cdef cbool queued            # is in `changed`
    cdef cbool own_value         # the info overrides checkValue,
    cdef cbool own_alarm         # checkAlarm;
    cdef cbool own_update        # the PV overrides updateValue
    cdef cbool nothing           # the value is None: gets fail

    cdef void detach(self) noexcept
    cdef PvHandle linked(self)
    cdef join(self, PvHandle pv, Changed changed, overrides)
    cdef leave(self)
    cdef add_alias(self, PvHandle pv)
    cdef drop_alias(self, PvHandle pv)
    cdef mark(self, EventMask mask)
    cdef queue(self)


cdef object moved(PvHandle pv)


cdef inline Links linked_data(PvHandle pv):
    """The Data that holds its value; one that is just being deleted is none."""
    if pv.data_ == NULL or Py_REFCNT(pv.data_) == 0:
        return None
    return <Links>pv.data_


cdef inline PvHandle record_of(const PvPtr& pv):
    """The handle of the PV that the engine's PV is a field of, or None."""
    cdef PvCompanionPtr companion
    cdef void* owner = NULL
    if (<PvPtr*>&pv).get() != NULL:
        companion = (<PvPtr*>&pv).get().companion()
        if companion.get() != NULL:
            owner = companion.get().owner_of_record()
    if owner == NULL or Py_REFCNT(<PyObject*>owner) == 0:
        return None
    return <PvHandle>owner


cdef inline PvHandle handle_of(const PvPtr& pv):
    """The handle that owns the engine's PV, or None."""
    cdef Pv* engine_pv = (<PvPtr*>&pv).get()
    # Without references it is being destroyed; that may let go of the GIL.
    if (engine_pv == NULL or engine_pv.owner == NULL
            or Py_REFCNT(<PyObject*>engine_pv.owner) == 0):
        return None
    return <PvHandle>engine_pv.owner
