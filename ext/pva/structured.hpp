// Tables (NTTable) and images (NTNDArray): their values, and those of puts. Pure.
#pragma once

#include <pvxs/data.h>

#include <cstdint>

#include "dbr/structure.hpp"

namespace pcas::pva {

// The elements stay those of the snapshot, which the value keeps.
void fill_table(pvxs::Value& value, const SnapshotPtr& snapshot);
void fill_image(pvxs::Value& value, const SnapshotPtr& snapshot);
// What the table is besides its values.
void fill_table_properties(pvxs::Value& value, const Metadata& metadata);
void fill_image_properties(pvxs::Value& value, const Metadata& metadata);

// What a put makes of the value there is: a column that is not in it stays, and so do
// the dimensions of an image. Both throw BadPut, and std::bad_alloc.
SnapshotPtr put_table(const pvxs::Value& put, std::uint32_t max_rows,
                      const Snapshot& now);
SnapshotPtr put_image(const pvxs::Value& put, std::uint32_t max_pixels,
                      const Snapshot& now);

// For the log.
std::string table_text(const pvxs::Value& put);
std::string image_text(const pvxs::Value& put);

}  // namespace pcas::pva
