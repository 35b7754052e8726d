// Requests about the circuit itself.
#include <algorithm>
#include <cstring>

#include "server/circuit.hpp"

namespace pcas {

// A client may send it again with its searches (ca-protocol 2.2).
void Circuit::handle_version(const Message& message) {
    const std::uint32_t minor = message.header.count;
    if (!CA_VSUPPORTED(minor)) {
        return fail("has protocol version 4." + std::to_string(minor));
    }
    minor_ = static_cast<std::uint16_t>(std::min<std::uint32_t>(minor, kMinorVersion));
}

// False, and the circuit closed, if the payload is no name.
bool Circuit::take_name(const Message& message, std::string& name) {
    constexpr std::size_t kMaxName = 511;
    const auto payload = message.payload;
    const void* end =
        payload.empty() ? nullptr : std::memchr(payload.data(), 0, payload.size());
    const auto* text = reinterpret_cast<const char*>(payload.data());
    const std::size_t size =
        end ? static_cast<std::size_t>(static_cast<const char*>(end) - text) : 0;
    if (!end || size > kMaxName) {
        send_error(message.header, kNoCid, ECA_INTERNAL, "name is empty or too long");
        fail("sent a user or host name that is empty, too long or has no end");
        return false;
    }
    name.assign(text, size);
    return true;
}

// Names that come after a channel exists are ignored: access was decided with the
// first.
void Circuit::handle_client_name(const Message& message) {
    std::string name;
    if (!take_name(message, name) || channels_.size() > 0) return;
    Ref<ClientIdentity> identity(new ClientIdentity);
    identity->user = std::move(name);
    identity->host = identity_->host;
    identity->address = identity_->address;
    identity_ = identity;
}

void Circuit::handle_host_name(const Message& message) {
    std::string name;
    if (!take_name(message, name) || channels_.size() > 0) return;
    Ref<ClientIdentity> identity(new ClientIdentity);
    identity->user = identity_->user;
    identity->host = std::move(name);
    identity->address = identity_->address;
    identity_ = identity;
}

void Circuit::handle_echo(const Message& message) {
    if (message.dropped) {
        Counters::add(shared_.counters.requests_too_large);
        return send_error(message.header, kNoCid, ECA_TOLARGE, "echo is too large");
    }
    if (closing_) return;
    const std::size_t head =
        header_size(message.header.payload_size, message.header.count);
    std::byte* at = output_.append(head + message.payload.size());
    write_header(at, message.header);
    if (!message.payload.empty()) {
        std::memcpy(at + head, message.payload.data(), message.payload.size());
    }
    mark_output(true);
}

void Circuit::handle_read_sync(const Message& message) {
    Header same = message.header;
    same.payload_size = 0;
    reply(same);
}

// What waits is looked at when each subscription has its next event or its turn.
void Circuit::handle_events_off(const Message&) {
    if (!events_on_) return;
    events_on_ = false;
    ++times_events_off_;
}

void Circuit::handle_events_on(const Message&) {
    events_on_ = true;
    send_waiting_updates();
}

void Circuit::handle_invalid(const Message& message) {
    send_error(message.header, kNoCid, ECA_INTERNAL, "not a request");
    fail("sent command " + std::to_string(message.header.command) +
         ", which is no request");
}

}  // namespace pcas
