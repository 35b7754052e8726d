#include "pva/server.hpp"

#include <pvxs/server.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "pva/feeder.hpp"
#include "pva/pvxs_messages.hpp"
#include "pva/source.hpp"

namespace pcas::pva {

namespace sv = pvxs::server;

namespace {

// pvxs keeps threads for the whole process, also when its servers have ended. A child
// has none of them, and pvxs there would wait for them for ever.
std::atomic<bool> pvxs_was_used{false};
std::atomic<bool> pvxs_is_the_parents{false};

}  // namespace

struct PvaServer::Running {
    explicit Running(Log& log) : messages(log) {}
    PvxsMessages messages;
    sv::Server server;
    std::unique_ptr<Feeder> feeder;
};

struct PvaServer::Impl {
    std::shared_ptr<Core> core;
    std::mutex mutex;  // guards the rest; held while the server starts or ends
    std::unique_ptr<Running> running;
    std::atomic<std::uint16_t> tcp_port{0}, udp_port{0};  // 0: it does not run

    explicit Impl(std::shared_ptr<Core> with) : core(std::move(with)) {}
};

PvaServer::PvaServer(const std::shared_ptr<Namespace>& names, Log& log,
                     std::size_t max_open_requests, std::size_t max_open_bytes)
    : impl_(std::make_unique<Impl>(std::make_shared<Core>(
          names, log, Limits{max_open_requests, max_open_bytes}))) {
    names->tell_removed(impl_->core->removed);
}

PvaServer::~PvaServer() {
    if (impl_) close();
}

void PvaServer::start(const std::vector<std::string>& interfaces) {
    std::lock_guard lock(impl_->mutex);
    if (impl_->running) return;
    if (!usable()) {
        throw std::runtime_error("this is the child of a process that served it");
    }
    pvxs_was_used = true;
    sv::Config config = sv::Config::fromEnv();
    if (!interfaces.empty()) config.interfaces = interfaces;
    auto running = std::make_unique<Running>(impl_->core->log);
    running->server = config.build();
    running->server.addSource("pcaspy", std::make_shared<NameSource>(impl_->core));
    impl_->core->names->open();
    try {
        running->feeder = std::make_unique<Feeder>(impl_->core);
        running->server.start();
    } catch (...) {
        impl_->core->names->close();
        throw;
    }
    const sv::Config& effective = running->server.config();
    impl_->tcp_port = effective.tcp_port;
    impl_->udp_port = effective.udp_port;
    impl_->running = std::move(running);
}

bool PvaServer::usable() noexcept { return !pvxs_is_the_parents; }

// First the feeder, which may wait for pvxs' worker.
void PvaServer::close() noexcept {
    std::lock_guard lock(impl_->mutex);
    if (!impl_->running) return;
    Core& core = *impl_->core;
    try {
        impl_->running->feeder.reset();
        impl_->running->server.stop();
        const auto held = impl_->core;
        std::vector<std::shared_ptr<Channel>> left;  // let go of without the mutex
        {
            std::lock_guard turn(core.turn);
            for (const auto& [id, channel] : core.channels) {
                if (auto kept = channel->weak_from_this().lock()) {
                    left.push_back(std::move(kept));
                }
            }
            for (const auto& channel : left) channel->drop();
        }
    } catch (const std::exception& error) {
        core.log.add_caught("pva", "the end of the PVAccess server", error);
    }
    impl_->running.reset();
    core.names->close();
    impl_->tcp_port = 0;
    impl_->udp_port = 0;
}

bool PvaServer::running() const noexcept { return impl_->tcp_port != 0; }
std::uint16_t PvaServer::tcp_port() const noexcept { return impl_->tcp_port; }
std::uint16_t PvaServer::udp_port() const noexcept { return impl_->udp_port; }

std::map<std::string, std::uint64_t> PvaServer::stats() const {
    std::map<std::string, std::uint64_t> out;
    for (const CounterInfo& counter : counter_table()) {
        out.emplace(counter.name, (*impl_->core->counters).*counter.where);
    }
    return out;
}

std::vector<ClientRow> PvaServer::clients() const {
    std::vector<ClientRow> rows;
    for (const auto& connection : impl_->core->connections.all())
        rows.push_back(connection->row());
    return rows;
}

// A slice at a time, so that nobody waits for the mutex for long. What comes and goes
// meanwhile may be missed.
ChannelRows PvaServer::channels(std::uint64_t client, std::size_t offset,
                                std::size_t limit) const {
    constexpr std::size_t kSlice = 1024;  // buckets
    Core& core = *impl_->core;
    ChannelRows found;
    std::size_t bucket = 0;
    for (bool more = true; more;) {
        std::lock_guard turn(core.turn);
        auto& channels = core.channels;
        const std::size_t end = std::min(bucket + kSlice, channels.bucket_count());
        for (; bucket < end; ++bucket) {
            for (auto at = channels.begin(bucket); at != channels.end(bucket); ++at) {
                const Channel& channel = *at->second;
                if (channel.lane() != client) continue;
                found.found = true;
                const std::size_t place = found.total++;
                if (place < offset || place - offset >= limit) continue;
                found.rows.push_back(channel.row());
            }
        }
        more = bucket < channels.bucket_count();
    }
    return found;
}

void PvaServer::prepare_fork() {
    impl_->mutex.lock();
    impl_->core->turn.lock();
}

void PvaServer::after_fork_in_parent() {
    impl_->core->turn.unlock();
    impl_->mutex.unlock();
}

// Threads and connections are the parent's. What pvxs has of them is given up: to end
// it would wait for threads that do not exist.
void PvaServer::after_fork_in_child() noexcept {
    PvxsMessages::forget();
    if (pvxs_was_used) pvxs_is_the_parents = true;
    [[maybe_unused]] Impl* given_up = impl_.release();
    for (const auto& [id, channel] : given_up->core->channels) channel->forget();
    if (given_up->running) given_up->running->feeder->abandon();
    const Core& old = *given_up->core;
    impl_ =
        std::make_unique<Impl>(std::make_shared<Core>(old.names, old.log, old.limits));
    old.names->tell_removed(impl_->core->removed);
}

}  // namespace pcas::pva
