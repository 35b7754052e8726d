// WRITE and WRITE_NOTIFY: decoded here, carried out by Python.
#include "net/sockets.hpp"
#include "pv/refused_put.hpp"
#include "pv/serial_puts.hpp"
#include "server/circuit.hpp"
#include "server/put_value.hpp"

namespace pcas {
namespace {

constexpr std::string_view kTooMany = "too many puts are waiting";

std::string_view why_not_decoded(EcaStatus status, DbfType type) {
    if (status == ECA_BADCOUNT) return "the number of elements does not fit the PV";
    return type == DbfType::Enum ? "the value is not a state of the PV"
                                 : "the value is not a number";
}

// What the put log says of one that is refused.
PutOutcome outcome_of(EcaStatus status, std::string_view text, const Pv& pv) {
    switch (status) {
        case ECA_NOWTACCESS:
            return pv.read_only() ? PutOutcome::ReadOnly : PutOutcome::NoAccess;
        case ECA_PUTFAIL:
            return text == kPutsDisabled ? PutOutcome::Disabled
                   : text == kTooMany    ? PutOutcome::Busy
                                         : PutOutcome::BadValue;
        case ECA_ALLOCMEM:
            return PutOutcome::Busy;
        case ECA_TOLARGE:
            return PutOutcome::TooLarge;
        default:
            return PutOutcome::BadValue;
    }
}

// The PV's lock, which the driver's thread has just had, only for those who need it.
Decoded decode_put(const Message& message, const Pv& pv) {
    const DbrType type{message.header.type};
    if (is_acknowledgement(type)) {
        return decode(plain_dbr(DbfType::Short), message.header.count, message.payload,
                      {DbfType::Short, 1, nullptr});
    }
    SnapshotPtr current;
    if (!needs_no_states(type, pv.type())) current = pv.snapshot();
    return decode(
        type, message.header.count, message.payload,
        {pv.type(), pv.max_count(), current ? current->metadata.get() : nullptr});
}

}  // namespace

void Circuit::handle_write(const Message& message) { execute_write(message, false); }

void Circuit::handle_write_notify(const Message& message) {
    execute_write(message, true);
}

void Circuit::execute_write(const Message& message, bool notify) {
    Counters::add(shared_.counters.writes);
    const Header& header = message.header;
    const DbrType type{header.type};
    Channel* channel = channels_.find(header.p1);
    if (!channel) return refuse_write(message, nullptr, ECA_BADCHID, "no such channel");
    if (!is_writable(type)) {
        return refuse_write(message, channel, ECA_BADTYPE,
                            "data type cannot be written");
    }
    if (!channel->may_write()) {
        return refuse_write(message, channel, ECA_NOWTACCESS,
                            why_no_write(*channel->pv));
    }
    if (channel->pv->puts_disabled()) {
        return refuse_write(message, channel, ECA_PUTFAIL, kPutsDisabled);
    }
    if (message.dropped) {
        Counters::add(shared_.counters.requests_too_large);
        if (header.payload_size > shared_.config.max_request) {
            return refuse_write(message, channel, ECA_TOLARGE, "payload is too large");
        }
        return header.count > channel->pv->max_count()
                   ? refuse_write(message, channel, ECA_BADCOUNT,
                                  "more elements than the PV has")
                   : refuse_write(message, channel, ECA_ALLOCMEM, "no memory for it");
    }
    if (in_flight_.full_of_deferred()) {
        Counters::add(shared_.counters.puts_refused);
        return refuse_write(message, channel, ECA_PUTFAIL, kTooMany);
    }
    if (!room_for_put(header.payload_size)) {
        Counters::add(shared_.counters.puts_refused);
        return refuse_write(message, channel, ECA_ALLOCMEM, kTooMany);
    }
    Decoded decoded = decode_put(message, *channel->pv);
    if (decoded.status != ECA_NORMAL) {
        return refuse_write(message, channel, decoded.status,
                            why_not_decoded(decoded.status, channel->pv->type()));
    }
    CaRequestPtr request = make_request(RequestKind::Write);
    request->pv = channel->pv;
    request->channel = channel->sid;
    request->ioid = header.p2;
    request->dbr_type = type;
    request->dbr_count = header.count;
    request->notify = notify;
    request->in_series =
        notify && !is_acknowledgement(type) && channel->pv->puts_in_series();
    if (request->in_series) ++channel->puts_in_series;
    request->trapped = channel->access.traps_writes();
    request->value = std::move(decoded.snapshot);
    request->log_to(shared_.names->put_log());
    if (!in_flight_.any_waits()) return queue_write(request);
    // A read ahead of it has to see the value as it was.
    in_flight_.wait(header, std::move(request));
}

void Circuit::queue_write(const CaRequestPtr& request) {
    if (!has_its_turn(request)) return;
    in_flight_.open_write(*request);
    queue_request(request);
}

// False: the PV keeps the request until the put callback before it is completed, or has
// no room for it, and then it fails. For the circuit it is one that the driver has
// accepted: nothing waits for it.
bool Circuit::has_its_turn(const CaRequestPtr& request) {
    if (!request->in_series) return true;
    if (request->pv->serial_puts()->begin(request, shared_.names->requests()) ==
        SerialPuts::Turn::Now) {
        return true;
    }
    in_flight_.defer(*request);
    return false;
}

void Circuit::withdraw_puts(Channel& channel) {
    if (channel.puts_in_series > 0)
        channel.pv->serial_puts()->withdraw(id_, channel.sid);
}

void Circuit::finish_write(std::uint16_t type, std::uint32_t count, std::uint32_t ioid,
                           EcaStatus status) {
    Header answer;
    answer.command = CA_PROTO_WRITE_NOTIFY;
    answer.type = type;
    answer.count = count;
    answer.p1 = status;
    answer.p2 = ioid;
    reply(answer);
}

void Circuit::refuse_write(const Message& message, const Channel* channel,
                           EcaStatus status, std::string_view text) {
    const Header& header = message.header;
    if (channel) {
        shared_.log.add_made(
            LogLevel::Warning, "puts of " + dotted(peer_.sin_addr), LogTopic::Put, [&] {
                return refused_put_text(put_value(message), *channel->pv, *identity_,
                                        text);
            });
        if (const PutLogPtr& log = shared_.names->put_log()) {
            log->add_refused(
                channel->pv, identity_, outcome_of(status, text, *channel->pv),
                channel->access.traps_writes(), [&] { return put_value(message); });
        }
    }
    if (header.command == CA_PROTO_WRITE_NOTIFY) {
        return finish_write(header.type, header.count, header.p2, status);
    }
    send_error(header, channel ? channel->cid : kNoCid, status, text);
}

void Circuit::on_write_progress(const CaRequest& request, bool completed) {
    if (completed) answer_write(request);  // resume() runs the reads behind it
    disconnect_left();
}

void Circuit::answer_write(const CaRequest& request) {
    Channel* channel = channels_.find(request.sid());
    if (!channel) return;  // cleared meanwhile: nothing may be sent for it
    if (request.in_series) --channel->puts_in_series;
    const std::uint16_t type = raw(request.dbr_type);
    if (request.notify) {
        return finish_write(type, request.dbr_count, request.ioid, request.status());
    }
    if (request.status() == ECA_NORMAL) return;
    Header header;
    header.command = CA_PROTO_WRITE;
    header.type = type;
    header.count = request.dbr_count;
    header.payload_size = static_cast<std::uint32_t>(
        padded(dbr_size(request.dbr_type, request.dbr_count)));
    header.p1 = request.sid();
    header.p2 = request.ioid;
    send_error(header, channel->cid, request.status(), "put was refused");
}

}  // namespace pcas
