#include "server/hosts.hpp"

#include "base/invariant.hpp"
#include "server/ca_request.hpp"

namespace pcas {

Hosts::Hosts(const Config& config) noexcept
    : max_circuits_(config.max_circuits_per_host),
      max_bytes_(config.max_held_bytes_per_host),
      all_(config.max_held_bytes) {}

bool Hosts::may_enter(HostAddress address) const noexcept {
    const auto known = hosts_.find(address);
    return (known == hosts_.end() ? 0 : known->second.circuits) < max_circuits_;
}

Account& Hosts::account(HostAddress address) {
    return hosts_.try_emplace(address, max_bytes_, all_).first->second.account;
}

void Hosts::leave(HostAddress address, std::uint64_t circuit, const LeftBehind& left) {
    const auto host = hosts_.find(address);
    if (host == hosts_.end()) return;
    --host->second.circuits;
    if (left.requests > 0) {
        gone_.try_emplace(circuit, address, left);
        ++host->second.gone;
        host->second.account.leave_behind(left.bytes);
    }
    forget_if_unused(host);
}

void Hosts::on_completed(const CaRequest& request) {
    const auto gone = gone_.find(request.circuit());
    if (gone == gone_.end()) return;
    const auto host = hosts_.find(gone->second.host);
    LeftBehind& left = gone->second.left;
    left.bytes -= request.held_bytes();
    host->second.account.take_back(request.held_bytes());
    if (--left.requests > 0) return;
    PCAS_INVARIANT(left.bytes == 0);
    gone_.erase(gone);
    --host->second.gone;
    forget_if_unused(host);
}

// With the last circuit gone.
void Hosts::clear() noexcept {
    for ([[maybe_unused]] const auto& [address, host] : hosts_) {
        PCAS_INVARIANT(host.account.bytes() == host.account.left_behind());
    }
    hosts_.clear();
    gone_.clear();
}

void Hosts::forget_if_unused(Table::iterator host) noexcept {
    if (host->second.circuits == 0 && host->second.gone == 0) hosts_.erase(host);
}

}  // namespace pcas
