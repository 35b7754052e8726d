#include "pcaspy/native/errors.hpp"

#include <Python.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "pcaspy/native/object.hpp"

namespace pcas::py {

void translate_exception() noexcept {
    try {
        throw;
        // What Python has set stays. NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const PythonError&) {
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::system_error& e) {
        const bool is_errno = e.code().category() == std::generic_category() ||
                              e.code().category() == std::system_category();
        if (Object error(is_errno
                             ? PyObject_CallFunction(PyExc_OSError, "is",
                                                     e.code().value(), e.what())
                             : PyObject_CallFunction(PyExc_OSError, "s", e.what()));
            error)
            PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())),
                            error.get());
    } catch (const std::invalid_argument& e) {
        PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const std::out_of_range& e) {
        PyErr_SetString(PyExc_IndexError, e.what());
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
    }
}

}  // namespace pcas::py
