#include "server/channel.hpp"

#include <utility>

#include "server/circuit.hpp"

namespace pcas {

Channel::Channel(Circuit& of, std::uint32_t client_id, std::uint32_t server_id,
                 PvPtr of_pv)
    : circuit(of),
      cid(client_id),
      sid(server_id),
      pv(std::move(of_pv)),
      ca_pv(CaPv::get(*pv, of.services().posts())),
      access(pv->access(), of.client(), of.services().rights(), {of.id(), server_id}),
      rights(access.rights()),
      told_rights(rights) {
    ca_pv->channels.push_back(*this);
    ca_pv->count_channel();
}

// Leaves the PV first: letting go of it may end it, in another thread.
Channel::~Channel() {
    subscriptions.reset();
    leave();
    ca_pv->uncount_channel();
    if (ca_pv->channels.empty()) pv->detach(*ca_pv);
}

Channel& ChannelTable::add(Circuit& circuit, std::uint32_t cid, PvPtr pv) {
    std::uint32_t sid;
    if (!free_.empty()) {
        sid = free_.back();
        free_.pop_back();
    } else {
        sid = static_cast<std::uint32_t>(slots_.size()) | (1u << kIndexBits);
        slots_.emplace_back();
    }
    auto& slot = slots_[sid & (kMaxChannels - 1)];
    slot = std::make_unique<Channel>(circuit, cid, sid, std::move(pv));
    ++size_;
    return *slot;
}

void ChannelTable::remove(Channel& channel) {
    const std::uint32_t sid = channel.sid;
    slots_[sid & (kMaxChannels - 1)].reset();
    free_.push_back(sid + (1u << kIndexBits));
    --size_;
}

}  // namespace pcas
