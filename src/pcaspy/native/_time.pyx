# distutils: language = c++
# cython: nonecheck=True
"""Time stamps, as EPICS counts them."""

from math import isfinite
from operator import index

from pcaspy.native._cpp.clock cimport now
from pcaspy.native._cpp.snapshot cimport TimeStamp
from pcaspy.native._cpp.types cimport POSIX_TIME_AT_EPICS_EPOCH

EPICS_EPOCH = POSIX_TIME_AT_EPICS_EPOCH    # POSIX seconds at 1990-01-01


cdef class StampBase:
    """The two numbers of an epicsTimeStamp, where the binding finds them quickly."""

    @property
    def secPastEpoch(self):
        return self.seconds

    @secPastEpoch.setter
    def secPastEpoch(self, seconds):
        self.seconds = index(seconds)

    @property
    def nsec(self):
        return self.nanos

    @nsec.setter
    def nsec(self, nsec):
        self.nanos = index(nsec)


class epicsTimeStamp(StampBase):
    """A time: seconds since 1990 and nanoseconds. Without arguments: now.

    Both numbers can be set; programs derive from it and change its methods.
    """

    def __init__(self, *args):
        cdef StampBase me = self
        cdef TimeStamp t
        if not args:
            t = now()
            me.seconds, me.nanos = t.seconds, t.nanoseconds
            return
        try:
            seconds, nsec = args
            me.seconds, me.nanos = index(seconds), index(nsec)
        except (OverflowError, TypeError, ValueError):
            raise TypeError(f"epicsTimeStamp wants seconds and nanoseconds, or nothing,"
                            f" not {args!r}") from None

    @staticmethod
    def fromPosixTimeStamp(seconds, nsec=None):
        whole, nsec = since_1970(seconds, nsec)
        whole -= EPICS_EPOCH
        return epicsTimeStamp(whole & 0xffffffff, nsec) if whole >= 0 else (
            epicsTimeStamp(0, 0))

    def __repr__(self):
        return f"epicsTimeStamp({self.secPastEpoch},{self.nsec})"

    def __str__(self):
        return f"{self.secPastEpoch}.{self.nsec}"

    def __reduce__(self):
        return type(self), (self.secPastEpoch, self.nsec)


cdef tuple since_1970(seconds, nsec):
    """Whole seconds and nanoseconds; what is no time at all is 0."""
    if nsec is not None:
        return index(seconds), index(nsec)
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{seconds!r} is no number of seconds")
    seconds = float(seconds)
    if not isfinite(seconds):
        return 0, 0
    return int(seconds), int((seconds - int(seconds)) * 1e9)


cdef TimeStamp stamp_of_another(timestamp) except *:
    """The time of an object that has the two numbers."""
    cdef TimeStamp t
    try:
        t.seconds, t.nanoseconds = timestamp.secPastEpoch, timestamp.nsec
    except AttributeError:
        raise TypeError(
            f"timestamp must be an epicsTimeStamp, not {timestamp!r}") from None
    return t
