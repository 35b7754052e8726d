// What there is very much of, made small: the marks of objects of the binding, and the
// dict of attributes that programs add to them. The GIL is held.
#pragma once

#include <Python.h>

#include <cstdint>

namespace pcas::py {

// Of a PvHandle. Zero as it is made.
struct PvMarks {
    std::uint32_t server;  // the number of the Claimant that serves it; 0: none
    bool plain_write : 1;  // puts need nothing but driver.write
    bool plain_read : 1;   // gets need nothing but driver.read
    bool given : 1;        // made with its info: nobody need ask its methods
    bool asks : 1;         // gets are for Python
    bool warned : 1;       // that a value had too many elements
};

// Of a Data. Zero as it is made.
struct DataMarks {
    bool flag : 1;         // as programs see it: something waits to be posted
    bool queued : 1;       // is among the Changed of its driver
    bool own_value : 1;    // the info overrides checkValue,
    bool own_alarm : 1;    // checkAlarm;
    bool own_update : 1;   // the PV overrides updateValue
    bool nothing : 1;      // the value is None: gets fail
    bool udf : 1;          // as programs see it
    bool read_failed : 1;  // the alarm says so, until something else is known
};

// Cython makes the dict together with the object, which few programs use, and which
// takes as much room as the rest of a small object. The interpreter makes it when there
// is an attribute for it.
template <class T>
void no_attributes_yet(T* object) noexcept {
    Py_CLEAR(object->__dict__);
}

}  // namespace pcas::py
