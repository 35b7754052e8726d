// The value of a put, as the PV stores it. Pure.
#pragma once

#include <pvxs/data.h>

#include <string>

#include "dbr/snapshot.hpp"
#include "pva/bad_put.hpp"
#include "pva/form.hpp"

namespace pcas::pva {

// The elements that a put carries to a PV whose value is `now`; no time or alarm.
// Throws BadPut, and std::bad_alloc.
SnapshotPtr put_of(const Form& form, std::uint32_t max_count, const Snapshot& now,
                   const pvxs::Value& put);

// The value of a put for the log: short, safe to print.
std::string put_text(const Form& form, const pvxs::Value& put);

}  // namespace pcas::pva
