"""What a new value is worth: the events for monitors and archivers (MDEL, ADEL)."""

cimport cython
from libc.math cimport INFINITY, NAN, fabs, isnan

from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.pv cimport EventMask, kLogEvent, kValueEvent
from pcaspy.native._cpp.snapshot cimport NewSnapshot
from pcaspy.native._cpp.types cimport DbfType
from pcaspy.native._fields cimport Fields, InfoBase


cdef inline object number_of(value, const NewSnapshot& snapshot):
    """`value` if it is a plain number, else the one that the snapshot holds."""
    if type(value) is float or type(value) is int:
        return value
    return value_of(snapshot.get()[0])


cdef inline double distance(double last, double new) noexcept nogil:
    """How far a number has moved, as an IOC's recGblCheckDeadband sees it."""
    cdef double delta = fabs(last - new)
    if not isnan(delta):
        return delta
    return 0 if isnan(last) == isnan(new) else INFINITY   # 0: the same infinity, too


cdef inline double moved_by(Fields fields, last, number, double new) except? -1:
    cdef double before
    if ((fields.type == DbfType.Int64 or fields.type == DbfType.UInt64)
            and isinstance(last, int)):
        return abs(last - number)        # a double has too few digits
    before = last
    return distance(before, new)


@cython.nonecheck(True)
cdef inline EventMask deadband(
        InfoBase info, value, const NewSnapshot& snapshot) except? 0xff:
    """The events that a change to `value` is worth."""
    cdef Fields fields = info.fields
    cdef double new
    cdef EventMask mask = 0
    if (fields.max_count > 1 or fields.type == DbfType.Char
            or fields.type == DbfType.Structure):
        return kValueEvent | kLogEvent
    if fields.type == DbfType.String:
        text = value
        if type(value) is not str and value is not None:
            text = value_of(snapshot.get()[0])
        if text == info.mlst:
            return 0
        info.mlst = info.alst = text
        return kValueEvent | kLogEvent
    number = number_of(value, snapshot)
    if info.mlst is None or isinstance(info.mlst, str):    # of an enum, a label
        info.mlst = info.alst = NAN
        mask = kValueEvent | kLogEvent
    try:
        new = number
    except OverflowError:        # stored as the largest that there is
        number = value_of(snapshot.get()[0])
        new = number
    if moved_by(fields, info.mlst, number, new) > fields.mdel or mask:
        mask |= kValueEvent
        info.mlst = number
    if (moved_by(fields, info.alst, number, new) > fields.adel
            or mask == (kValueEvent | kLogEvent)):
        mask |= kLogEvent
        info.alst = number
    return mask
