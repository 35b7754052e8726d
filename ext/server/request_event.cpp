// EVENT_ADD and EVENT_CANCEL.
#include "base/byte_order.hpp"
#include "server/circuit.hpp"

namespace pcas {

void Circuit::handle_event_add(const Message& message) {
    const Header& header = message.header;
    Channel* channel = channels_.find(header.p1);
    if (!channel) {
        return send_error(header, kNoCid, ECA_BADCHID, "no such channel");
    }
    // The mask is the last field but one of struct mon_info.
    constexpr std::size_t kMaskOffset = offsetof(mon_info, m_mask);
    EventMask mask = 0;
    if (message.payload.size() >= sizeof(mon_info)) {
        mask = load_be16(message.payload.data() + kMaskOffset) & kAllEvents;
    }
    if (mask == 0) {
        return send_error(header, channel->cid, ECA_BADMASK, "event mask is empty");
    }
    if (header.type >= kDbrTypes) {
        return send_error(header, channel->cid, ECA_BADTYPE, "no such data type");
    }
    if (!is_readable(DbrType{header.type})) {
        return send_failure(header, ECA_GETFAIL);
    }
    if (!may_ask_for(*channel, header)) {
        return send_error(header, channel->cid, ECA_TOLARGE, "update is too large");
    }
    if (!in_flight_.reads_wait() && !must_wait(header)) return subscribe(header, mask);
    in_flight_.wait(header, mask);  // starts with what they leave behind
}

void Circuit::subscribe(const Header& header, EventMask mask) {
    Channel* channel = channels_.find(header.p1);
    if (!channel) return;
    cancel_subscription(*channel, header.p2);  // the same SUBID again replaces
    if (subscriptions_ >= shared_.config.max_subscriptions) {
        Counters::add(shared_.counters.subscriptions_refused);
        return send_failure(header, ECA_ALLOCMEM);
    }
    add_subscription(*channel, header, mask);
}

void Circuit::add_subscription(Channel& channel, const Header& header, EventMask mask) {
    if (!channel.subscriptions) {
        channel.subscriptions = std::make_unique<Channel::Subscriptions>();
    }
    Subscription& added = channel.subscriptions
                              ->try_emplace(header.p2, channel, header.p2,
                                            DbrType{header.type}, header.count, mask)
                              .first->second;
    ++subscriptions_;
    Counters::add(shared_.counters.subscriptions);

    const Pv& pv = *channel.pv;
    const PvClients::Joined joined = join(added);
    channel.ca_pv->subscriptions.push_back(added);
    if (joined.first) tell_interest(channel);
    if (!pv.reads_by_request() || !channel.may_read()) {
        return added.deliver_first(joined.current);
    }
    if (const SnapshotPtr now = pv.read_unasked()) return added.deliver_first(now);
    added.awaited_read = ++last_first_read_;
    CaRequestPtr request = make_request(RequestKind::Read);
    request->pv = channel.pv;
    request->channel = channel.sid;
    request->ioid = header.p2;
    request->dbr_type = DbrType{header.type};
    request->dbr_count = header.count;
    request->first_update = true;
    request->sequence = added.awaited_read;
    queue_request(request);
}

PvClients::Joined Circuit::join(Subscription& subscription) {
    PvClients::Joined joined = subscription.channel.ca_pv->join(subscription.mask);
    subscription.joined = joined.number;
    return joined;
}

void Circuit::on_first_update(const CaRequest& request) {
    Channel* channel = channels_.find(request.sid());
    Subscription* subscription =
        channel ? channel->find_subscription(request.ioid) : nullptr;
    if (!subscription || subscription->awaited_read != request.sequence) return;
    subscription->awaited_read = 0;
    // A read that failed has left its alarm in the PV's own value. An update without
    // data would say less, and asyncio clients in use end the subscription over it.
    const bool read = request.status() == ECA_NORMAL && request.result();
    subscription->deliver_first(read ? request.result() : channel->pv->snapshot());
    if (subscription->has_waiting()) add_waiting(*subscription);
}

// Confirmed whether there was such a subscription or not: it may have ended with its
// channel a moment ago.
void Circuit::handle_event_cancel(const Message& message) {
    const Header& header = message.header;
    if (Channel* channel = channels_.find(header.p1)) {
        in_flight_.drop_event_add(header.p1, header.p2);
        cancel_subscription(*channel, header.p2);
    }
    Header confirmed = header;
    confirmed.command = CA_PROTO_EVENT_ADD;
    confirmed.payload_size = 0;
    reply(confirmed);
}

void Circuit::cancel_subscription(Channel& channel, std::uint32_t subid) {
    if (!channel.subscriptions) return;
    const auto found = channel.subscriptions->find(subid);
    if (found != channel.subscriptions->end()) remove_subscription(channel, found);
}

void Circuit::remove_subscription(Channel& channel,
                                  Channel::Subscriptions::iterator which) {
    channel.subscriptions->erase(which);
    --subscriptions_;
    Counters::subtract(shared_.counters.subscriptions);
    leave_pv(channel);
}

void Circuit::clear_subscriptions(Channel& channel) {
    if (!channel.subscriptions || channel.subscriptions->empty()) return;
    subscriptions_ -= channel.subscriptions->size();
    Counters::subtract(shared_.counters.subscriptions, channel.subscriptions->size());
    channel.subscriptions.reset();
    leave_pv(channel);
}

// A subscription of the channel is gone; it may have been the PV's last.
void Circuit::leave_pv(Channel& channel) {
    if (!channel.ca_pv->subscriptions.empty()) return;
    if (channel.ca_pv->no_subscriptions()) tell_interest(channel);
}

void Circuit::tell_interest(const Channel& channel) noexcept {
    try {
        shared_.names->tell_interest(channel.pv, id_, identity_);
    } catch (const std::bad_alloc& error) {
        // A NUL follows a PV's name, and there may be no memory for a copy of it.
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
        shared_.log.add_caught("interest", channel.pv->name().data(), error);
    }
}

}  // namespace pcas
