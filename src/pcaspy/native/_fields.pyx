# distutils: language = c++
# cython: nonecheck=True
"""What a PV is: the fields of its pvdb entry, and what each PV has in addition."""

cimport cython
from cpython.object cimport PyTypeObject
from cpython.ref cimport PyObject
from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool

from pcaspy.native._cpp.codec cimport DecodeTarget
from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.pv cimport unset_snapshot
from pcaspy.native._cpp.metadata cimport (
    ColumnInfo, DisplayForm, ExactLimits, Metadata, MetadataPtr, RecordDetails)
from pcaspy.native._cpp.snapshot cimport AlarmState, NewSnapshot
from pcaspy.native._cpp.text cimport bytes_of_text
from pcaspy.native._cpp.to_snapshot cimport (
    Strictness, snapshot_of, snapshot_of_nothing)
from pcaspy.native._cpp.types cimport DbfType, kMaxCount

cdef extern from "Python.h":
    object PyObject_GenericGetDict(object, void*)
    bint PyDict_Next(dict, Py_ssize_t*, PyObject**, PyObject**)

cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py":
    void no_attributes_yet(InfoBase info) noexcept

MAX_COUNT = kMaxCount
# display.form of the normative types, by name.
FORMS = {"Default": <int>DisplayForm.Default, "String": <int>DisplayForm.String,
         "Binary": <int>DisplayForm.Binary, "Decimal": <int>DisplayForm.Decimal,
         "Hex": <int>DisplayForm.Hex, "Exponential": <int>DisplayForm.Exponential,
         "Engineering": <int>DisplayForm.Engineering}
_DBF_OF_AIT = {1: <int>DbfType.Int8, 2: <int>DbfType.Char, 3: <int>DbfType.Short,
               4: <int>DbfType.UInt16, 5: <int>DbfType.Enum, 6: <int>DbfType.Long,
               7: <int>DbfType.UInt32, 8: <int>DbfType.Float, 9: <int>DbfType.Double,
               11: <int>DbfType.String, 12: <int>DbfType.Structure}
# Names of types that an ait number says too little about.
_DBF_OF_NAME = {"uint8": <int>DbfType.UInt8, "int64": <int>DbfType.Int64,
                "uint64": <int>DbfType.UInt64, "bool": <int>DbfType.Bool}
# Of a column of a table.
_DBF_OF_COLUMN = {
    "string": <int>DbfType.String, "str": <int>DbfType.String,
    "text": <int>DbfType.String, "char": <int>DbfType.Char, "uchar": <int>DbfType.Char,
    "bool": <int>DbfType.Bool, "int8": <int>DbfType.Int8, "uint8": <int>DbfType.UInt8,
    "short": <int>DbfType.Short, "int16": <int>DbfType.Short,
    "uint16": <int>DbfType.UInt16, "int": <int>DbfType.Long,
    "long": <int>DbfType.Long, "int32": <int>DbfType.Long,
    "uint32": <int>DbfType.UInt32, "int64": <int>DbfType.Int64,
    "uint64": <int>DbfType.UInt64, "float32": <int>DbfType.Float,
    "float": <int>DbfType.Double, "double": <int>DbfType.Double,
    "float64": <int>DbfType.Double}
COLUMN_TYPES = tuple(_DBF_OF_COLUMN)
# Those for which setParam refuses what the type has not got.
_SIZED = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64"))


_EXACT_IN_DOUBLE = 2**53     # from here on a double does not have each integer

# The field with the severity of each alarm limit.
_SEVERITY_OF = {"hihi": "hhsv", "high": "hsv", "low": "lsv", "lolo": "llsv"}


