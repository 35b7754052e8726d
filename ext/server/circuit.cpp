#include "server/circuit.hpp"

#include <algorithm>
#include <utility>

#include "base/invariant.hpp"
#include "net/sockets.hpp"
#include "server/circuits.hpp"

namespace pcas {
namespace {

// How long a closed circuit waits for its client to read the last message, and one
// whose client has shut down its side for the next answer.
constexpr std::chrono::seconds kLinger{1};

// Bytes of answers after which a circuit looks at the clock.
constexpr std::size_t kLarge = 16384;
// Left over when the socket takes no more, is much.
constexpr std::size_t kBulk = 512 * 1024;

// A payload that is not allowed is read and forgotten up to this size.
constexpr std::uint64_t kMaxSkip = 16 << 20;

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

Circuit::Circuit(Services& services, Circuits& circuits, std::uint64_t id,
                 UniqueSocket socket, const sockaddr_in& peer, Account& account)
    : services_(services),
      circuits_(circuits),
      shared_(services.shared()),
      id_(id),
      account_(account),
      update_high_water_(shared_.config.max_output / 4),
      socket_(std::move(socket)),
      peer_(peer),
      identity_(identity_with({}, dotted(peer))),
      framer_(*this, std::max(shared_.config.max_request, kMaxSkip)),
      in_flight_(shared_.config) {}

Circuit::~Circuit() {
    Counters::subtract(shared_.counters.channels, channels_.size());
    channels_.for_each([&](Channel& channel) {
        clear_subscriptions(channel);
        withdraw_puts(channel);
    });
    while (in_flight_.any_waits()) {  // a write that was received is carried out
        const CaRequestPtr write = in_flight_.take_waiting().write;
        if (write && has_its_turn(write)) shared_.names->requests()->push(write);
    }
    PCAS_INVARIANT(subscriptions_ == 0 && waiting_bytes_ == 0);
    account_.change(accounted_, 0);
}

void Circuit::start() noexcept {
    guarded([this] {
        Header version;
        version.command = CA_PROTO_VERSION;
        version.count = kMinorVersion;
        reply(version);
    });
}

void Circuit::on_io(bool readable, bool writable) {
    PCAS_INVARIANT(services_.in_loop());
    guarded([=, this] {
        if (writable && !output_.empty()) send_output();
        if (!socket_) return;
        if (readable && !has_work() && (!closing_ || lingering_))
            read_input();
        else
            update_interest();
    });
}

// What the handler was about is lost, and with it what the client may rely on.
void Circuit::on_exception(const std::exception& error) noexcept {
    shared_.log.add_caught(identity_->address, "circuit closed", error);
    count_end(shared_.counters.closed_on_error);
    close_now();
}

void Circuit::read_input() {
    const ReceiveResult got = receive(socket_.get(), services_.scratch());
    switch (got.state) {
        case ReceiveResult::Data:
            if (lingering_) return;  // what comes after the last word is not read
            Counters::add(shared_.counters.bytes_received, got.bytes);
            received_bytes_ += got.bytes;
            framer_.begin(services_.scratch().first(got.bytes));
            execute_input();
            return;
        case ReceiveResult::Blocked:
            return;
        case ReceiveResult::Closed:
            if (lingering_)
                close_now();
            else
                on_end_of_input();
            return;
        case ReceiveResult::Failed:
            count_end(shared_.counters.closed_broken);
            close_now();
            return;
    }
}

// Between framer_.begin() and here nothing may return to the poller.
void Circuit::execute_input() {
    executing_ = true;
    Message message;
    Pace pace(services_.agenda().slice());
    std::size_t large = output_.bytes() + kLarge;
    bool late = false;
    while (!late && !closing_ && !stalled() && framer_.next(message)) {
        if (message.header.payload_size > shared_.config.max_request) {
            message.dropped = true;
            message.payload = {};
        }
        dispatch(message);
        if (output_.bytes() >= large) {
            large = output_.bytes() + kLarge;
            late = pace.over_now();
        } else {
            late = pace.over();
        }
    }
    executing_ = false;
    if (late) postpone();
    if (framer_.fault() != Fault::None && !closing_) on_fault();
    framer_.end();
    update_interest();
}

bool Circuit::stalled() const noexcept {
    return output_full() || must_wait() || in_flight_.full();
}

// An answer that Python is at will be unsent, too.
bool Circuit::output_full() const noexcept {
    return output_.bytes() + in_flight_.promised_bytes() >= shared_.config.max_output;
}

// What made the circuit wait may be over. Requests go ahead of the updates that wait: a
// client that cannot keep up with them has to be heard when it cancels.
void Circuit::resume() {
    if (executing_ || closing_) return;
    run_waiting();  // first of all: it may be these that make the circuit wait
    if (!stalled() && !has_work() && framer_.kept() > 0) {
        framer_.begin({});
        execute_input();
    }
    if (!stalled() && !has_work() && !closing_ && !interest_.read && !end_of_input_) {
        read_input();
    }
    send_rights_news();
    send_waiting_updates();
    update_interest();
    if (end_of_input_ && !something_to_answer()) close_now();
}

void Circuit::postpone() {
    if (!has_work()) services_.agenda().mark_work(*this);
}

void Circuit::go_on() noexcept {
    if (!socket_) return;
    guarded([this] {
        if (std::exchange(makes_, false)) {
            output_.make();
            send_output();
        }
        resume();
    });
}

void Circuit::flush() noexcept {
    if (socket_) guarded([this] { send_output(); });
}

Output::Sent Circuit::send_now() noexcept {
    const std::size_t before = output_.bytes();
    const Output::Sent sent = output_.send(socket_.get());
    const std::size_t bytes = before - output_.bytes();
    sent_bytes_ += bytes;
    Counters::add(shared_.counters.bytes_sent, bytes);
    return sent;
}

// The first reason counts.
void Circuit::count_end(Counters::Counter& reason) noexcept {
    if (!closing_ && !end_of_input_) Counters::add(reason);
}

void Circuit::send_output() {
    switch (send_now()) {
        case Output::Sent::Failed:
            count_end(shared_.counters.closed_broken);
            close_now();
            return;
        case Output::Sent::Blocked:
            if (output_.bytes() >= kBulk && !std::exchange(bulk_, true))
                tune_bulk(socket_.get());
            update_interest();
            return;
        case Output::Sent::Unmade:
            makes_ = true;
            postpone();
            return;
        case Output::Sent::All:
            break;
    }
    if (closing_) {
        if (!lingering_) close_gracefully();
        return;
    }
    // One ahead of the requests, so that a client that asks for more and more gets the
    // last values, too.
    send_rights_news();
    send_waiting_update();
    resume();
}

void Circuit::send_waiting_updates() {
    while (send_waiting_update()) {
    }
}

bool Circuit::send_waiting_update() {
    // What an update shows comes behind the rights that it was granted by.
    if (waiting_.empty() || !rights_news_.empty() || !takes_updates()) return false;
    Subscription& subscription = waiting_.front();
    subscription.ListNode<Subscription, WaitingTag>::leave();
    subscription.send_waiting();
    if (subscription.has_waiting()) waiting_.push_back(subscription);
    return true;
}

bool Circuit::keeps_one_value() const noexcept {
    return !events_on_ || waiting_bytes_ >= shared_.config.max_output || must_wait();
}

void Circuit::update_interest() {
    settle_account();
    if (!socket_) return;
    wait_for_others();
    const Interest wanted{lingering_ || (!closing_ && !end_of_input_ && !stalled()),
                          !output_.empty()};
    if (wanted.read == interest_.read && wanted.write == interest_.write) return;
    // Output that this turn's end will send needs no event from the poller yet.
    if (wanted.read == interest_.read && ListNode<Circuit, FlushTag>::linked()) return;
    interest_ = wanted;
    services_.poller().change(socket_.get(), *this, wanted);
}

std::uint64_t Circuit::allowed_payload(const Header& header) const noexcept {
    if (!room_for_put(header.payload_size)) return 0;
    switch (header.command) {
        case CA_PROTO_WRITE:
        case CA_PROTO_WRITE_NOTIFY: {
            const Channel* channel = channels_.find(header.p1);
            if (!channel || !is_writable(DbrType{header.type})) return 0;
            // A text put may be longer than the PV's own elements.
            return std::min(
                padded(dbr_size(DbrType{header.type}, channel->pv->max_count())),
                shared_.config.max_request);
        }
        case CA_PROTO_ECHO:
            return std::uint64_t{1} << 20;
        default:
            return 0;
    }
}

void Circuit::on_fault() {
    const Header& header = framer_.fault_header();
    switch (framer_.fault()) {
        case Fault::BadCommand:
            // No ERROR: it would embed the command, which libca takes for an index.
            return fail("sent command " + std::to_string(header.command));
        case Fault::TooLarge:
            Counters::add(shared_.counters.requests_too_large);
            send_error(header, kNoCid, ECA_TOLARGE, "request is too large");
            return fail("announces a payload of " +
                        std::to_string(header.payload_size) + " bytes");
        case Fault::Misaligned:
            send_error(header, kNoCid, ECA_INTERNAL,
                       "payload size is no multiple of 8");
            return fail("sent a payload size of " +
                        std::to_string(header.payload_size) + ", no multiple of 8");
        case Fault::None:
            return;
    }
}

void Circuit::on_end_of_input() {
    count_end(shared_.counters.closed_by_client);
    end_of_input_ = true;
    if (!something_to_answer()) return close_now();
    update_interest();
    wait_for_last_answers();
}

// A put that a driver keeps open is not waited for: it may take for ever, and so long
// does libca wait for the circuit's end, up to half a minute.
bool Circuit::something_to_answer() const noexcept {
    return !output_.empty() || in_flight_.answers_due() ||
           (framer_.kept() > 0 && (stalled() || has_work()));
}

// As long as some of them go out.
void Circuit::wait_for_last_answers() {
    services_.timers().after(kLinger,
                             [&circuits = circuits_, id = id_, sent = sent_bytes_] {
                                 if (Circuit* circuit = circuits.find(id))
                                     circuit->on_answers_due(sent);
                             });
}

void Circuit::on_answers_due(std::uint64_t sent_before) noexcept {
    if (closing_) return;
    if (sent_bytes_ == sent_before) return close_now();
    guarded([this] { wait_for_last_answers(); });
}

void Circuit::fail(const std::string& why) {
    Counters::add(shared_.counters.protocol_errors);
    shared_.log.add(LogLevel::Warning, dotted(peer_.sin_addr),
                    "circuit " + identity_->address + ": " + why + " at byte " +
                        std::to_string(framer_.position()) + "; circuit closed");
    close_gracefully();
}

void Circuit::on_peer_gone() noexcept {
    guarded([this] {
        shared_.log.add(LogLevel::Info, dotted(peer_.sin_addr),
                        "circuit " + identity_->address +
                            ": its host does not answer; circuit closed");
    });
    count_end(shared_.counters.closed_broken);
    close_now();
}

// The client gets to read the last message: a socket closed with unread input would
// take it back with a reset.
void Circuit::close_gracefully() {
    if (lingering_ || !socket_) return;
    closing_ = true;
    waiting_updates_dropped();
    switch (send_now()) {
        case Output::Sent::Failed:
            close_now();
            return;
        case Output::Sent::Blocked:
            update_interest();
            break;
        case Output::Sent::Unmade:
            makes_ = true;
            postpone();
            break;
        case Output::Sent::All:
            ::shutdown(socket_.get(), 1);  // SHUT_WR, SD_SEND
            lingering_ = true;
            update_interest();
            break;
    }
    services_.timers().after(kLinger, [&circuits = circuits_, id = id_] {
        if (Circuit* circuit = circuits.find(id)) circuit->on_linger_over();
    });
}

void Circuit::waiting_updates_dropped() noexcept {
    while (!waiting_.empty()) {
        Subscription& subscription = waiting_.front();
        subscription.ListNode<Subscription, WaitingTag>::leave();
        subscription.drop_waiting();
    }
}

void Circuit::close_now() noexcept {
    if (!socket_) return;
    closing_ = true;
    output_.clear();
    waiting_updates_dropped();
    services_.poller().remove(socket_.get(), *this);
    socket_.reset();
    services_.agenda().discard(*this);
}

bool Circuit::take_apart(Pace& pace) {
    while (Channel* channel = channels_.any()) {
        while (channel->subscriptions && !channel->subscriptions->empty()) {
            remove_subscription(*channel, channel->subscriptions->begin());
            if (pace.over()) return false;
        }
        remove_channel(*channel);
        if (pace.over()) return false;
    }
    return true;
}

void Circuit::on_completion(CaRequest& request, bool completed) noexcept {
    if (completed)
        in_flight_.complete(request);
    else
        in_flight_.defer(request);
    if (closing_) return;
    guarded([&] {
        take_completion(request, completed);
        resume();
    });
}

void Circuit::take_completion(const CaRequest& request, bool completed) {
    switch (request.kind) {
        case RequestKind::Write:
            on_write_progress(request, completed);
            break;
        case RequestKind::Read:
            if (request.first_update)
                on_first_update(request);
            else
                on_read_completed(request);
            break;
        case RequestKind::Exists:
            on_search_completed(request);
            break;
        case RequestKind::Attach:
            on_attach_completed(request);
            break;
        case RequestKind::Interest:
            break;
    }
}

// A driver may replace the very PV that it is asked to write: the answer goes first.
void Circuit::disconnect_channel(Channel& channel) noexcept {
    if (closing_) return;
    guarded([&] {
        if (!in_flight_.writes_open()) return disconnect_now(channel);
        leaving_.push_back({channel.sid, in_flight_.last_write()});
    });
}

void Circuit::disconnect_left() {
    while (!leaving_.empty() && in_flight_.driver_has_had(leaving_.front().after)) {
        Channel* channel = channels_.find(leaving_.front().sid);
        leaving_.pop_front();
        if (channel) disconnect_now(*channel);
    }
}

void Circuit::disconnect_now(Channel& channel) {
    Header gone;
    gone.command = CA_PROTO_SERVER_DISCONN;
    gone.p1 = channel.cid;
    remove_channel(channel);
    if (minor_ != 0 && !CA_V47(minor_))
        close_gracefully();
    else
        reply(gone);
}

CaRequestPtr Circuit::make_request(RequestKind kind) {
    CaRequestPtr request(new CaRequest(kind, shared_.completions));
    request->lane = id_;
    request->client = identity_;
    return request;
}

void Circuit::queue_request(const CaRequestPtr& request) {
    in_flight_.open(*request);
    if (account_.full_of_left())
        request->complete(ECA_ALLOCMEM);
    else
        shared_.names->requests()->push(request);
}

}  // namespace pcas
