# distutils: language = c++
"""Plans: how a request is made and its answer read.

A plan says which DBR type goes over the wire, how text is decoded, and which attributes
the value gets. It depends on what the caller asked for and on the channel's native
type, so it is looked up again after every reconnect.
"""

cimport cython

from aioca.native._cpp.db_access cimport (
    DBR_CHAR,
    DBR_CLASS_NAME,
    DBR_DOUBLE,
    DBR_ENUM,
    DBR_FLOAT,
    DBR_LONG,
    DBR_SHORT,
    DBR_STRING,
    DBR_STSACK_STRING,
)
from aioca.native._fields cimport TIME_FIELDS, fields_of, wire_type_of

import numpy

from aioca._epics import dbr as _dbr

CHAR_STR = _dbr.DBR_CHAR_STR
CHAR_UNICODE = _dbr.DBR_CHAR_UNICODE
CHAR_BYTES = _dbr.DBR_CHAR_BYTES
cdef int ENUM_STR = _dbr.DBR_ENUM_STR
cdef int FORMAT_RAW = _dbr.FORMAT_RAW
cdef int FORMAT_TIME = _dbr.FORMAT_TIME
cdef int FORMAT_CTRL = _dbr.FORMAT_CTRL
InvalidDatatype = _dbr.InvalidDatatype

# numpy's type characters that Channel Access can carry. 64-bit integers have no DBR
# type but are what Python and numpy call "int", so they are asked for as DBR_LONG.
cdef dict DBR_OF_CHARACTER = {
    "b": DBR_CHAR, "B": DBR_CHAR, "?": DBR_CHAR,
    "h": DBR_SHORT, "H": DBR_SHORT,
    "i": DBR_LONG, "I": DBR_LONG, "l": DBR_LONG, "L": DBR_LONG,
    "f": DBR_FLOAT, "d": DBR_DOUBLE, "S": DBR_STRING, "U": DBR_STRING,
}
if numpy.dtype(int).char == "q":  # numpy 2 on Windows
    DBR_OF_CHARACTER["q"] = DBR_LONG

cdef dict plans = {}


@cython.final
cdef class Plan:
    """How one request is made and its answer read."""


cdef Plan plan_for(object datatype, object format, long native, bint long_string):
    """The plan for what a caller asked of a channel with this native type.

    ``long_string``: the PV's name ends in ``$``, so its characters are one text.
    """
    key = (datatype, format, native, long_string)
    try:
        found = plans.get(key)
    except TypeError:  # an unhashable way to name a numpy type
        return make_plan(datatype, format, native, long_string)
    if found is None:
        found = make_plan(datatype, format, native, long_string)
        plans[key] = found
    return <Plan> found


cdef Plan make_plan(object datatype, object format, long native, bint long_string):
    cdef Plan plan = Plan.__new__(Plan)
    cdef long base
    plan.strings = REPLACE
    if datatype is None:
        base = native
        if base == DBR_CHAR and long_string:
            plan.text = REPLACE
    else:
        code = dbr_of_datatype(datatype)
        if code == ENUM_STR:
            base = DBR_STRING if native == DBR_ENUM else native
        elif code in (CHAR_STR, CHAR_UNICODE, CHAR_BYTES):
            base = DBR_CHAR
            plan.text = (REPLACE if code == CHAR_STR
                         else STRICT if code == CHAR_UNICODE else AS_BYTES)
        else:
            base = code
        if isinstance(datatype, type):
            if issubclass(datatype, bytes):
                plan.strings = AS_BYTES
            elif issubclass(datatype, str):
                plan.strings = STRICT
    plan.base_type = base
    plan.base_object = base
    if format not in (FORMAT_RAW, FORMAT_TIME, FORMAT_CTRL) and base <= DBR_DOUBLE:
        raise InvalidDatatype(
            f"Format not recognised: {format!r} is not FORMAT_RAW, FORMAT_TIME or "
            f"FORMAT_CTRL")
    plan.wire_type = wire_type_of(base, format == FORMAT_TIME, format == FORMAT_CTRL)
    plan.fields = fields_of(plan.wire_type)
    return plan


def dbr_of_datatype(datatype):
    """The DBR code, perhaps one of the text codes, that a datatype argument means."""
    try:
        if datatype in (DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM, DBR_CHAR, DBR_LONG,
                        DBR_DOUBLE, CHAR_STR, CHAR_UNICODE, CHAR_BYTES, ENUM_STR,
                        DBR_STSACK_STRING, DBR_CLASS_NAME):
            return int(datatype)
        return DBR_OF_CHARACTER[numpy.dtype(datatype).char]
    except Exception as error:
        raise InvalidDatatype(
            f'Datatype "{datatype}" not supported for channel access: it must be None, '
            f'a DBR_ code, or a type of numbers or text'
            + ("; names of several PVs go into a list" if isinstance(datatype, str)
               else "")
        ) from error


cdef dict attributes_for(Plan plan, object name, object element_count):
    """What every value of a channel has, with room for what changes each time.

    A value gets a copy: that is quicker than to set one attribute after the other.
    """
    cdef dict attributes = {
        "name": name, "ok": True, "datatype": plan.base_object,
        "element_count": element_count,
    }
    if plan.fields == TIME_FIELDS:
        attributes.update(status=0, severity=0, raw_stamp=None, timestamp=0.0)
    return attributes


cdef unsigned long count_for(long count, object element_count) except? 0:
    """The count to ask for: 0 for the present length, less for all, or a limit."""
    if count == 0:
        return 0
    if count < 0:
        return element_count
    return min(count, <long> element_count)
