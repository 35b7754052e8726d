// Which handler serves which command: a table and nothing else.
#include <array>

#include "server/circuit.hpp"

namespace pcas {

Circuit::Handler Circuit::handler_of(std::uint16_t command) noexcept {
    static constexpr std::array<Handler, CA_PROTO_LAST_CMMD + 1> kHandlers = [] {
        std::array<Handler, CA_PROTO_LAST_CMMD + 1> table{};
        table.fill(&Circuit::handle_invalid);
        table[CA_PROTO_VERSION] = &Circuit::handle_version;
        table[CA_PROTO_EVENT_ADD] = &Circuit::handle_event_add;
        table[CA_PROTO_EVENT_CANCEL] = &Circuit::handle_event_cancel;
        table[CA_PROTO_READ] = &Circuit::handle_read;
        table[CA_PROTO_WRITE] = &Circuit::handle_write;
        table[CA_PROTO_SEARCH] = &Circuit::handle_search;
        table[CA_PROTO_EVENTS_OFF] = &Circuit::handle_events_off;
        table[CA_PROTO_EVENTS_ON] = &Circuit::handle_events_on;
        table[CA_PROTO_READ_SYNC] = &Circuit::handle_read_sync;
        table[CA_PROTO_CLEAR_CHANNEL] = &Circuit::handle_clear_channel;
        table[CA_PROTO_READ_NOTIFY] = &Circuit::handle_read_notify;
        table[CA_PROTO_CREATE_CHAN] = &Circuit::handle_create_chan;
        table[CA_PROTO_WRITE_NOTIFY] = &Circuit::handle_write_notify;
        table[CA_PROTO_CLIENT_NAME] = &Circuit::handle_client_name;
        table[CA_PROTO_HOST_NAME] = &Circuit::handle_host_name;
        table[CA_PROTO_ECHO] = &Circuit::handle_echo;
        return table;
    }();
    return kHandlers[command];  // the framer lets no other command through
}

void Circuit::dispatch(const Message& message) {
    const Header& header = message.header;
    if (header.extended && minor_ != 0 && !CA_V49(minor_)) {
        return fail("sent an extended header, which its version does not have");
    }
    (this->*handler_of(header.command))(message);
}

}  // namespace pcas
