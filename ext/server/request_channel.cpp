// Requests that find, make and end channels.
#include <cstring>

#include "net/sockets.hpp"
#include "server/circuit.hpp"
#include "server/names.hpp"

namespace pcas {
namespace {

// The bytes up to the first NUL; empty if there is none.
std::string_view name_in(std::span<const std::byte> payload) noexcept {
    if (payload.empty()) return {};
    const auto* text = reinterpret_cast<const char*>(payload.data());
    const void* end = std::memchr(text, 0, payload.size());
    if (!end) return {};
    return {text, static_cast<std::size_t>(static_cast<const char*>(end) - text)};
}

}  // namespace

// Over TCP the client has been told this server's address, so that a miss is answered
// if it asks for that.
void Circuit::handle_search(const Message& message) {
    const Header& header = message.header;
    const std::string_view name = name_in(message.payload);
    if (name.empty() || !CA_VSUPPORTED(header.count)) return;
    Counters::add(shared_.counters.searches);
    const Where where =
        find_name(shared_, name, NameUse::Search, [&] { return dotted(peer_); }).where;
    if (where == Where::NotHere) note_miss(name);
    if (where != Where::ByRequest) return answer_search(header, where == Where::Here);
    CaRequestPtr request = make_request(RequestKind::Exists);
    request->name = name;
    request->ioid = header.p2;
    request->dbr_type = DbrType{header.type};
    request->dbr_count = header.count;
    queue_request(request);
}

void Circuit::note_miss(std::string_view name) noexcept {
    Misses& misses = shared_.names->misses();
    if (misses.kept()) misses.note(name, searcher_of(peer_));
}

void Circuit::answer_search(const Header& request, bool found) {
    if (found) {
        Counters::add(shared_.counters.search_hits);
        Header hit;
        hit.command = CA_PROTO_SEARCH;
        hit.type = shared_.tcp_port.load(std::memory_order_relaxed);
        hit.p1 = kNoCid;
        hit.p2 = request.p2;
        reply(hit);
    } else if (request.type == DOREPLY) {
        Header miss = request;
        miss.command = CA_PROTO_NOT_FOUND;
        miss.payload_size = 0;
        reply(miss);
    }
}

void Circuit::on_search_completed(const CaRequest& request) {
    Header asked;
    asked.type = raw(request.dbr_type);
    asked.count = request.dbr_count;
    asked.p1 = asked.p2 = request.ioid;
    if (request.status() != ECA_NORMAL) note_miss(request.name);
    answer_search(asked, request.status() == ECA_NORMAL);
}

void Circuit::handle_create_chan(const Message& message) {
    const Header& header = message.header;
    if (!CA_VSUPPORTED(header.p2)) {
        return fail("has protocol version 4." + std::to_string(header.p2));
    }
    minor_ =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(header.p2, kMinorVersion));
    const std::string_view name = name_in(message.payload);
    if (name.empty()) return refuse_channel(header.p1);
    if (!room_for_channel()) {
        Counters::add(shared_.counters.channels_over_limit);
        return refuse_channel(header.p1);
    }
    Found found =
        find_name(shared_, name, NameUse::Attach, [&] { return dotted(peer_); });
    if (found.where == Where::Here) {
        return create_channel(header.p1, std::move(found.pv));
    }
    if (found.where == Where::NotHere) return refuse_channel(header.p1);
    CaRequestPtr request = make_request(RequestKind::Attach);
    request->name = name;
    request->ioid = header.p1;
    queue_request(request);
}

void Circuit::on_attach_completed(const CaRequest& request) {
    if (request.status() == ECA_NORMAL && request.attached() && room_for_channel()) {
        create_channel(request.ioid, request.attached());
    } else {
        refuse_channel(request.ioid);
    }
}

bool Circuit::room_for_channel() const noexcept {
    return channels_.size() <
           std::min(shared_.config.max_channels, ChannelTable::kMaxChannels);
}

void Circuit::create_channel(std::uint32_t cid, PvPtr pv) {
    Channel& channel = channels_.add(*this, cid, std::move(pv));
    Counters::add(shared_.counters.channels);
    Counters::add(shared_.counters.channels_created);
    send_channel(channel);
}

void Circuit::refuse_channel(std::uint32_t cid) {
    Counters::add(shared_.counters.channels_refused);
    Header refused;
    refused.command = CA_PROTO_CREATE_CH_FAIL;
    refused.p1 = cid;
    reply(refused);
}

// A SID that is not known may be one that SERVER_DISCONN has just ended: no error.
void Circuit::handle_clear_channel(const Message& message) {
    if (Channel* channel = channels_.find(message.header.p1)) remove_channel(*channel);
    Header same = message.header;
    same.payload_size = 0;
    reply(same);
}

// After this nothing is sent for the channel's CID, IOIDs and SUBIDs. Writes that were
// received are carried out all the same, but those that wait for a driver to complete
// another one.
void Circuit::remove_channel(Channel& channel) {
    in_flight_.drop_reads(channel.sid);
    clear_subscriptions(channel);
    withdraw_puts(channel);
    channels_.remove(channel);
    Counters::subtract(shared_.counters.channels);
}

}  // namespace pcas
