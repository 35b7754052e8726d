#include "server/server.hpp"

#include <mutex>
#include <utility>

#include "server/server_control.hpp"
#include "server/shared.hpp"

namespace pcas {

Server::Server(Config config, std::shared_ptr<Namespace> names)
    : shared_(std::make_unique<Shared>(std::move(config), std::move(names))),
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
    names()->open();
    control_->thread = std::thread([l = loop.get()] { l->run(); });
    control_->loop = std::move(loop);
    control_->running = true;
}

void Server::close() noexcept {
    std::lock_guard lock(control_->mutex);
    if (!control_->loop) return;
    control_->loop->stop();
    control_->thread.join();
    control_->running = false;
    control_->loop.reset();
    names()->close();
    shared_->tcp_port = 0;
    shared_->udp_port = 0;
}

bool Server::running() const noexcept { return control_->running; }

std::uint16_t Server::tcp_port() const noexcept { return shared_->tcp_port; }
std::uint16_t Server::udp_port() const noexcept { return shared_->udp_port; }

const std::shared_ptr<Namespace>& Server::names() const noexcept {
    return shared_->names;
}
void Server::add(const PvPtr& pv) { names()->add(pv); }
void Server::add(std::string_view name, const PvPtr& pv) { names()->add(name, pv); }
bool Server::remove(std::string_view name) { return names()->remove(name); }
PvPtr Server::find(std::string_view name) const { return names()->table().find(name); }
std::size_t Server::size() const { return names()->table().size(); }

void Server::set_search_by_request(bool on) noexcept {
    names()->by_request().set_searches(on);
}
void Server::set_attach_by_request(bool on) noexcept {
    names()->by_request().set_attaches(on);
}

std::vector<RequestPtr> Server::take(std::size_t max,
                                     std::chrono::nanoseconds timeout) {
    using std::chrono::nanoseconds;
    if (timeout.count() > 0 && requests().size() == 0 && lead(timeout))
        timeout = nanoseconds(0);
    return requests().take(max, timeout);
}

// Once it is said who leads, the loop lasts until it does so no more.
bool Server::lead(std::chrono::nanoseconds timeout) {
    const auto until = Reactor::Clock::now() + timeout;
    Loop* loop = nullptr;
    {
        const std::unique_lock lock(control_->mutex, std::try_to_lock);
        if (!lock.owns_lock() || !control_->loop) return false;
        if (!control_->loop->begin_to_lead()) return false;
        loop = control_->loop.get();
    }
    loop->lead(until);
    return true;
}

void Server::hold_answers() { shared_->completions->hush(); }

void Server::answer() {
    {
        const std::unique_lock lock(control_->mutex, std::try_to_lock);
        if (lock.owns_lock() && control_->loop) {
            WakeGate::end_hush();
            if (!control_->loop->unwoken() || control_->loop->try_turn()) return;
        }
    }
    completions().flush();
}

RequestQueue& Server::requests() noexcept { return *names()->requests(); }
CompletionQueue& Server::completions() noexcept { return *shared_->completions; }
Log& Server::log() noexcept { return shared_->log; }

std::map<std::string, std::uint64_t> Server::stats() const {
    Counters& counters = shared_->counters;
    Counters::set(counters.requests_queued, names()->requests()->size());
    Counters::set(counters.requests_dropped, names()->requests()->dropped());
    Counters::set(counters.log_suppressed, shared_->log.suppressed());
    Counters::set(counters.pvs, names()->table().size());
    if (const PutLogPtr& log = names()->put_log()) {
        Counters::set(counters.puts_logged, log->written());
        Counters::set(counters.puts_not_logged, log->dropped());
    }
    std::map<std::string, std::uint64_t> out;
    for (const CounterInfo& counter : counter_table()) {
        out.emplace(counter.name, counters.*counter.where);
    }
    return out;
}

void Server::ask_for_beat() {
    const std::unique_lock lock(control_->mutex, std::try_to_lock);
    if (!lock.owns_lock() || !control_->loop) return;
    control_->loop->call([beats = &shared_->beats] { ++*beats; });
}

std::uint64_t Server::beats() const noexcept { return shared_->beats; }

void Server::prepare_fork() {
    control_->mutex.lock();
    if (control_->loop) control_->loop->turn_mutex().lock();
    if (shared_->own_names) names()->prepare_fork();
}

void Server::after_fork_in_parent() {
    if (shared_->own_names) names()->after_fork_in_parent();
    if (control_->loop) control_->loop->turn_mutex().unlock();
    control_->mutex.unlock();
}

// The loop's thread does not exist in the child. Its memory is given up, and the queue
// in which other threads may have been; its descriptors are closed, which the parent's
// circuits do not notice.
void Server::after_fork_in_child() noexcept {
    if (shared_->own_names) names()->after_fork_in_child();
    // Without memory for that the child may end.
    [[maybe_unused]] auto* completions =
        // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new)
        new std::shared_ptr<CompletionQueue>(shared_->completions);
    shared_->completions = std::make_shared<CompletionQueue>();
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