@cython.final
cdef class Fields:
    """All fields of a pvdb entry but its value; immutable, shared by equal PVs.

    `values` holds them as PVInfo shows them, and as "type_name" that of the type where
    it was given; `given` names those that were given.
    """

    def __init__(self, dict values not None, frozenset given not None):
        self.values = values
        self.given = given
        name = values.get("type_name")
        self.type = <DbfType><int>_DBF_OF_NAME.get(name, _DBF_OF_AIT[values["type"]])
        self.exact = name == "text" or name in _SIZED
        self.is_text = self.type == DbfType.Char
        self.as_stored = self.exact and (name == "text" or values["count"] == 1)
        self.any_float = (self.type == DbfType.Double and values["count"] == 1
                          and not self.as_stored)
        self.strictness = Strictness.Ranged if self.exact else Strictness.Checked
        self.max_count = values["count"]
        self.mdel = values["mdel"]
        self.adel = values["adel"]
        self.scanned = values["scan"] > 0
        self.asyn = values["asyn"]
        self.guarded = bool(values["asg"] or values["readonly"])
        self.take_limits()
        for state in values["states"]:
            self.limits.states.push_back(state)
        self.metadata = self.make_metadata()
        self.unset = unset_snapshot(self.type, self.metadata)

    cdef int take_limits(self) except -1:
        cdef int i
        values = self.values
        low, high = self.pair("low", "high")
        lolo, hihi = self.pair("lolo", "hihi")
        self.limits.at[<int>Limit.Hihi], self.limits.at[<int>Limit.Lolo] = hihi, lolo
        self.limits.at[<int>Limit.High], self.limits.at[<int>Limit.Low] = high, low
        for i, name in ((<int>Limit.Hihi, "hhsv"), (<int>Limit.Lolo, "llsv"),
                        (<int>Limit.High, "hsv"), (<int>Limit.Low, "lsv")):
            self.limits.severity[i] = values[name]
        self.limits.hysteresis = values["hyst"]
        self.limits.delay = values["alarm_delay"]
        self.looks_back = self.limits.look_back()
        return 0

    def pair(self, low, high):
        """Both alarm limits as checked: NaN if absent or not in order."""
        cdef double a = self.limit(low), b = self.limit(high)
        if a >= b:
            a = b = NAN
        return a, b

    def control_limits(self):
        """(lower, upper) limit for setting the value: drvl and drvh, if given."""
        low = "drvl" if "drvl" in self.given else "lolim"
        high = "drvh" if "drvh" in self.given else "hilim"
        return self.values[low], self.values[high]

    cdef double limit(self, name) except? -1:
        """An alarm limit as an IOC sends it: NaN if it is not set or has NO_ALARM."""
        if name not in self.given or self.values[_SEVERITY_OF[name]] == 0:
            return NAN
        return self.values[name]

    cdef MetadataPtr make_metadata(self, str message="") except *:
        cdef Metadata* m = new Metadata()
        cdef MetadataPtr made = MetadataPtr(m)
        v = self.values
        m.units = bytes_of_text(v["unit"])
        m.precision = int(v["prec"])
        m.string_precision = int(v["prec"]) if "prec" in self.given else 4
        m.upper_disp, m.lower_disp = v["hilim"], v["lolim"]
        m.lower_ctrl, m.upper_ctrl = self.control_limits()
        m.upper_alarm, m.upper_warning = self.limit("hihi"), self.limit("high")
        m.lower_warning, m.lower_alarm = self.limit("low"), self.limit("lolo")
        self.keep_exact(m)
        m.description = bytes_of_text(v["desc"])
        m.alarm_message = bytes_of_text(message)
        m.form = <DisplayForm><int>FORMS[v["form"]]
        for text in v["enums"]:
            m.states.push_back(bytes_of_text(text))
        for name, label in zip(v["columns"], v["labels"] or v["columns"]):
            m.columns.push_back(column_info(name, label, v["columns"][name]))
        low, high = self.pair("low", "high")
        lolo, hihi = self.pair("lolo", "hihi")
        severities = (("hhsv", hihi), ("hsv", high), ("lsv", low), ("llsv", lolo))
        for i, (name, limit) in enumerate(severities):
            shown = limit == limit or name in self.given
            m.limit_severities[i] = v[name] if shown else 0
        m.set_details(self.details())
        return made

    cdef RecordDetails details(self) except *:
        """What only fields of the PV show."""
        cdef RecordDetails made
        made.adel, made.mdel = self.adel, self.mdel
        made.scan_period = self.values["scan"]
        made.hyst = self.values["hyst"]
        for i, name in enumerate(("hihi", "high", "low", "lolo")):
            silent = name in self.given and self.values[_SEVERITY_OF[name]] == 0
            made.silent_limits[i] = self.values[name] if silent else 0
        made.state_severities = self.limits.states
        return made

    cdef keep_exact(self, Metadata* m):
        """Keeps the limits of a 64-bit integer that a double would round."""
        cdef ExactLimits exact
        cdef int i
        if self.type != DbfType.Int64 and self.type != DbfType.UInt64:
            return
        low, high = self.control_limits()
        v = self.values
        limits = [v["hilim"], v["lolim"], v["hihi"], v["high"], v["low"], v["lolo"],
                  high, low]
        if all([abs(limit) <= _EXACT_IN_DOUBLE for limit in limits]):
            return
        least = -2**63 if self.type == DbfType.Int64 else 0
        for i in range(8):
            limit = limits[i] if limits[i] == limits[i] else 0
            nearest = min(max(limit, least), least + 2**64 - 1)
            exact[i] = <uint64_t>(int(nearest) & (2**64 - 1))
        m.set_exact(exact)

    cdef DecodeTarget target(self):
        cdef DecodeTarget to
        to.type, to.max_count = self.type, self.max_count
        to.metadata = self.metadata.get()
        return to

    cdef NewSnapshot made_of_nothing(self) except *:
        """What stands for None."""
        return snapshot_of_nothing(self.target())

    def stored(self, value):
        """What such a PV makes of `value`, and whether elements are left out.

        Raises:
            TypeError, ValueError: It cannot be one of such a PV.
        """
        cdef cbool cut = False
        cdef NewSnapshot made = snapshot_of(
            value, self.target(), self.strictness, cut)
        return value_of(made.get()[0]), bool(cut)

    def alarm(self, value):
        """(alarm, severity) of `value`."""
        cdef cbool cut = False
        cdef NewSnapshot made = snapshot_of(
            value, self.target(), self.strictness, cut)
        cdef AlarmState state = alarm_of(self, value, made)
        return state.status, state.severity


