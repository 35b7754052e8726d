// The value of a put, as the PV stores it. Pure.
#pragma once

#include <pvxs/data.h>

#include <stdexcept>
#include <string>

#include "dbr/snapshot.hpp"
#include "pva/form.hpp"

namespace pcas::pva {

// Why a put is refused, for the client.
struct BadPut : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The elements that a put carries; no time, alarm or metadata. Throws BadPut, and
// std::bad_alloc.
SnapshotPtr put_of(const Form& form, std::uint32_t max_count, const Metadata& metadata,
                   const pvxs::Value& put);

// The value of a put for the log: short, safe to print.
std::string put_text(const Form& form, const pvxs::Value& put);

}  // namespace pcas::pva
