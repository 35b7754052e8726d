// A circuit's attachment to one PV. Loop thread only.
#pragma once

#include <caProto.h>
#include <caerr.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/instances.hpp"
#include "base/intrusive_list.hpp"
#include "base/keyed_hash.hpp"
#include "pv/pv.hpp"
#include "server/ca_pv.hpp"
#include "server/subscription.hpp"

namespace pcas {

class Circuit;

class Channel final : public ListNode<Channel>,
                      public CountedInstance<Counted::Channel> {
  public:
    Channel(Circuit& of, std::uint32_t client_id, std::uint32_t server_id, PvPtr of_pv);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    Circuit& circuit;
    const std::uint32_t cid;
    const std::uint32_t sid;
    const PvPtr pv;
    const Ref<CaPv> ca_pv;
    AccessClient access;
    std::uint32_t rights;              // what is enforced
    std::uint32_t told_rights;         // what the client knows
    bool has_news = false;             // of its rights, that the client will be told
    std::uint32_t puts_in_series = 0;  // that are not completed

    bool may_read() const noexcept { return rights & CA_PROTO_ACCESS_RIGHT_READ; }
    bool may_write() const noexcept { return rights & CA_PROTO_ACCESS_RIGHT_WRITE; }

    using Subscriptions = std::unordered_map<std::uint32_t, Subscription, KeyedHash>;
    // Null until the first EVENT_ADD.
    std::unique_ptr<Subscriptions> subscriptions;
    Subscription* find_subscription(std::uint32_t subid) noexcept {
        if (!subscriptions) return nullptr;
        const auto found = subscriptions->find(subid);
        return found == subscriptions->end() ? nullptr : &found->second;
    }
};

// The channels of one circuit by SID. A SID holds its slot's index and a generation, so
// that the id of a cleared channel is not reused soon.
class ChannelTable {
  public:
    static constexpr std::uint32_t kIndexBits = 20;
    static constexpr std::size_t kMaxChannels = std::size_t{1} << kIndexBits;

    Channel* find(std::uint32_t sid) const noexcept {
        const std::uint32_t index = sid & (kMaxChannels - 1);
        if (index >= slots_.size()) return nullptr;
        Channel* channel = slots_[index].get();
        return channel && channel->sid == sid ? channel : nullptr;
    }
    Channel& add(Circuit& circuit, std::uint32_t cid, PvPtr pv);
    void remove(Channel& channel);
    std::size_t size() const noexcept { return size_; }
    // One of them, null if there is none. For a circuit that gets no more.
    Channel* any() noexcept {
        while (!slots_.empty() && !slots_.back()) slots_.pop_back();
        return slots_.empty() ? nullptr : slots_.back().get();
    }
    template <class F>
    void for_each(F&& f) {
        for (const auto& slot : slots_) {
            if (slot) f(*slot);
        }
    }

  private:
    std::vector<std::unique_ptr<Channel>> slots_;
    std::vector<std::uint32_t> free_;  // sids to use next, of slots that were cleared
    std::size_t size_ = 0;
};

}  // namespace pcas