cdef ColumnInfo column_info(name, label, kind) except *:
    cdef ColumnInfo made
    made.name, made.label = bytes_of_text(name), bytes_of_text(label)
    made.type = <DbfType><int>_DBF_OF_COLUMN[kind]
    return made


cdef class InfoBase:
    """Base of PVInfo: what each PV has in addition to the shared fields."""

    def __cinit__(self):
        no_attributes_yet(self)

    def _added(self):
        return PyObject_GenericGetDict(self, NULL)


@cython.final
cdef class Alike:
    """An entry of a pvdb, for others that differ from it in their values alone.

    Args:
        entry: Its fields.
        fields: What was made of them.
        zero: The value of a PV without `value`, or None for it is not known.

    Raises:
        TypeError: A field is of a type whose values can change.
    """

    def __init__(self, dict entry not None, Fields fields not None, zero=None):
        self.names = tuple([name for name in entry if name != "value"])
        self.values = tuple([entry[name] for name in self.names])
        hash(self.values)
        self.fields, self.zero = fields, zero

    cdef bint matches(self, dict entry, PyObject** value) except -1:
        """Whether `entry` gives the same fields; its `value`, or NULL."""
        cdef Py_ssize_t at = 0, known = 0, count = len(self.names)
        cdef PyObject* name
        cdef PyObject* given
        value[0] = NULL
        while PyDict_Next(entry, &at, &name, &given):
            if known < count and same(<object>name, self.names[known]):
                if not same(<object>given, self.values[known]):
                    return False
                known += 1
            elif same(<object>name, "value"):
                value[0] = given
            else:
                return False
        return known == count


cdef bint same(a, b) except -1:
    """The same object, or an equal one of a plain type. Runs no code of users."""
    if a is b:
        return True
    return type(a) is type(b) and type(a) in (str, float, int) and a == b


def alike_infos(kind, prefix, entries, list alike not None, list made not None):
    """Makes infos of entries up to the first that is not like a known one.

    Args:
        kind: The class of the infos.
        prefix: Goes before each reason.
        entries: An iterator over (reason, entry).
        alike: An `Alike` of each entry that is known.
        made: Gets the infos.

    Returns:
        The (reason, entry) to be made in another way, which `entries` is behind; None
        if it has ended.
    """
    cdef PyObject* value
    cdef Alike known
    cdef InfoBase info
    cdef tuple nothing = ()
    for reason, entry in entries:
        if type(reason) is not str or type(entry) is not dict:
            return reason, entry
        name = prefix + reason
        if not name or "\0" in name:
            return reason, entry
        value = NULL
        for known in alike:
            if known.matches(entry, &value):
                break
        else:
            return reason, entry
        if value == NULL:
            given = known.zero
            if given is None:
                return reason, entry
        else:
            given = <object>value
            if type(given) is not float or not known.fields.any_float:
                return reason, entry
        info = (<PyTypeObject*>kind).tp_new(kind, <PyObject*>nothing, NULL)
        info.reason, info.name, info.fields = reason, name, known.fields
        info.value = info.mlst = info.alst = given
        info.has_value = value != NULL
        made.append(info)
    return None


def has_64_bits(InfoBase info):
    """The PV is an integer that a double may round."""
    return (info is not None and info.fields is not None
            and info.fields.type in (DbfType.Int64, DbfType.UInt64))


def is_structured(InfoBase info):
    """It is a table or an image, which Channel Access cannot carry."""
    return (info is not None and info.fields is not None
            and info.fields.type == DbfType.Structure)
