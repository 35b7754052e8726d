#include "server/search.hpp"

#include <caProto.h>
#include <caerr.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/byte_order.hpp"
#include "proto/header.hpp"
#include "server/services.hpp"

namespace pcas {

void SearchFrame::add_hit(std::uint32_t cid, std::uint16_t tcp_port) noexcept {
    constexpr std::size_t kHit = kHeaderSize + 8;
    if (size_ + kHit > bytes_.size()) send();
    if (size_ == 0) {
        // The client's sequence number tells it which of its searches this answers.
        Header version;
        version.command = CA_PROTO_VERSION;
        version.type = sequence_valid_ ? sequenceNoIsValid : 0;
        version.count = kMinorVersion;
        version.p1 = sequence_valid_ ? sequence_ : 0;
        size_ = write_header(bytes_.data(), version);
    }
    Header hit;
    hit.command = CA_PROTO_SEARCH;
    hit.payload_size = 8;
    hit.type = tcp_port;
    hit.p1 = kNoCid;  // "use the address this came from"
    hit.p2 = cid;
    std::byte* at = bytes_.data() + size_;
    at += write_header(at, hit);
    std::memset(at, 0, 8);
    store_be16(at, kMinorVersion);
    size_ += kHit;
}

bool SearchFrame::send() noexcept {
    if (size_ > 0) {
        sent_all_ &=
            send_datagram(fd_, std::span(bytes_).first(size_), asked_.from, asked_.to);
    }
    size_ = 0;
    return sent_all_;
}

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
    for (const in_addr& address : addresses) {
        UniqueSocket socket = bind_udp(address, port_);
        if (port_ == 0) port_ = local_port(socket.get());
        want_destination(socket.get());
        for (const in_addr& group : multicast_groups) {
            const ip_mreq membership{group, address};
            if (::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP,
                             reinterpret_cast<const char*>(&membership),
                             sizeof membership) < 0) {
                shared_.log.add(LogLevel::Warning, "config",
                                "cannot join multicast group " + dotted(group));
            }
        }
        const SOCKET fd = socket.get();
        ports_.push_back(
            std::make_unique<SearchPort>(*this, std::move(socket), INVALID_SOCKET));
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
}

bool SearchService::names_left() const noexcept {
    return names_this_turn_ < shared_.config.max_searches_per_turn;
}

bool SearchService::ignored(const Datagram& datagram) const noexcept {
    const in_addr from = datagram.from.sin_addr;
    if (datagram.from.sin_port == 0 || is_multicast(from) ||
        from.s_addr == htonl(INADDR_BROADCAST) || from.s_addr == htonl(INADDR_ANY)) {
        return true;
    }
    return std::any_of(ignored_.begin(), ignored_.end(), [&](const in_addr& address) {
        return address.s_addr == from.s_addr;
    });
}

// Stops at the first error in the datagram and keeps the hits found so far.
void SearchService::answer(SOCKET reply_socket, const Datagram& datagram,
                           std::span<const std::byte> bytes) {
    ++names_this_turn_;  // an empty datagram is work, too
    if (ignored(datagram)) return Counters::add(shared_.counters.datagrams_dropped);
    SearchFrame frame(reply_socket, datagram);
    Header header;
    while (read_header(bytes, header, false)) {
        if (header.payload_size % 8 != 0 ||
            bytes.size() < kHeaderSize + header.payload_size) {
            Counters::add(shared_.counters.datagrams_dropped);
            break;
        }
        const auto payload = bytes.subspan(kHeaderSize, header.payload_size);
        bytes = bytes.subspan(kHeaderSize + header.payload_size);
        if (header.command == CA_PROTO_VERSION) {
            frame.set_version(static_cast<std::uint16_t>(header.count), header.p1,
                              CA_V411(header.count));
            continue;
        }
        // A search has a minor version in its count; replies of others that came back
        // have 0 there.
        if (header.command != CA_PROTO_SEARCH) break;
        if (!CA_VSUPPORTED(header.count) || payload.empty()) continue;
        const auto* text = reinterpret_cast<const char*>(payload.data());
        const void* end = std::memchr(text, 0, payload.size());
        if (!end || end == text) continue;
        if (!names_left()) {
            Counters::add(shared_.counters.searches_dropped);
            break;  // the rest of this datagram
        }
        search(header,
               {text, static_cast<std::size_t>(static_cast<const char*>(end) - text)},
               datagram, reply_socket, frame);
    }
    if (!frame.send()) {
        shared_.log.add(LogLevel::Warning, dotted(datagram.from.sin_addr),
                        "search reply to " + dotted(datagram.from) + " cannot be sent");
    }
}

void SearchService::search(const Header& header, std::string_view name,
                           const Datagram& datagram, SOCKET reply_socket,
                           SearchFrame& frame) {
    ++names_this_turn_;
    Counters::add(shared_.counters.searches);
    const Where where = shared_.names->find(name, NameUse::Search).where;
    if (where == Where::ByRequest) {
        return ask_python(header, name, datagram, reply_socket);
    }
    if (where == Where::NotHere) return;  // over UDP a miss is not answered
    Counters::add(shared_.counters.search_hits);
    frame.add_hit(header.p2, shared_.tcp_port.load(std::memory_order_relaxed));
}

void SearchService::ask_python(const Header& header, std::string_view name,
                               const Datagram& datagram, SOCKET reply_socket) {
    if (asked_.size() >= kMaxAsked || asked_bytes_ >= kMaxAskedBytes) {
        // clients ask again
        return Counters::add(shared_.counters.datagrams_dropped);
    }
    CaRequestPtr request(new CaRequest(RequestKind::Exists, shared_.completions));
    Ref<ClientIdentity> identity(new ClientIdentity);
    identity->address = dotted(datagram.from);
    request->client = identity;
    request->name = name;
    request->ioid = header.p2;
    request->dbr_count = header.count;
    asked_.emplace(request.get(), Asked{datagram, reply_socket});
    asked_bytes_ += name.size();
    shared_.names->requests()->push(std::move(request));
}

void SearchService::on_completion(const CaRequest& request) {
    const auto found = asked_.find(&request);
    if (found == asked_.end()) return;
    if (request.status() == ECA_NORMAL) {
        const Asked& asked = found->second;
        SearchFrame frame(asked.reply_socket, asked.datagram);
        Counters::add(shared_.counters.search_hits);
        frame.add_hit(request.ioid, shared_.tcp_port.load(std::memory_order_relaxed));
        frame.send();
    }
    asked_bytes_ -= request.name.size();
    asked_.erase(found);
}

}  // namespace pcas
