// Elements of arrays, as a snapshot stores them and as PVAccess does. Pure.
#pragma once

#include <pvxs/data.h>

#include <cstddef>

#include "dbr/structure.hpp"

namespace pcas::pva {

// Those of the snapshot, which the array keeps. Texts of 39 bytes are copied.
pvxs::shared_array<const void> array_of(const SnapshotPtr& snapshot);
pvxs::shared_array<const void> array_of(const Column& column, DbfType type);

// How the elements of an image are stored; String where they are no numbers.
DbfType type_of(pvxs::TypeCode array) noexcept;
// A copy, as `type`, which has the array's size of elements. Throws std::bad_alloc.
Ref<Snapshot> numbers_of(const pvxs::shared_array<const void>& array, DbfType type);

// Its elements are to be written. Throws std::bad_alloc.
Ref<Snapshot> unfilled(DbfType type, std::size_t count);

}  // namespace pcas::pva
