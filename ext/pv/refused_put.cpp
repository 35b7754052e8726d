#include "pv/refused_put.hpp"

#include "base/log.hpp"

namespace pcas {

std::string refused_put_text(const std::string& value, const Pv& pv,
                             const ClientIdentity& client, std::string_view why) {
    const char* over = client.protocol == Protocol::PVAccess  ? ", PVAccess"
                       : client.protocol == Protocol::Control ? ", control"
                                                              : "";
    return "PV " + std::string(pv.name()) + ": refused a put of " + value + " by " +
           printable(client.user) + "@" + printable(client.host) + " (" +
           client.address + over + "): " + std::string(why);
}

std::string_view why_no_write(const Pv& pv) noexcept {
    return pv.read_only() ? "the PV is readonly" : "access security does not allow it";
}

}  // namespace pcas
