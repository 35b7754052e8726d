#include "server/server.hpp"

#include <mutex>
#include <thread>
#include <utility>

#include "server/loop.hpp"
#include "server/shared.hpp"

namespace pcas {

struct Server::Control {
    std::mutex mutex;  // guards the rest; held while the loop starts or ends
    std::unique_ptr<Loop> loop;
    std::thread thread;
};

Server::Server(Config config)
    : shared_(std::make_unique<Shared>(std::move(config))),
      control_(std::make_unique<Control>()) {
    osiSockAttach();
}

Server::~Server() {
    close();
    osiSockRelease();
}

void Server::start() {
    std::lock_guard lock(control_->mutex);
    if (control_->loop) return;
    auto loop = std::make_unique<Loop>(*shared_);
    loop->bind();
    shared_->requests.open();
    control_->thread = std::thread([l = loop.get()] { l->run(); });
    control_->loop = std::move(loop);
}

void Server::close() noexcept {
    std::lock_guard lock(control_->mutex);
    if (!control_->loop) return;
    control_->loop->stop();
    control_->thread.join();
    control_->loop.reset();
    shared_->requests.close();
    shared_->tcp_port = 0;
    shared_->udp_port = 0;
}

bool Server::running() const noexcept {
    std::lock_guard lock(control_->mutex);
    return control_->loop != nullptr;
}

std::uint16_t Server::tcp_port() const noexcept { return shared_->tcp_port; }
std::uint16_t Server::udp_port() const noexcept { return shared_->udp_port; }

void Server::disconnect(PvPtr pv) {
    std::lock_guard lock(control_->mutex);
    if (!pv || !control_->loop) return;
    Loop* loop = control_->loop.get();
    loop->call([loop, pv = std::move(pv)] { loop->disconnect(pv); });
}

void Server::add(PvPtr pv) { disconnect(shared_->table.add(std::move(pv))); }

bool Server::remove(std::string_view name) {
    PvPtr old = shared_->table.remove(name);
    const bool found = static_cast<bool>(old);
    disconnect(std::move(old));
    return found;
}

PvPtr Server::find(std::string_view name) const { return shared_->table.find(name); }
std::size_t Server::size() const { return shared_->table.size(); }

void Server::set_search_by_request(bool on) noexcept {
    shared_->search_by_request = on;
}
void Server::set_attach_by_request(bool on) noexcept {
    shared_->attach_by_request = on;
}

RequestQueue& Server::requests() noexcept { return shared_->requests; }
CompletionQueue& Server::completions() noexcept { return *shared_->completions; }
Log& Server::log() noexcept { return shared_->log; }

std::map<std::string, std::uint64_t> Server::stats() const {
    const Counters& c = shared_->counters;
    return {
        {"circuits", c.circuits},
        {"circuits_peak", c.circuits_peak},
        {"circuits_accepted", c.circuits_accepted},
        {"circuits_refused", c.circuits_refused},
        {"accept_pauses", c.accept_pauses},
        {"closed_by_client", c.closed_by_client},
        {"closed_broken", c.closed_broken},
        {"closed_on_error", c.closed_on_error},
        {"channels", c.channels},
        {"channels_created", c.channels_created},
        {"channels_refused", c.channels_refused},
        {"channels_over_limit", c.channels_over_limit},
        {"subscriptions", c.subscriptions},
        {"subscriptions_refused", c.subscriptions_refused},
        {"searches", c.searches},
        {"search_hits", c.search_hits},
        {"datagrams_dropped", c.datagrams_dropped},
        {"searches_dropped", c.searches_dropped},
        {"reads", c.reads},
        {"writes", c.writes},
        {"updates", c.updates},
        {"updates_merged", c.updates_merged},
        {"requests_too_large", c.requests_too_large},
        {"puts_refused", c.puts_refused},
        {"protocol_errors", c.protocol_errors},
        {"bytes_received", c.bytes_received},
        {"bytes_sent", c.bytes_sent},
        {"requests_dropped", shared_->requests.dropped()},
        {"log_suppressed", shared_->log.suppressed()},
        {"pvs", shared_->table.size()},
    };
}

void Server::prepare_fork() {
    control_->mutex.lock();
    if (control_->loop) control_->loop->turn_mutex().lock();
}

void Server::after_fork_in_parent() {
    if (control_->loop) control_->loop->turn_mutex().unlock();
    control_->mutex.unlock();
}

// The loop's thread does not exist in the child. Its memory is given up; its
// descriptors are closed, which the parent's circuits do not notice.
void Server::after_fork_in_child() noexcept {
    if (control_->loop) {
        control_->loop->abandon();
        control_->thread.detach();
    }
    [[maybe_unused]] Control* given_up = control_.release();
    if (given_up->loop) [[maybe_unused]]
        Loop* loop = given_up->loop.release();
    control_ = std::make_unique<Control>();
    shared_->tcp_port = 0;
    shared_->udp_port = 0;
}

}  // namespace pcas
