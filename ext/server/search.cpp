#include "server/search.hpp"

#include <caProto.h>
#include <caerr.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "proto/header.hpp"
#include "server/names.hpp"
#include "server/services.hpp"

namespace pcas {
namespace {

bool is_from_nobody(const sockaddr_in& from) noexcept {
    return from.sin_port == 0 || is_multicast(from.sin_addr) ||
           from.sin_addr.s_addr == htonl(INADDR_BROADCAST) ||
           from.sin_addr.s_addr == htonl(INADDR_ANY);
}

}  // namespace

SearchPort::SearchPort(SearchService& service, UniqueSocket socket, SOCKET reply_socket)
    : service_(service),
      socket_(std::move(socket)),
      reply_socket_(reply_socket == INVALID_SOCKET ? socket_.get() : reply_socket) {
    service_.services().poller().add(socket_.get(), *this, {true, false});
}

SearchPort::~SearchPort() { service_.services().poller().remove(socket_.get(), *this); }

void SearchPort::on_io(bool, bool) {
    Datagram datagram;
    const TimeBudget budget;  // each port has its own
    service_.new_turn();
    while (service_.names_left() && budget.left() &&
           receive_datagram(socket_.get(), service_.buffer(), datagram)) {
        service_.answer(reply_socket_, datagram,
                        service_.buffer().first(datagram.size));
    }
}

void SearchPort::replace(UniqueSocket fresh) {
    on_io(true, false);  // what has come until now
    Poller& poller = service_.services().poller();
    poller.remove(socket_.get(), *this);
    replace_socket(socket_.get(), std::move(fresh));
    poller.add(socket_.get(), *this, {true, false});
}

SearchService::SearchService(Services& services)
    : services_(services), shared_(services.shared()), buffer_(MAX_UDP_RECV) {
    for (const std::string& text : shared_.config.ignored) {
        sockaddr_in address;
        if (resolve(text, 0, address))
            ignored_.push_back(address.sin_addr);
        else
            shared_.log.add(
                LogLevel::Warning, "config",
                "address to ignore \"" + printable(text) + "\" cannot be resolved");
    }
}

void SearchService::bind(const std::vector<in_addr>& addresses,
                         const std::vector<in_addr>& multicast_groups,
                         std::uint16_t port) {
    port_ = port;
    addresses_ = addresses;
    groups_ = multicast_groups;
    for (const in_addr& address : addresses) {
        UniqueSocket socket = open(address);
        if (port_ == 0) port_ = local_port(socket.get());
        const SOCKET fd = socket.get();
        ports_.push_back(
            std::make_unique<SearchPort>(*this, std::move(socket), INVALID_SOCKET));
        if (address.s_addr == htonl(INADDR_ANY)) at_all_ = ports_.back().get();
#ifndef _WIN32
        // A socket bound to an interface gets no broadcasts: a second one does.
        if (address.s_addr == htonl(INADDR_ANY)) continue;
        for (const in_addr& broadcast : broadcast_addresses(fd, address)) {
            if (broadcast.s_addr == address.s_addr) continue;
            ports_.push_back(
                std::make_unique<SearchPort>(*this, bind_udp(broadcast, port_), fd));
        }
#endif
    }
    // A free port is nobody else's.
    if (port != 0 && shared_.config.neighbours) look_for_neighbours();
}

UniqueSocket SearchService::open(const in_addr& address) {
    UniqueSocket socket = bind_udp(address, port_);
    want_destination(socket.get());
    for (const in_addr& group : groups_) {
        const ip_mreq membership{group, address};
        if (::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP,
                         reinterpret_cast<const char*>(&membership),
                         sizeof membership) < 0) {
            shared_.log.add(LogLevel::Warning, "config",
                            "cannot join multicast group " + dotted(group));
        }
    }
    return socket;
}

// Where they cannot be asked (no loopback in a container, say) ours is a server as any.
void SearchService::look_for_neighbours() {
#ifdef __linux__
    try {
        neighbours_ = std::make_unique<Neighbours>(services_, port_);
        if (at_all_) return neighbours_->watch([this] { bind_anew(); });
        UniqueSocket socket = bind_udp(Neighbours::address(), port_);
        want_destination(socket.get());
        ports_.push_back(
            std::make_unique<SearchPort>(*this, std::move(socket), INVALID_SOCKET));
    } catch (const std::system_error& error) {
        shared_.log.add(
            LogLevel::Info, "config",
            std::string("other servers on this host are not asked: ") + error.what());
    }
#endif
}

// Bound last, it gets what is sent to one address.
void SearchService::bind_anew() {
    try {
        at_all_->replace(open(address_of(INADDR_ANY)));
    } catch (const std::system_error& error) {  // it is tried again
        shared_.log.add(
            LogLevel::Info, "search",
            std::string("the search port cannot be opened again: ") + error.what());
    }
}

bool SearchService::names_left() const noexcept {
    return names_this_turn_ < shared_.config.max_searches_per_turn;
}

bool SearchService::serves(const in_addr& address) const noexcept {
    return at_all_ ||
           std::any_of(addresses_.begin(), addresses_.end(), [&](const in_addr& own) {
               return own.s_addr == address.s_addr;
           });
}

