// What the log says of a put that never reaches the driver: whose it was, the value,
// and why. Over any protocol.
#pragma once

#include <string>
#include <string_view>

#include "access/client_identity.hpp"
#include "base/export.hpp"
#include "pv/pv.hpp"

namespace pcas {

// "PV X: refused a put of 5 by user@host (address): why". `value` is safe to print;
// nothing else from the network goes in unless it is.
PCAS_API std::string refused_put_text(const std::string& value, const Pv& pv,
                                      const ClientIdentity& client,
                                      std::string_view why);

// Why a put fails while the PV's field DISP says so.
inline constexpr std::string_view kPutsDisabled = "puts are disabled by the field DISP";

// Why a client may not write.
PCAS_API std::string_view why_no_write(const Pv& pv) noexcept;

}  // namespace pcas
