// Names as clients of Channel Access find them.
#pragma once

#include <string_view>

#include "net/sockets.hpp"
#include "pv/source.hpp"
#include "server/shared.hpp"

namespace pcas {

// Without the PVs that only PVAccess can carry: the log has the first client of each
// that asks. `client` is called for its address.
template <class Address>
Found find_name(Shared& shared, std::string_view name, NameUse use, Address client) {
    Found found = shared.names->find(name, use);
    if (!found.pv || found.pv->type() != DbfType::Structure) return found;
    if (found.pv->first_refusal()) {
        shared.log.add(LogLevel::Warning, "search",
                       "PV " + printable(name) + " is a table or an image: client " +
                           client() +
                           " does not find it, as Channel Access has no such types;"
                           " clients of PVAccess do");
    }
    return {};
}

inline Searcher searcher_of(const sockaddr_in& address) noexcept {
    return {ntohl(address.sin_addr.s_addr), ntohs(address.sin_port), {}};
}

}  // namespace pcas
