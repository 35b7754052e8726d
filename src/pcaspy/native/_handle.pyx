# distutils: language = c++
# cython: nonecheck=True
"""A served PV: the base of casPV, and what is done with one or with many.

Threads: everything in these modules needs the GIL. What may wait or end threads in the
engine is called without it. `Pv.set`, `Pv.post` and `Request.complete` keep it: they
hold leaf locks for the time of a pointer swap, and a thread that gave the GIL up there
would wait for it behind each computing thread, and could let two values change places.
"""

import itertools
import logging
import weakref

cimport cython
from cpython.object cimport PyTypeObject
from cpython.ref cimport PyObject
from libc.string cimport memcmp
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.string_view cimport string_view

from pcaspy.native._cpp.pv cimport Pv, create_pv
from pcaspy.native._cpp.snapshot cimport NewSnapshot, SnapshotPtr
from pcaspy.native._cpp.text cimport bytes_of_text, text_of
from pcaspy.native._cpp.to_snapshot cimport Strictness, snapshot_of
from pcaspy.native._cpp.types cimport ECA_NORMAL
from pcaspy.native._fields cimport Fields, InfoBase
from pcaspy.native._time cimport StampBase

cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py":
    void no_attributes_yet(PvHandle pv) noexcept

cdef extern from "pcaspy/native/memory.hpp" namespace "pcas::py" nogil:
    void trim_memory() noexcept

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object)
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL

_set_logger = logging.getLogger("pcaspy.Driver.setParam")


# Those that there are, by their numbers.
_claimants = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


cdef class Claimant:
    """Who may serve a PV: a Server, as PVs know it."""

    def __cinit__(self):
        self.number = next(_numbers)
        _claimants[self.number] = self

    cdef bint is_running(self) noexcept:
        return False


@cython.final
cdef class Way:
    """A driver and how its PVs use it, shared by them.

    Args:
        driver: Who answers, or None.
        reads: Gets have to ask its `read`.
        updates: Puts have to call its `updatePV`.
        client_how: How its `write` gets the client; None: it does not.
    """

    def __init__(self, driver, bint reads, bint updates, client_how=None):
        self.driver, self.client_how = driver, client_how
        self.reads, self.updates = reads, updates


@cython.final
cdef class Seldom:
    """What few PVs have."""


cdef class PvHandle:
    """Base of casPV: owns the engine's PV.

    It has no name that Python sees: those belong to users' classes. What is to be done
    with one, the functions behind it do.
    """

    def __cinit__(self):
        no_attributes_yet(self)

    def __dealloc__(self):
        disown(self)


cdef void disown(PvHandle pv) noexcept:
    if pv.pv.get() and pv.pv.get().owner == <PyObject*>pv:
        pv.pv.get().owner = NULL


cdef Seldom seldom_of(PvHandle pv):
    if pv.seldom is None:
        pv.seldom = Seldom()
    return pv.seldom


cdef object name_held(PvHandle pv):
    """The full name; None before it is known. Mostly the very str that its info has."""
    cdef string_view name
    cdef const char* text
    cdef Py_ssize_t size = 0
    if pv.seldom is not None and pv.seldom.name is not None:
        return pv.seldom.name
    if pv.pv.get() == NULL:
        return None
    name = pv.pv.get().name()
    if pv.info is not None and type(pv.info.name) is str:
        if PyUnicode_IS_ASCII(pv.info.name):
            text = PyUnicode_AsUTF8AndSize(pv.info.name, &size)
            if <size_t>size == name.size() and memcmp(text, name.data(), size) == 0:
                return pv.info.name
    return text_of(name.data(), name.size())


cdef Pv* opened(PvHandle pv) except NULL:
    if pv.pv.get() == NULL:
        raise ValueError(f"{type(pv).__name__} {name_held(pv)!r} is not ready to be"
                         " served")
    return pv.pv.get()


