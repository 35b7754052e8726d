#include "server/circuit.hpp"

#include <cassert>
#include <utility>

#include "server/loop.hpp"
#include "server/net.hpp"

namespace pcas {
namespace {

// How long a closed circuit waits for its client to read the last message.
constexpr std::chrono::seconds kLinger{1};

ClientPtr identity_with(const ClientPtr& old, const std::string& address) {
    Ref<ClientIdentity> identity(new ClientIdentity);
    if (old) {
        identity->user = old->user;
        identity->host = old->host;
    }
    identity->address = address;
    return identity;
}

}  // namespace

Circuit::Circuit(Loop& loop, std::uint64_t id, UniqueSocket socket,
                 const sockaddr_in& peer)
    : loop_(loop),
      shared_(loop.shared()),
      id_(id),
      socket_(std::move(socket)),
      peer_(peer),
      identity_(identity_with({}, dotted(peer))),
      framer_(*this, shared_.config.max_payload) {}

Circuit::~Circuit() {
    Counters::subtract(shared_.counters.channels, channels_.size());
    std::vector<Channel*> all;
    all.reserve(channels_.size());
    channels_.for_each([&](Channel& channel) { all.push_back(&channel); });
    for (Channel* channel : all) {
        clear_subscriptions(*channel);
        channels_.remove(*channel);
    }
}

void Circuit::start() {
    Header version;
    version.command = CA_PROTO_VERSION;
    version.count = kMinorVersion;
    reply(version);
}

void Circuit::on_io(bool readable, bool writable) {
    assert(loop_.in_loop());
    if (writable && !output_.empty()) flush();
    if (readable && !closing_) read_input();
    else if (readable && lingering_) read_input();
}

void Circuit::read_input() {
    const ReceiveResult got = receive(socket_.get(), loop_.scratch());
    switch (got.state) {
        case ReceiveResult::Data:
            if (lingering_) return;   // what comes after the last word is not read
            Counters::add(shared_.counters.bytes_received, got.bytes);
            framer_.begin(loop_.scratch().first(got.bytes));
            execute_input();
            return;
        case ReceiveResult::Blocked:
            return;
        case ReceiveResult::Closed:
            if (lingering_) close_now();
            else on_end_of_input();
            return;
        case ReceiveResult::Failed:
            close_now();
            return;
    }
}

// Between framer_.begin() and here nothing may return to the poller.
void Circuit::execute_input() {
    executing_ = true;
    Message message;
    while (!closing_ && !stalled() && framer_.next(message)) dispatch(message);
    executing_ = false;
    if (framer_.fault() != Fault::None && !closing_) on_fault();
    framer_.end();
    update_interest();
}

bool Circuit::stalled() const noexcept {
    const Config& config = shared_.config;
    return output_.bytes() >= config.output_high_water ||
           open_requests_ >= config.max_open_requests ||
           deferred_.size() >= config.max_open_requests;
}

// What made the circuit wait may be over.
void Circuit::resume() {
    if (executing_ || closing_ || stalled()) return;
    send_waiting_updates();
    if (framer_.kept() > 0 && !stalled()) {
        framer_.begin({});
        execute_input();
    }
    update_interest();
    if (end_of_input_ && !something_to_answer()) close_now();
}

void Circuit::flush() {
    if (!socket_) return;
    for (;;) {
        switch (output_.send(socket_.get())) {
            case Output::Sent::Failed:
                close_now();
                return;
            case Output::Sent::Blocked:
                update_interest();
                return;
            case Output::Sent::All:
                break;
        }
        if (closing_) {
            if (!lingering_) close_gracefully();
            return;
        }
        update_interest();
        resume();
        if (output_.empty() || closing_) return;
    }
}

void Circuit::send_waiting_updates() {
    while (!waiting_.empty() && takes_updates()) {
        Subscription& subscription = waiting_.front();
        subscription.ListNode<Subscription, WaitingTag>::leave();
        subscription.send_waiting();
        if (subscription.has_waiting()) waiting_.push_back(subscription);
    }
}

bool Circuit::takes_updates() const noexcept {
    return events_on_ && !closing_ &&
           output_.bytes() < shared_.config.output_high_water;
}

void Circuit::update_interest() {
    if (!socket_) return;
    const Interest wanted{lingering_ || (!closing_ && !end_of_input_ && !stalled()),
                          !output_.empty()};
    if (wanted.read == interest_.read && wanted.write == interest_.write) return;
    // Output that this turn's end will send needs no event from the poller yet.
    if (wanted.read == interest_.read && ListNode<Circuit, FlushTag>::linked()) return;
    interest_ = wanted;
    loop_.poller().change(socket_.get(), *this, wanted);
}

std::uint64_t Circuit::allowed_payload(const Header& header) const noexcept {
    switch (header.command) {
        case CA_PROTO_WRITE:
        case CA_PROTO_WRITE_NOTIFY: {
            const Channel* channel = channels_.find(header.p1);
            if (!channel || !is_writable(DbrType{header.type})) return 0;
            // A text put may be longer than the PV's own elements.
            return padded(dbr_size(DbrType{header.type}, channel->pv->max_count()));
        }
        case CA_PROTO_ECHO:
            return std::uint64_t{1} << 20;
        default:
            return 0;
    }
}

void Circuit::on_fault() {
    const Header& header = framer_.fault_header();
    if (framer_.fault() == Fault::TooLarge) {
        Counters::add(shared_.counters.requests_too_large);
        if (header.command <= CA_PROTO_LAST_CMMD) {
            send_error(header, kNoCid, ECA_TOLARGE, "request is too large");
        }
        fail("announces a payload of " + std::to_string(header.payload_size) + " bytes");
        return;
    }
    if (header.command <= CA_PROTO_LAST_CMMD) {
        send_error(header, kNoCid, ECA_INTERNAL, "payload size is no multiple of 8");
    }
    fail("sent a payload size of " + std::to_string(header.payload_size) +
         ", no multiple of 8");
}

void Circuit::on_end_of_input() {
    end_of_input_ = true;
    if (something_to_answer()) update_interest();
    else close_now();
}

bool Circuit::something_to_answer() const noexcept {
    return !output_.empty() || open_requests_ > 0 || deferred_puts_ > 0 ||
           !deferred_.empty() || (framer_.kept() > 0 && stalled());
}

void Circuit::fail(const std::string& why) {
    Counters::add(shared_.counters.protocol_errors);
    shared_.log.add(LogLevel::Warning, dotted(peer_.sin_addr),
                    "circuit " + identity_->address + ": " + why + " at byte " +
                        std::to_string(framer_.position()) + "; circuit closed");
    close_gracefully();
}

// The client gets to read the last message: a socket closed with unread input would
// take it back with a reset.
void Circuit::close_gracefully() {
    if (lingering_ || !socket_) return;
    closing_ = true;
    waiting_updates_dropped();
    switch (output_.send(socket_.get())) {
        case Output::Sent::Failed:
            close_now();
            return;
        case Output::Sent::Blocked:
            update_interest();
            break;
        case Output::Sent::All:
            ::shutdown(socket_.get(), 1);   // SHUT_WR, SD_SEND
            lingering_ = true;
            update_interest();
            break;
    }
    loop_.timers().after(kLinger, [&loop = loop_, id = id_] {
        if (Circuit* circuit = loop.find_circuit(id)) circuit->on_linger_over();
    });
}

void Circuit::on_linger_over() { close_now(); }

void Circuit::waiting_updates_dropped() {
    while (!waiting_.empty()) {
        Subscription& subscription = waiting_.front();
        subscription.ListNode<Subscription, WaitingTag>::leave();
        subscription.drop_waiting();
    }
}

void Circuit::close_now() {
    if (!socket_) return;
    closing_ = true;
    output_.clear();
    waiting_updates_dropped();
    loop_.poller().remove(socket_.get(), *this);
    socket_.reset();
    loop_.discard(*this);
}

void Circuit::on_completion(Request& request, bool completed) {
    if (closing_) return;
    switch (request.kind) {
        case RequestKind::Write:
            on_write_progress(request, completed);
            break;
        case RequestKind::Read:
            --open_requests_;
            if (request.first_update) on_first_update(request);
            else on_read_completed(request);
            break;
        case RequestKind::Exists:
            --open_requests_;
            on_search_completed(request);
            break;
        case RequestKind::Attach:
            --open_requests_;
            on_attach_completed(request);
            break;
        case RequestKind::Interest:
            break;
    }
    resume();
}

void Circuit::disconnect_channel(Channel& channel) {
    if (closing_) return;
    Header gone;
    gone.command = CA_PROTO_SERVER_DISCONN;
    gone.p1 = channel.cid;
    remove_channel(channel);
    if (minor_ != 0 && !CA_V47(minor_)) close_gracefully();
    else reply(gone);
}

RequestPtr Circuit::make_request(RequestKind kind) {
    RequestPtr request(new Request(kind, shared_.completions));
    request->circuit = id_;
    request->client = identity_;
    return request;
}

void Circuit::queue_request(RequestPtr request) {
    ++open_requests_;
    shared_.requests.push(std::move(request));
}

}  // namespace pcas
