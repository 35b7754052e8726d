from libcpp.string cimport string


cdef extern from "pcaspy/native/text.hpp" namespace "pcas::py":
    object text_of(const char* text, size_t size)


cdef inline string bytes_of_text(text):
    """What `text_of` makes a str of."""
    return text.encode("utf-8", "surrogateescape")
