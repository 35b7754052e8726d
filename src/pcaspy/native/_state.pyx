# distutils: language = c++
# cython: nonecheck=True
"""Which values of drivers are others than when they were last looked at.

Nothing here gives up the GIL, so a value and its time belong together.
"""

from libcpp.string cimport string

from pcaspy.native._cpp.from_snapshot cimport bytes_of, value_of
from pcaspy.native._cpp.snapshot cimport Snapshot, SnapshotPtr
from pcaspy.native._cpp.types cimport DbfType
from pcaspy.native._value cimport StoredValue

# Of the bytes of an array, for those types that have one.
_CODE = {<int>DbfType.Char: "u1", <int>DbfType.Short: "i2", <int>DbfType.Long: "i4",
         <int>DbfType.Float: "f4", <int>DbfType.Double: "f8", <int>DbfType.Int8: "i1",
         <int>DbfType.UInt8: "u1", <int>DbfType.UInt16: "u2",
         <int>DbfType.UInt32: "u4", <int>DbfType.Int64: "i8",
         <int>DbfType.UInt64: "u8"}


cdef class Watch:
    """Looks at the value of a Data. It holds on to the one that it saw last."""

    cdef StoredValue data_
    cdef SnapshotPtr seen

    @property
    def data(self):
        """What it looks at, or None."""
        return self.data_

    def watch(self, StoredValue data, bint seen):
        """Looks at `data` from now on; `seen`: its present value is no new one."""
        self.data_ = data
        self.seen.reset()
        if data is not None and seen:
            self.seen = data.stored

    def take(self, int listed):
        """The present value, which is no new one from now on.

        Returns:
            (value, seconds, nanoseconds, labels, is_text), or None where there is no
            value. That of an array of more than `listed` numbers is (code, bytes), and
            so is that of characters. `labels` are None unless it is an enum.
        """
        cdef StoredValue data = self.data_
        if data is None or data.stored.get() == NULL:
            return None
        self.seen = data.stored
        if data.marks.nothing:
            return None
        cdef const Snapshot* now = self.seen.get()
        cdef string label
        labels = None
        code = _CODE.get(<int>now.type())
        if now.type() == DbfType.Enum or now.type() == DbfType.Bool:
            labels = [label.decode("utf-8", "surrogateescape")
                      for label in now.metadata.get().states]
        if now.type() == DbfType.Char or (
                code is not None and now.count() > <unsigned int>listed):
            value = code, bytes_of(now[0])
        else:
            value = value_of(now[0])
        return (value, now.time.seconds, now.time.nanoseconds, labels,
                now.type() == DbfType.Char)


def changed(list watches not None):
    """Those whose value is another one than that which they saw last.

    Where no value was ever set, other alarms and fields are no new value.
    """
    cdef Watch watch
    found = []
    for watch in watches:
        if (watch.data_ is not None and watch.data_.images != 0
                and watch.data_.stored.get() != NULL
                and watch.data_.stored.get() != watch.seen.get()):
            found.append(watch)
    return found


def was_set(StoredValue data not None):
    """A driver has given it a value since it was made."""
    return data.images != 0
