cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport uint32_t
from libcpp cimport bool as cbool

from pcaspy.native._cpp.pv cimport Pv, PvCompanionPtr, PvPtr
from pcaspy.native._cpp.snapshot cimport NewSnapshot, SnapshotPtr
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._fields cimport Fields, InfoBase
from pcaspy.native._time cimport StampBase

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)


cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py" nogil:
    ctypedef struct PvMarks:
        uint32_t server
        cbool plain_write
        cbool plain_read
        cbool given
        cbool asks
        cbool warned


cdef class Claimant:
    """Who may serve a PV: a Server, as PVs know it."""
    cdef uint32_t number         # its own, of all there were in this process
    cdef object __weakref__

    cdef bint is_running(self) noexcept


@cython.final
cdef class Way:
    """A driver and how its PVs use it, shared by them."""
    cdef readonly object driver
    cdef readonly object client_how      # how driver.write gets the client, or None
    cdef readonly bint reads     # gets have to ask driver.read
    cdef readonly bint updates   # puts have to call driver.updatePV


@cython.final
cdef class Seldom:
    """What few PVs have."""
    cdef object name             # another one than the engine's PV has, or None
    cdef object writes           # what its asynchronous writes are kept in, or None
    cdef object group            # of access security, where setAccessSecurityGroup said


# There are as many of it as PVs: it has no methods, which would take room in each, and
# no name but that of the engine's PV.
cdef class PvHandle:
    cdef PvPtr pv
    cdef PyObject* data_         # the Data linked to this PV; borrowed, Data clears it
    cdef InfoBase info           # None before open_pv
    cdef Way way                 # to the driver of this PV's port, or None
    cdef Seldom seldom           # or None
    cdef PvMarks marks
    # Here, and not in casPV: the interpreter makes more of them at once than few need.
    cdef dict __dict__           # what programs add
    cdef object __weakref__


cdef Pv* opened(PvHandle pv) except NULL
cdef bint suits(PvHandle pv, Fields fields) except -1
cdef int claim(PvHandle pv, Claimant server) except -1
cdef SnapshotPtr snapshot_for(
    PvHandle pv, value, alarm, severity, StampBase when) except *
cdef NewSnapshot converted(PvHandle pv, value, Strictness strictness) except *
cdef object name_held(PvHandle pv)


cdef object moved(PvHandle pv)


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
