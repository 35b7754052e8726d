cdef extern from "pcaspy/native/errors.hpp" namespace "pcas::py":
    # Named in every `except +`: the one place where C++ exceptions become Python's.
    void translate_exception() noexcept