cdef int open_as(PvHandle pv, name) except -1:
    """Makes the engine's PV, of that name."""
    cdef Fields fields = pv.info.fields
    disown(pv)
    pv.pv = create_pv(bytes_of_text(name), fields.max_count, fields.unset)
    if pv.seldom is not None:
        pv.seldom.name = None
    pv.pv.get().owner = <PyObject*>pv
    pv.pv.get().set_reads_by_request(True)
    if fields.guarded:
        set_access_group(pv, fields.values["asg"])
        set_read_only(pv, fields.values["readonly"])
    return 0


cdef bint suits(PvHandle pv, Fields fields) except -1:
    """Type and count are those that the engine's PV was made for."""
    return (opened(pv).type() == fields.type
            and opened(pv).max_count() == fields.max_count)


cdef int claim(PvHandle pv, Claimant server) except -1:
    """From now on `server` serves it, and no other."""
    cdef Claimant before
    opened(pv)
    if pv.marks.server == server.number:
        return 0
    before = _claimants.get(pv.marks.server)
    if (before is not None and before.is_running()
            and not pv.pv.get().sole_ref()):
        raise ValueError(f"PV {name_held(pv)} is served by another server")
    pv.marks.server = server.number
    return 0


cdef SnapshotPtr snapshot_for(
        PvHandle pv, value, alarm, severity, StampBase when) except *:
    cdef Fields fields = pv.info.fields
    cdef NewSnapshot made
    if not suits(pv, fields):
        raise ValueError(f"PV {name_held(pv)} has another type or size now, which"
                         " holds for new channels")
    made = converted(pv, value, Strictness.Checked)
    made.get().time.seconds = when.seconds
    made.get().time.nanoseconds = when.nanos
    made.get().alarm.status, made.get().alarm.severity = alarm, severity
    made.get().metadata = fields.metadata
    return SnapshotPtr(made)


cdef NewSnapshot converted(PvHandle pv, value, Strictness strictness) except *:
    """A new snapshot of `value`, not yet stamped."""
    cdef cbool cut = False
    cdef Fields fields = pv.info.fields
    cdef NewSnapshot made
    try:
        if strictness == Strictness.Checked:
            strictness = fields.strictness
        made = snapshot_of(value, fields.target(), strictness, cut)
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"PV {name_held(pv)}: {shortened(value)} does not fit: {error}"
                   ) from error
    if cut and not pv.marks.warned:
        pv.marks.warned = True
        _set_logger.warning("%s: more than %d elements are left out",
                            name_held(pv), fields.max_count)
    return made


def open_pv(PvHandle pv not None, str name not None, InfoBase info not None,
            bint given=False):
    """Makes the engine's PV; again, where there was one.

    Args:
        pv: The handle.
        name: The full name.
        info: What is known of it.
        given: Its methods need not be asked for what is in `info`.
    """
    pv.info, pv.marks.given = info, given
    open_as(pv, name)


def open_pvs(kind, list infos not None):
    """Puts a PV of class `kind` in the place of each info, made with it.

    Its __init__ is not called: nothing but `open_pv` is done.
    """
    cdef Py_ssize_t i
    cdef InfoBase info
    cdef PvHandle pv
    cdef tuple nothing = ()
    for i in range(len(infos)):
        info = infos[i]
        pv = (<PyTypeObject*>kind).tp_new(kind, <PyObject*>nothing, NULL)
        pv.info, pv.marks.given = info, True
        open_as(pv, info.name)
        infos[i] = pv


def by_port(list pvs not None):
    """({port: [PV]}, PVs with `autosave`, PVs with `alias`) of PVs with an info."""
    cdef dict ports = {}
    cdef list saved = [], others = [], members = None
    cdef Fields last = None
    cdef PvHandle pv
    for pv in pvs:
        if pv.info.fields is not last:
            last = pv.info.fields
            members = ports.setdefault(last.values["port"], [])
            autosave, alias = last.values["autosave"], last.values["alias"]
        members.append(pv)
        if autosave:
            saved.append(pv)
        if alias:
            others.append(pv)
    return ports, saved, others


