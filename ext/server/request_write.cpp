// WRITE and WRITE_NOTIFY: decoded here, carried out by Python.
#include "server/circuit.hpp"
#include "server/loop.hpp"

namespace pcas {

void Circuit::handle_write(const Message& message) { execute_write(message, false); }

void Circuit::handle_write_notify(const Message& message) {
    execute_write(message, true);
}

void Circuit::execute_write(const Message& message, bool notify) {
    Counters::add(shared_.counters.writes);
    const Header& header = message.header;
    const DbrType type{header.type};
    Channel* channel = channels_.find(header.p1);
    if (!channel) return refuse_write(header, nullptr, ECA_BADCHID, "no such channel");
    if (!is_writable(type)) {
        return refuse_write(header, channel, ECA_BADTYPE,
                            "data type cannot be written");
    }
    if (!channel->may_write()) {
        return refuse_write(header, channel, ECA_NOWTACCESS, "no write access");
    }
    if (message.dropped) {
        Counters::add(shared_.counters.requests_too_large);
        return header.payload_size > shared_.config.max_payload
                   ? refuse_write(header, channel, ECA_TOLARGE, "payload is too large")
                   : refuse_write(header, channel, ECA_BADCOUNT,
                                  "more elements than the PV has");
    }
    if (type == kDbrPutAckt ||
        type == kDbrPutAcks) {  // there are no alarms to acknowledge
        return notify ? finish_write(header.type, header.count, header.p2, ECA_NORMAL)
                      : void();
    }
    if (deferred_puts_ >= shared_.config.max_deferred_puts ||
        deferred_bytes_ >= shared_.config.max_open_bytes) {
        Counters::add(shared_.counters.puts_refused);
        return refuse_write(header, channel, ECA_PUTFAIL, "too many puts wait");
    }
    const Pv& pv = *channel->pv;
    const SnapshotPtr current = pv.snapshot();
    Decoded decoded = decode(type, header.count, message.payload,
                             {pv.type(), pv.max_count(), current->metadata.get()});
    if (decoded.status != ECA_NORMAL) {
        return refuse_write(header, channel, decoded.status,
                            "value does not fit the PV");
    }
    RequestPtr request = make_request(RequestKind::Write);
    request->pv = channel->pv;
    request->sid = channel->sid;
    request->ioid = header.p2;
    request->dbr_type = type;
    request->dbr_count = header.count;
    request->notify = notify;
    request->trapped = channel->access.traps_writes();
    request->value = std::move(decoded.snapshot);
    if (deferred_.empty()) return queue_write(std::move(request));
    // A read ahead of it has to see the value as it was.
    ++open_requests_;
    open_bytes_ += request->value->size_bytes();
    deferred_.push_back({header, std::move(request)});
}

void Circuit::queue_write(RequestPtr request) {
    request->sequence = ++last_write_;
    queue_request(std::move(request));
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

void Circuit::refuse_write(const Header& header, const Channel* channel,
                           EcaStatus status, std::string_view text) {
    if (header.command == CA_PROTO_WRITE_NOTIFY) {
        return finish_write(header.type, header.count, header.p2, status);
    }
    send_error(header, channel ? channel->cid : kNoCid, status, text);
}

void Circuit::on_write_progress(Request& request, bool completed) {
    if (!request.dispatched) {
        request.dispatched = true;
        --open_requests_;
        open_bytes_ -= request.value->size_bytes();
        dispatched_write_ = std::max(dispatched_write_, request.sequence);
        if (!completed) {
            ++deferred_puts_;
            deferred_bytes_ += request.value->size_bytes();
        }
    } else if (completed) {
        --deferred_puts_;
        deferred_bytes_ -= request.value->size_bytes();
    }
    if (completed) answer_write(request);  // resume() runs the reads behind it
}

void Circuit::answer_write(const Request& request) {
    const Channel* channel = channels_.find(request.sid);
    if (!channel) return;  // cleared meanwhile: nothing may be sent for it
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
    header.p1 = request.sid;
    header.p2 = request.ioid;
    send_error(header, channel->cid, request.status(), "put was refused");
}

}  // namespace pcas
