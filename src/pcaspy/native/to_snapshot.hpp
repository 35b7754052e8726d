// Python objects -> engine values. The GIL is held.
#pragma once

#include <Python.h>

#include <cstdint>

#include "dbr/codec.hpp"
#include "dbr/snapshot.hpp"

namespace pcas::py {

// What may be given besides exact values.
enum class Strictness : std::uint8_t {
    Checked,  // setParam: text that is no number, or no state, is refused
    Ranged,   // and a number that the type does not have, which is else the nearest;
              // of CHAR, what is no text or too long
    Lenient   // Driver.read: text that is no number counts as 0
};

// A new snapshot with the elements of `value` (number, text, sequence or array). Throws
// what translate_exception turns into a TypeError or ValueError. `cut` tells that
// elements beyond `target.max_count` were left out. Text for CHAR gets one NUL when
// there is room.
Ref<Snapshot> snapshot_of(PyObject* value, const DecodeTarget& target,
                          Strictness strictness, bool& cut);

// What stands for None: one zero or empty text; of an array, no element.
Ref<Snapshot> snapshot_of_nothing(const DecodeTarget& target);

}  // namespace pcas::py
