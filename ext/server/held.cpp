// What a circuit holds for its client, and what is done when that is too much: for its
// host, or for all clients together. Whoever holds little goes on; the others wait, or
// their puts are refused.
#include <algorithm>

#include "server/circuit.hpp"

namespace pcas {

// Called wherever the loop is done with the circuit for now.
void Circuit::settle_account() noexcept {
    const std::size_t now = held_bytes();
    if (now == accounted_) return;
    account_.change(accounted_, now);
    accounted_ = now;
}

// Until less is held: then it goes on, if there is anything it could go on with.
void Circuit::wait_for_others() noexcept {
    if (account_.full() && !ListNode<Circuit, StarvedTag>::linked()) {
        services_.agenda().mark_starved(*this);
    }
}

std::size_t Circuit::size_of_answer(const Header& header) const noexcept {
    const DbrType type{header.type};
    const Channel* channel = channels_.find(header.p1);
    if (!channel || !is_readable(type) || !may_ask_for(*channel, header)) return 0;
    const std::uint32_t count =
        header.count == 0 ? channel->pv->max_count() : header.count;
    return static_cast<std::size_t>(dbr_size(type, count));
}

bool Circuit::room_for_put(std::size_t bytes) const noexcept {
    // What has arrived of it is counted already.
    return !account_.full_without(std::min(accounted_, framer_.kept())) ||
           (bytes <= kOwnShare && in_flight_.deferred_bytes() <= kOwnShare);
}

}  // namespace pcas
