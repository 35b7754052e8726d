cdef extern from "epicsVersion.h" nogil:
    const char* epicsReleaseVersion


cdef extern from "caProto.h" nogil:
    int CA_SERVER_PORT
    int CA_REPEATER_PORT
    int CA_PROTO_VERSION
    int CA_PROTO_SEARCH
    int CA_PROTO_RSRV_IS_UP
    int REPEATER_REGISTER
    int REPEATER_CONFIRM
    int DONTREPLY
    int MAX_UDP_SEND
    int MAX_UDP_RECV
    int sequenceNoIsValid
    int CA_MINIMUM_SUPPORTED_VERSION


cdef extern from "proto/header.hpp" namespace "pcas" nogil:
    int kMinorVersion