bool SearchService::ignores(const in_addr& from) const noexcept {
    return std::any_of(ignored_.begin(), ignored_.end(), [&](const in_addr& address) {
        return address.s_addr == from.s_addr;
    });
}

void SearchService::answer(SOCKET reply_socket, const Datagram& datagram,
                           std::span<const std::byte> bytes) {
    ++names_this_turn_;  // an empty datagram is work, too
    if (is_from_nobody(datagram.from)) {
        return Counters::add(shared_.counters.datagrams_dropped);
    }
    if (neighbours_ && neighbours_->is_ours(reply_socket, datagram, bytes)) return;
    const Asker asker = asker_of(datagram, bytes);
    if (datagram.sent_to.s_addr == Neighbours::address().s_addr && !serves(asker.used))
        return;
    Searched searched{datagram,
                      reply_socket,
                      asker,
                      ignores(asker.client.sin_addr),
                      SearchFrame(reply_socket, datagram),
                      Forward(neighbours_.get(), datagram, reply_socket)};
    if (searched.ignored) Counters::add(shared_.counters.datagrams_dropped);
    if (searched.ignored && !searched.forward.wanted()) return;
    answer(searched, bytes);
    searched.forward.send();
    if (!searched.frame.send()) {
        shared_.log.add(LogLevel::Warning, dotted(datagram.from.sin_addr),
                        "search reply to " + dotted(datagram.from) + " cannot be sent");
    }
}

// Stops at the first error in the datagram and keeps the hits found so far.
void SearchService::answer(Searched& searched, std::span<const std::byte> bytes) {
    Header header;
    while (read_header(bytes, header, false)) {
        if (header.payload_size % 8 != 0 ||
            bytes.size() < kHeaderSize + header.payload_size) {
            return Counters::add(shared_.counters.datagrams_dropped);
        }
        const auto payload = bytes.subspan(kHeaderSize, header.payload_size);
        bytes = bytes.subspan(kHeaderSize + header.payload_size);
        if (header.command == CA_PROTO_VERSION) {
            searched.frame.set_version({static_cast<std::uint16_t>(header.count),
                                        CA_V411(header.count), header.p1});
            continue;
        }
        // A search has a minor version in its count; replies of others that came back
        // have 0 there.
        if (header.command != CA_PROTO_SEARCH) return;
        if (!CA_VSUPPORTED(header.count) || payload.empty()) continue;
        const auto* text = reinterpret_cast<const char*>(payload.data());
        const void* end = std::memchr(text, 0, payload.size());
        if (!end || end == text) continue;
        if (!names_left()) {  // for the rest of this datagram
            return Counters::add(shared_.counters.searches_dropped);
        }
        search(header,
               {text, static_cast<std::size_t>(static_cast<const char*>(end) - text)},
               searched);
    }
}

void SearchService::search(const Header& header, std::string_view name,
                           Searched& searched) {
    ++names_this_turn_;
    Counters::add(shared_.counters.searches);
    const auto client = [&] { return dotted(searched.asker.client); };
    const Where where = searched.ignored
                            ? Where::NotHere
                            : find_name(shared_, name, NameUse::Search, client).where;
    if (where == Where::Here) {
        Counters::add(shared_.counters.search_hits);
        return searched.frame.add_hit(header.p2, own_hit());
    }
    if (where == Where::NotHere) note_miss(name, searched);
    // Over UDP a miss is not answered. Neighbours need not wait for Python.
    searched.forward.add(name, header.p2, searched.frame.version());
    if (where == Where::ByRequest) ask_python(header, name, searched);
}

void SearchService::note_miss(std::string_view name, const Searched& searched) {
    Misses& misses = shared_.names->misses();
    if (!misses.kept() || searched.ignored) return;
    misses.note(name, searcher_of(searched.asker.client));
}

Hit SearchService::own_hit() const noexcept {
    return {shared_.tcp_port.load(std::memory_order_relaxed)};
}

void SearchService::ask_python(const Header& header, std::string_view name,
                               const Searched& searched) {
    if (asked_.size() >= kMaxAsked || asked_bytes_ >= kMaxAskedBytes) {
        // clients ask again
        return Counters::add(shared_.counters.datagrams_dropped);
    }
    CaRequestPtr request(new CaRequest(RequestKind::Exists, shared_.completions));
    Ref<ClientIdentity> identity(new ClientIdentity);
    identity->address = dotted(searched.asker.client);
    request->client = identity;
    request->name = name;
    request->ioid = header.p2;
    request->dbr_count = header.count;
    asked_.emplace(request.get(), Asked{searched.datagram, searched.reply_socket,
                                        searched.frame.version()});
    asked_bytes_ += name.size();
    shared_.names->requests()->push(std::move(request));
}

void SearchService::on_completion(const CaRequest& request) {
    const auto found = asked_.find(&request);
    if (found == asked_.end()) return;
    if (request.status() == ECA_NORMAL) {
        const Asked& asked = found->second;
        SearchFrame frame(asked.reply_socket, asked.datagram);
        frame.set_version(asked.version);
        Counters::add(shared_.counters.search_hits);
        frame.add_hit(request.ioid, own_hit());
        frame.send();
    } else if (shared_.names->misses().kept()) {
        shared_.names->misses().note(request.name, {0, 0, request.client->address});
    }
    asked_bytes_ -= request.name.size();
    asked_.erase(found);
}

}  // namespace pcas
