// What the binding asks of a server that is looked into.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/waker.hpp"
#include "pv/inspection.hpp"
#include "pv/local_puts.hpp"
#include "server/server.hpp"

namespace pcas::py {

// How long the loop may take to answer.
constexpr std::chrono::seconds kPatience{5};

inline double steady_seconds() noexcept {
    return std::chrono::duration<double>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

inline PvInspection* new_inspection(Server& server) {
    return new PvInspection(server.names()->table());
}
// A PV, or a field of one, with its row.
inline PvPtr find(PvInspection& pvs, Server& server, const std::string& name,
                  PvRow& row) {
    PvPtr pv = pvs.find(name, row);
    if (pv) return pv;
    pv = server.names()->find(name, NameUse::Attach).pv;
    if (pv) PvInspection::look_at(name, *pv, row);
    return pv;
}
inline LocalPuts* new_local_puts(Server& server, std::shared_ptr<Waker> waker) {
    return new LocalPuts(server.names(), [rung = std::move(waker)] { rung->wake(); });
}

inline void keep_misses(Server& server, bool on) { server.names()->misses().keep(on); }
inline std::vector<MissRow> misses(Server& server) {
    return server.names()->misses().rows();
}

// Both false if the loop does not answer.
inline bool clients(Server& server, std::vector<ClientRow>& rows) {
    auto found = server.clients(kPatience);
    if (found) rows = std::move(*found);
    return found.has_value();
}
inline bool channels(Server& server, std::uint64_t circuit, std::size_t offset,
                     std::size_t limit, ChannelRows& rows) {
    auto found = server.channels(circuit, offset, limit, kPatience);
    if (found) rows = std::move(*found);
    return found.has_value();
}

inline std::string access_group(const PvPtr& pv) { return pv->access_group(); }
inline bool read_only(const PvPtr& pv) noexcept { return pv->read_only(); }

}  // namespace pcas::py