def put_names(table, list pvs not None):
    """Puts each PV into a dict under its name; those whose place it takes."""
    cdef PvHandle pv
    cdef list replaced = []
    for pv in pvs:
        name = name_held(pv)
        old = (<dict>table).setdefault(name, pv)
        if old is not pv:
            replaced.append(old)
            (<dict>table)[name] = pv
    return replaced


def put_reasons(table, list pvs not None):
    """The same under its reason: [(PV, the one whose place it takes)]."""
    cdef PvHandle pv
    cdef list replaced = []
    for pv in pvs:
        old = (<dict>table).setdefault(pv.info.reason, pv)
        if old is not pv:
            replaced.append((pv, old))
            (<dict>table)[pv.info.reason] = pv
    return replaced


def give_memory_back():
    """What was needed for a while goes back to the system, where that can be asked."""
    with nogil:
        trim_memory()


def reopen_pv(PvHandle pv not None):
    """Makes the engine's PV again if type or count changed; returns whether."""
    if suits(pv, pv.info.fields):
        return False
    open_as(pv, name_held(pv))
    return True


def is_open(PvHandle pv not None):
    """`open_pv` was called."""
    return pv.pv.get() != NULL


def is_given(PvHandle pv not None):
    """It was made with its info."""
    return bool(pv.marks.given)


def name_of(PvHandle pv not None):
    """The full name; None before it is known."""
    return name_held(pv)


def set_name(PvHandle pv not None, str name not None):
    """What logs and tables call it."""
    seldom_of(pv).name = name


def info_of(PvHandle pv not None):
    """What is known of it: a PVInfo, or None."""
    return pv.info


def set_info(PvHandle pv not None, InfoBase info not None):
    """Replaces what is known of it.

    Raises:
        ValueError: Its methods are not asked, and type or size differ.
    """
    if pv.marks.given and not suits(pv, info.fields):
        raise ValueError(f"PV {name_held(pv)} cannot get another type or size so")
    pv.info = info


def driver_of(PvHandle pv not None):
    """Who answers for it, or None."""
    return None if pv.way is None else pv.way.driver


def has_interest(PvHandle pv not None):
    """A client subscribes."""
    return pv.pv.get() != NULL and pv.pv.get().has_subscriptions()


def is_in_use(PvHandle pv not None):
    """A channel, a table or a request refers to it."""
    return pv.pv.get() != NULL and not pv.pv.get().sole_ref()


def wants_interest(PvHandle pv not None):
    """From now on Python is notified of the first and of the last subscription."""
    opened(pv).set_wants_interest(True)


def end_put(PvHandle pv not None):
    """The driver is done with the put callback that it was asked to carry out."""
    opened(pv).end_put(ECA_NORMAL)


def writes_of(PvHandle pv not None, make):
    """What its asynchronous writes are kept in, made by ``make()`` at first."""
    cdef Seldom seldom = seldom_of(pv)
    if seldom.writes is None:
        seldom.writes = make()
    return seldom.writes


def access_group_of(PvHandle pv not None):
    """What `setAccessSecurityGroup` was given; None: it was not called."""
    return None if pv.seldom is None else pv.seldom.group


def remember_access_group(PvHandle pv not None, str group not None):
    """The group that a channel will find."""
    seldom_of(pv).group = group


def set_access_group(PvHandle pv not None, group):
    """The group of access security whose rules hold for this PV."""
    cdef string name = bytes_of_text(group)
    opened(pv)
    with nogil:
        pv.pv.get().set_access_group(name)


def set_read_only(PvHandle pv not None, bint on):
    """Makes it readonly for all clients, or not; connected clients are notified."""
    opened(pv)
    with nogil:
        pv.pv.get().set_read_only(on)


cdef object shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "..."


cdef object moved(PvHandle pv):
    return ValueError(f"PV {name_held(pv)}: it was replaced while its value was set")
