#include "line_server.hpp"

#include <caProto.h>
#include <caerr.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "access/security.hpp"
#include "pv/serial_puts.hpp"

namespace lines {
namespace {

SnapshotPtr number(const Pv& pv, double value) {
    Ref<Snapshot> made = Snapshot::create(DbfType::Double, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    made->metadata = pv.snapshot()->metadata;
    return made;
}

// Rights are asked for once, so that nobody has to be told of changes.
struct Unheard final : RightsQueue {
    void push(Entry) noexcept override {}
};

std::uint32_t rights(Pv& pv, const ClientPtr& who) {
    Unheard unheard;
    return AccessClient(pv.access(), who, unheard, {0, 0}).rights();
}

}  // namespace

LineServer::LineServer(std::shared_ptr<Namespace> names)
    : names_(std::move(names)),
      posts_(std::make_shared<Posts>(reactor_.gate())),
      completions_(std::make_shared<CompletionQueue>()),
      removed_(std::make_shared<RemovedPvs>()) {
    names_->tell_removed(removed_);
    names_->open();
    thread_ = std::thread([this] { reactor_.run(*this); });
}

void LineServer::close() {
    if (!thread_.joinable()) return;
    reactor_.stop();
    thread_.join();
    names_->close();
}

UniqueSocket LineServer::connect(int buffer) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    set_nonblocking(ends[0]);
    reactor_.call([this, fd = ends[0]] {
        const std::uint64_t lane = names_->new_lane();
        lines_.emplace(lane, std::make_unique<Line>(*this, lane, UniqueSocket(fd)));
    });
    return UniqueSocket(ends[1]);
}

void LineServer::begin() {
    completions_->open(reactor_.gate());
    removed_->open(reactor_.gate());
}

void LineServer::end() noexcept {
    completions_->close();
    removed_->close();
    lines_.clear();
    posts_->close();
}

void LineServer::on_exception(const char* where, const std::exception& error) noexcept {
    std::fprintf(stderr, "line server: %s: %s\n", where, error.what());
    std::abort();  // the tests expect none
}

void LineServer::after_io() {
    std::vector<PvPtr> removed;
    removed_->take(removed);
    for (const PvPtr& pv : removed) {
        for (const auto& [lane, line] : lines_) line->on_removed(pv);
    }
    std::vector<Completion> completions;
    completions_->take(completions);
    for (const Completion& completion : completions) {
        const auto line = lines_.find(completion.request->lane);
        if (line == lines_.end() || !completion.completed) continue;
        line->second->on_completed(static_cast<LineRequest&>(*completion.request));
    }
    std::vector<PvClientsPtr> pvs;
    posts_->take(pvs);
    for (const PvClientsPtr& pv : pvs) deliver(static_cast<LinePv&>(*pv));
    std::erase_if(lines_, [](const auto& line) { return line.second->closed(); });
}

void LineServer::deliver(LinePv& line_pv) {
    std::vector<Event> events;
    line_pv.take_events(events);
    if (events.empty()) return;
    const PvPtr pv(&line_pv.pv());
    for (const Event& event : events) {
        for (const auto& [line, n] : line_pv.monitors) line->on_update(pv, event);
    }
}

Line::Line(LineServer& server, std::uint64_t lane, UniqueSocket socket)
    : server_(server), lane_(lane), socket_(std::move(socket)) {
    Ref<ClientIdentity> identity(new ClientIdentity);
    identity->user = "line " + std::to_string(lane);
    identity_ = identity;
    server_.reactor_.poller().add(socket_.get(), *this, {true, false});
}

Line::~Line() {
    while (!monitors_.empty()) cancel(std::string(monitors_.begin()->first));
    if (socket_) server_.reactor_.poller().remove(socket_.get(), *this);
}

void Line::on_io(bool readable, bool writable) {
    if (writable) flush();
    if (!readable || !socket_) return;
    std::array<std::byte, 4096> bytes;
    const ReceiveResult got = receive(socket_.get(), bytes);
    if (got.state == ReceiveResult::Blocked) return;
    if (got.state != ReceiveResult::Data) {
        server_.reactor_.poller().remove(socket_.get(), *this);
        return socket_.reset();  // the server drops it at the end of the turn
    }
    in_.append(reinterpret_cast<const char*>(bytes.data()), got.bytes);
    for (std::size_t end; (end = in_.find('\n')) != std::string::npos;) {
        const std::string line = in_.substr(0, end);
        in_.erase(0, end + 1);
        execute(line);
    }
}

void Line::execute(const std::string& line) {
    std::istringstream text(line);
    std::string word, name, value;
    text >> word >> name >> value;
    if (word == "find") return find(name);
    if (word == "cancel") {
        cancel(name);
        return say("cancelled", name);
    }
    const Found found = server_.names_->find(name, NameUse::Attach);
    if (found.where != Where::ByRequest) return execute(word, name, value, found.pv);
    const Ref<LineRequest> request = make_request(RequestKind::Attach, name);
    request->word = word;
    request->argument = value;
    server_.names_->requests()->push(request);
}

void Line::find(const std::string& name) {
    const Where where = server_.names_->find(name, NameUse::Search).where;
    if (where != Where::ByRequest) {
        return say(where == Where::Here ? "found" : "none", name);
    }
    server_.names_->requests()->push(make_request(RequestKind::Exists, name));
}

void Line::execute(const std::string& word, const std::string& name,
                   const std::string& value, const PvPtr& pv) {
    if (!pv) return say("none", name);
    if (word == "put") return put(pv, value);
    if (!(rights(*pv, identity_) & CA_PROTO_ACCESS_RIGHT_READ)) {
        return say("failed", name);
    }
    if (word == "monitor") return monitor(name, pv);
    if (!pv->reads_by_request()) return say("value", name, pv->snapshot());
    const Ref<LineRequest> request = make_request(RequestKind::Read, name);
    request->pv = pv;
    server_.names_->requests()->push(request);
}

void Line::put(const PvPtr& pv, const std::string& value) {
    if (!(rights(*pv, identity_) & CA_PROTO_ACCESS_RIGHT_WRITE)) {
        return say("failed", std::string(pv->name()));
    }
    const Ref<LineRequest> request =
        make_request(RequestKind::Write, std::string(pv->name()));
    request->pv = pv;
    request->notify = true;
    request->value = number(*pv, std::strtod(value.c_str(), nullptr));
    request->in_series = pv->puts_in_series();
    const auto& requests = server_.names_->requests();
    if (!request->in_series ||
        pv->serial_puts()->begin(request, requests) == SerialPuts::Turn::Now) {
        requests->push(request);
    }
}

void Line::monitor(const std::string& name, const PvPtr& pv) {
    cancel(name);
    Ref<LinePv> of = line_pv(*pv);
    if (!of) {
        of = Ref<LinePv>(new LinePv(*pv, server_.posts_));
        pv->attach(of);
    }
    const PvClients::Joined joined = of->join(kAllEvents);
    ++of->monitors[this];
    monitors_[name] = {pv, joined.number, {}};
    if (joined.first) server_.names_->tell_interest(pv, lane_, identity_);
    say("update", name, joined.current);
}

void Line::cancel(const std::string& name) {
    const auto found = monitors_.find(name);
    if (found == monitors_.end()) return;
    const PvPtr pv = found->second.pv;
    monitors_.erase(found);
    const Ref<LinePv> of = line_pv(*pv);
    if (--of->monitors[this] == 0) of->monitors.erase(this);
    if (!of->monitors.empty()) return;
    const bool last = of->no_subscriptions();
    pv->detach(*of);
    if (last) server_.names_->tell_interest(pv, lane_, identity_);
}

void Line::on_removed(const PvPtr& pv) {
    std::vector<std::string> names;
    for (const auto& [name, monitor] : monitors_) {
        if (monitor.pv == pv) names.push_back(name);
    }
    for (const std::string& name : names) {
        cancel(name);
        say("gone", name);
    }
}

void Line::on_update(const PvPtr& pv, const Event& event) {
    for (auto& [name, monitor] : monitors_) {
        if (monitor.pv != pv || event.number <= monitor.joined) continue;
        if (out_.size() >= kMaxUnsent)
            monitor.waiting = event.snapshot;
        else
            say("update", name, event.snapshot);
    }
}

void Line::on_completed(const LineRequest& request) {
    const bool good = request.status() == ECA_NORMAL;
    switch (request.kind) {
        case RequestKind::Write:
            return say(good ? "done" : "failed", request.name);
        case RequestKind::Read:
            return good ? say("value", request.name, request.result())
                        : say("failed", request.name);
        case RequestKind::Exists:
            return say(good ? "found" : "none", request.name);
        case RequestKind::Attach:
            return execute(request.word, request.name, request.argument,
                           good ? request.attached() : PvPtr{});
        case RequestKind::Interest:
            return;
    }
}

Ref<LineRequest> Line::make_request(RequestKind kind, const std::string& name) {
    Ref<LineRequest> request(new LineRequest(kind, server_.completions_));
    request->lane = lane_;
    request->client = identity_;
    request->name = name;
    return request;
}

Ref<LinePv> Line::line_pv(const Pv& pv) const {
    return Ref<LinePv>(static_cast<LinePv*>(pv.clients_of(*server_.posts_).get()));
}

void Line::say(const std::string& what, const std::string& name,
               const SnapshotPtr& value) {
    std::ostringstream text;
    text << what << ' ' << name;
    if (value) text << ' ' << value->elements<double>()[0];
    out_ += text.str() + '\n';
    flush();
}

void Line::flush() {
    if (!socket_) return;
    const std::array pieces{std::as_bytes(std::span(out_))};
    const SendResult sent = send_pieces(socket_.get(), pieces);
    out_.erase(0, sent.failed ? out_.size() : sent.bytes);
    for (auto& [name, monitor] : monitors_) {
        if (!monitor.waiting || out_.size() >= kMaxUnsent) continue;
        say("update", name, std::exchange(monitor.waiting, {}));
    }
    if (wants_room_ == !out_.empty()) return;
    wants_room_ = !out_.empty();
    server_.reactor_.poller().change(socket_.get(), *this, {true, wants_room_});
}

}  // namespace lines
