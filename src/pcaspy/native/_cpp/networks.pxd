from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "net/networks.hpp" namespace "pcas" nogil:
    vector[string] broadcast_networks(string interface) except +translate_exception
