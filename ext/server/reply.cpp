// What a circuit sends.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/byte_order.hpp"
#include "server/circuit.hpp"
#include "server/update_form.hpp"

namespace pcas {

void Circuit::mark_output(bool answer) {
    if (ListNode<Circuit, FlushTag>::linked() && (answers_ || !answer)) return;
    answers_ = answer;
    services_.agenda().mark_output(*this, answer);
}

void Circuit::reply(const Header& header) {
    if (closing_) return;
    std::byte* at = output_.append(header_size(header.payload_size, header.count));
    write_header(at, header);
    mark_output(true);
}

// ca-protocol 1.5: the request's header, then a text that ends with NUL.
void Circuit::send_error(const Header& request, std::uint32_t cid, EcaStatus status,
                         std::string_view text) {
    if (closing_) return;
    const std::size_t embedded = header_size(request.payload_size, request.count);
    const std::string_view said = text.substr(0, 400);
    Header header;
    header.command = CA_PROTO_ERROR;
    header.payload_size =
        static_cast<std::uint32_t>(padded(embedded + said.size() + 1));
    header.p1 = cid;
    header.p2 = status;
    std::byte* at = output_.append(kHeaderSize + header.payload_size);
    std::memset(at, 0, kHeaderSize + header.payload_size);
    at += write_header(at, header);
    at += write_header(at, request);
    std::memcpy(at, said.data(), said.size());
    mark_output(true);
}

bool Circuit::fits_response(DbrType type, std::uint32_t count) const noexcept {
    const std::uint64_t size = padded(dbr_size(type, count));
    if (size > shared_.config.max_response) return false;
    return minor_ == 0 || CA_V49(minor_) || header_size(size, count) == kHeaderSize;
}

// Elements that the PV has not are sent as zeros, but not by the gigabyte.
bool Circuit::may_ask_for(const Channel& channel, const Header& header) const noexcept {
    const DbrType type{header.type};
    return fits_response(type, header.count) &&
           (header.count <= channel.pv->max_count() ||
            dbr_size(type, header.count) <= shared_.config.max_output);
}

// header.count is what was asked for: 0 means as many as there are.
void Circuit::send_data(const Channel& of, Header header, const SnapshotPtr& snapshot) {
    if (closing_) return;
    const std::uint32_t asked = header.count;
    if (asked == 0) header.count = snapshot->count();
    const DbrType type{header.type};
    const std::uint64_t size = padded(dbr_size(type, header.count));
    header.payload_size = static_cast<std::uint32_t>(size);
    EcaStatus status = ECA_NORMAL;
    const bool tells_acks = type == kDbrStsackString;
    const Acknowledgement acks =
        tells_acks ? of.pv->acknowledgement() : Acknowledgement{};
    if (size >= TextStream::kFrom && TextStream::suits(*snapshot, type, header.count)) {
        write_header(output_.append(header_size(size, header.count)), header);
        output_.append(TextStream(snapshot, type, header.count, acks));
    } else if (size >= EncodingCache::kShareFrom) {
        const EncodingCache::Encoded encoded =
            tells_acks ? EncodingCache::make(*snapshot, type, header.count)
                       : services_.encodings().get(snapshot, type, header.count);
        status = encoded.status;
        if (status == ECA_NORMAL) {
            if (tells_acks) put_acknowledgement(encoded.bytes->bytes(), acks);
            write_header(output_.append(header_size(size, header.count)), header);
            output_.append(encoded.bytes);
        }
    } else {
        // An update without elements must not look like the confirmation of a cancel.
        if (size == 0 && header.command == CA_PROTO_EVENT_ADD) header.payload_size = 8;
        const std::size_t head = header_size(size, header.count);
        std::byte* at = output_.append(head + header.payload_size);
        write_header(at, header);
        status =
            encode(*snapshot, type, header.count, {at + head, header.payload_size});
        if (status != ECA_NORMAL)
            output_.take_back(head + header.payload_size);
        else if (tells_acks)
            put_acknowledgement({at + head, header.payload_size}, acks);
    }
    if (status == ECA_NORMAL) return mark_output(header.command != CA_PROTO_EVENT_ADD);
    header.count = asked;
    send_failure(header, status);
}

void Circuit::send_failure(Header header, EcaStatus status) {
    const DbrType type{header.type};
    header.p1 = status;
    if (!is_readable(type))
        header.count = std::min(header.count, 1u);
    else if (!fits_response(type, header.count))
        header.count = 0;
    std::uint64_t size = is_readable(type) ? padded(dbr_size(type, header.count)) : 0;
    // An update without payload confirms a cancel, and clients pass over it.
    if (size == 0 && header.command == CA_PROTO_EVENT_ADD) size = 8;
    header.payload_size = static_cast<std::uint32_t>(size);
    if (closing_) return;
    const std::size_t head = header_size(size, header.count);
    std::byte* at = output_.append(head + size);
    std::memset(at, 0, head + size);
    write_header(at, header);
    mark_output(header.command != CA_PROTO_EVENT_ADD);
}

void Circuit::send_rights(Channel& channel) {
    channel.told_rights = channel.rights;
    Header rights;
    rights.command = CA_PROTO_ACCESS_RIGHTS;
    rights.p1 = channel.cid;
    rights.p2 = channel.rights;
    reply(rights);
}

// ACCESS_RIGHTS goes first: without it a client has neither right.
void Circuit::send_channel(Channel& channel) {
    send_rights(channel);
    Header created;
    created.command = CA_PROTO_CREATE_CHAN;
    created.type = raw(plain_dbr(channel.pv->type()));
    created.count = channel.pv->max_count();
    if (!CA_V49(minor_)) created.count = std::min(created.count, 0xfffeu);
    created.p1 = channel.cid;
    created.p2 = channel.sid;
    reply(created);
}

void Circuit::send_update(const Subscription& subscription,
                          const SnapshotPtr& snapshot) {
    Header update;
    update.command = CA_PROTO_EVENT_ADD;
    update.type = raw(subscription.type);
    update.count = subscription.count;
    update.p1 = ECA_NORMAL;
    update.p2 = subscription.subid;
    Counters::add(shared_.counters.updates);
    if (!subscription.may_read) return send_failure(update, ECA_NORDACCESS);
    const std::uint32_t count = update.count == 0 ? snapshot->count() : update.count;
    if (!fits_response(subscription.type, count)) {
        return send_failure(update, ECA_TOLARGE);
    }
    send_data(subscription.channel, update, snapshot);
}

void Circuit::send_update(const Subscription& subscription,
                          std::span<const std::byte> message) {
    Counters::add(shared_.counters.updates);
    std::byte* at = output_.append(message.size());
    std::memcpy(at, message.data(), message.size());
    store_be32(at + UpdateForm::kSubidOffset, subscription.subid);
    mark_output(false);
}

}  // namespace pcas
