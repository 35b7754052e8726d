// A PV as this server has it: its channels and subscriptions there. Loop thread only.
#pragma once

#include <memory>
#include <utility>

#include "base/indexed_list.hpp"
#include "base/intrusive_list.hpp"
#include "pv/pv.hpp"

namespace pcas {

class Channel;
class Subscription;

class CaPv final : public PvClients {
  public:
    // Null if the server whose posts go to `queue` has no channel on `pv`.
    static Ref<CaPv> find(const Pv& pv, const PostQueue& queue) {
        PvClientsPtr found = pv.clients_of(queue);  // which this server alone attaches
        return Ref<CaPv>(static_cast<CaPv*>(found.get()));
    }
    // For a first channel, too.
    static Ref<CaPv> get(Pv& pv, const std::shared_ptr<PostQueue>& queue) {
        if (Ref<CaPv> found = find(pv, *queue)) return found;
        Ref<CaPv> made(new CaPv(pv, queue));
        pv.attach(made);
        return made;
    }

    IntrusiveList<Channel> channels;
    IndexedList<Subscription> subscriptions;

  private:
    CaPv(Pv& pv, std::shared_ptr<PostQueue> queue) noexcept
        : PvClients(pv, std::move(queue)) {}
    ~CaPv() override = default;
};

}  // namespace pcas
