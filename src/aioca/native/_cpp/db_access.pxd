"""Codes and sizes of Channel Access, from EPICS' own headers."""

cdef extern from "db_access.h" nogil:
    enum:
        DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM, DBR_CHAR, DBR_LONG, DBR_DOUBLE
        DBR_TIME_STRING, DBR_CTRL_STRING
        DBR_PUT_ACKT, DBR_PUT_ACKS, DBR_STSACK_STRING, DBR_CLASS_NAME
        MAX_STRING_SIZE
    ctypedef struct dbr_stsack_string:
        unsigned short ackt
        unsigned short acks


cdef extern from "caerr.h" nogil:
    enum:
        ECA_NORMAL
        ECA_TIMEOUT
        ECA_DISCONN
        ECA_NORDACCESS


cdef extern from "caeventmask.h" nogil:
    enum:
        DBE_VALUE
        DBE_ALARM
        DBE_PROPERTY


cdef extern from "epicsTime.h" nogil:
    enum:
        POSIX_TIME_AT_EPICS_EPOCH
