// READ and READ_NOTIFY: from the snapshot at once, or by a request to Python.
#include "server/circuit.hpp"

namespace pcas {

void Circuit::handle_read(const Message& message) { read_in_order(message.header); }

void Circuit::handle_read_notify(const Message& message) {
    read_in_order(message.header);
}

// A read sees what the writes before it on this circuit did.
void Circuit::read_in_order(const Header& header) {
    if (!in_flight_.reads_wait() && !must_wait(header)) return execute_read(header);
    in_flight_.wait(header);
}

void Circuit::execute_read(const Header& header) {
    Counters::add(shared_.counters.reads);
    Channel* channel = channels_.find(header.p1);
    if (!channel) return refuse_read(header, nullptr, ECA_BADCHID, "no such channel");
    if (header.type >= kDbrTypes) {
        return refuse_read(header, channel, ECA_BADTYPE, "no such data type");
    }
    if (!is_readable(DbrType{header.type})) {
        return refuse_read(header, channel, ECA_GETFAIL, "data type cannot be read");
    }
    if (!may_ask_for(*channel, header)) {
        return refuse_read(header, channel, too_large_status(),
                           "response is too large");
    }
    if (!channel->may_read()) {
        return refuse_read(header, channel, ECA_NORDACCESS, "no read access");
    }
    if (channel->pv->reads_by_request()) return request_read(*channel, header);
    answer_read(*channel, header, channel->pv->snapshot());
}

void Circuit::answer_read(const Channel& channel, const Header& header,
                          const SnapshotPtr& snapshot) {
    const DbrType type{header.type};
    const std::uint32_t count = header.count == 0 ? snapshot->count() : header.count;
    if (!fits_response(type, count)) {
        return refuse_read(header, &channel, too_large_status(),
                           "response is too large");
    }
    Header answer = header;
    answer.payload_size = 0;
    if (header.command == CA_PROTO_READ_NOTIFY) {
        answer.p1 = ECA_NORMAL;
        return send_data(channel, answer, snapshot);
    }
    // The deprecated READ has no status: what fails is told by ERROR.
    if (!TextStream::suits(*snapshot, type, count)) {
        const EcaStatus status =
            services_.encodings().get(snapshot, type, count).status;
        if (status != ECA_NORMAL) {
            return refuse_read(header, &channel, status, "value cannot be read so");
        }
    }
    answer.p1 = channel.cid;
    send_data(channel, answer, snapshot);
}

EcaStatus Circuit::too_large_status() const noexcept {
    return minor_ == 0 || CA_V49(minor_) ? ECA_TOLARGE : ECA_16KARRAYCLIENT;
}

void Circuit::refuse_read(const Header& header, const Channel* channel,
                          EcaStatus status, std::string_view text) {
    if (header.command == CA_PROTO_READ || status == ECA_TOLARGE ||
        status == ECA_16KARRAYCLIENT) {
        return send_error(header, channel ? channel->cid : kNoCid, status, text);
    }
    if (channel) return send_failure(header, status);
    Header answer = header;
    answer.payload_size = 0;
    answer.count = 0;
    answer.p1 = status;
    reply(answer);
}

void Circuit::request_read(Channel& channel, const Header& header) {
    if (const SnapshotPtr now = channel.pv->read_unasked()) {
        return answer_read(channel, header, now);
    }
    CaRequestPtr request = make_request(RequestKind::Read);
    request->pv = channel.pv;
    request->channel = channel.sid;
    request->ioid = header.p2;
    request->dbr_type = DbrType{header.type};
    request->dbr_count = header.count;
    request->notify = header.command == CA_PROTO_READ_NOTIFY;
    queue_request(request);
}

void Circuit::on_read_completed(const CaRequest& request) {
    const Channel* channel = channels_.find(request.sid());
    if (!channel) return;  // cleared meanwhile: nothing may be sent for it
    Header header;
    header.command = request.notify ? CA_PROTO_READ_NOTIFY : CA_PROTO_READ;
    header.type = raw(request.dbr_type);
    header.count = request.dbr_count;
    header.p1 = request.sid();
    header.p2 = request.ioid;
    if (request.status() != ECA_NORMAL || !request.result()) {
        const EcaStatus status =
            request.status() == ECA_NORMAL ? ECA_GETFAIL : request.status();
        return refuse_read(header, channel, status, "value could not be read");
    }
    answer_read(*channel, header, request.result());
}

// As far as there is room for the answers; resume() goes on with the rest.
void Circuit::run_waiting() {
    while (in_flight_.any_waits() && !output_full()) {
        const InFlight::Waiting& first = in_flight_.first_waiting();
        if (!first.write && (in_flight_.writes_open() || must_wait(first.header))) {
            return;
        }
        const InFlight::Waiting next = in_flight_.take_waiting();
        if (next.write)
            queue_write(next.write);
        else if (next.header.command == CA_PROTO_EVENT_ADD)
            subscribe(next.header, next.mask);
        else
            execute_read(next.header);
    }
}

}  // namespace pcas
