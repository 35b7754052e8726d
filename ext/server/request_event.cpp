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
    if (!behind_writes() && !must_wait(header)) return subscribe(header, mask);
    deferred_.push_back({header, {}, mask});  // starts with what they leave behind
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

    Pv& pv = *channel.pv;
    const bool first = pv.subscriptions.empty();
    const SnapshotPtr current = join(added);
    pv.subscriptions.push_back(added);
    if (first && pv.wants_interest()) request_interest(channel);
    if (!pv.reads_by_request() || !channel.may_read()) {
        return added.deliver_first(current);
    }
    added.awaited_read = ++last_first_read_;
    RequestPtr request = make_request(RequestKind::Read);
    request->pv = channel.pv;
    request->sid = channel.sid;
    request->ioid = header.p2;
    request->dbr_type = DbrType{header.type};
    request->dbr_count = header.count;
    request->first_update = true;
    request->sequence = added.awaited_read;
    queue_request(std::move(request));
}

SnapshotPtr Circuit::join(Subscription& subscription) {
    Pv::Joined joined = subscription.channel.pv->join(services_.posts());
    subscription.joined = joined.number;
    return std::move(joined.current);
}

void Circuit::on_first_update(const Request& request) {
    Channel* channel = channels_.find(request.sid);
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
        std::erase_if(deferred_, [&](const Deferred& waiting) {
            return waiting.header.command == CA_PROTO_EVENT_ADD &&
                   waiting.header.p1 == header.p1 && waiting.header.p2 == header.p2;
        });
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
    Pv& pv = *channel.pv;
    if (!pv.subscriptions.empty()) return;
    pv.no_subscriptions();
    if (pv.wants_interest()) request_interest(channel);
}

// Nobody waits for the answer, so it does not count among the open requests.
void Circuit::request_interest(Channel& channel) noexcept {
    if (!channel.pv->interest_changed()) return;
    try {
        RequestPtr request(new Request(RequestKind::Interest, nullptr));
        request->circuit = id_;
        request->client = identity_;
        request->pv = channel.pv;
        shared_.names->requests()->push(std::move(request));
    } catch (const std::bad_alloc& error) {
        shared_.log.add_caught("interest", channel.pv->name().c_str(), error);
    }
}

}  // namespace pcas
