from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "base/log.hpp" namespace "pcas" nogil:
    cdef enum class LogLevel "pcas::LogLevel":
        Debug

    cdef enum class LogTopic "pcas::LogTopic":
        Engine, Put, Pva

    cdef cppclass LogRecord:
        LogLevel level
        string text
        LogTopic topic

    cdef cppclass Log:
        vector[LogRecord] drain(cbool) except +translate_exception
