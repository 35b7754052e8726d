from libcpp cimport bool
from libcpp.string cimport string

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.pv cimport Pv, PvPtr
from pcaspy.native._cpp.server cimport Namespace
from pcaspy.native._cpp.snapshot cimport SnapshotPtr


cdef extern from "fields/field_source.hpp" namespace "pcas" nogil:
    cdef cppclass FieldSource:
        PvPtr field_of(PvPtr, string) except +translate_exception

    FieldSource& add_fields "pcas::FieldSource::add_to"(
        Namespace&) except +translate_exception
    string record_name "pcas::FieldSource::record_name"(string) noexcept


cdef extern from "fields/record_fields.hpp" namespace "pcas" nogil:
    cdef cppclass FieldOf:
        void put_begins() except +translate_exception
        void put_done(SnapshotPtr) except +translate_exception

    cdef cppclass FieldOfPtr "pcas::Ref<pcas::FieldOf>":
        FieldOf* get() noexcept

    FieldOfPtr field_of "pcas::FieldOf::of"(const Pv&) except +translate_exception
