#include "pv/namespace.hpp"

#include <utility>

namespace pcas {

Namespace::Namespace(std::size_t max_requests, std::size_t max_bytes)
    : max_requests_(max_requests),
      max_bytes_(max_bytes),
      sources_{&by_request_, &table_} {
    make_requests();
}

void Namespace::make_requests() {
    requests_ = std::make_shared<RequestQueue>(max_requests_, max_bytes_);
}

void Namespace::add_source(std::unique_ptr<Source> source) {
    sources_.push_back(source.get());
    added_.push_back(std::move(source));
}

void Namespace::add(const PvPtr& pv) { add(pv->name(), pv); }

void Namespace::add(std::string_view name, const PvPtr& pv) {
    PvPtr old = table_.add(name, pv);
    if (!old) old = hidden_by(name);
    if (old != pv) tell(old);
}

// What a source behind the table has given for a name that is in the table now.
PvPtr Namespace::hidden_by(std::string_view name) const {
    for (const auto& source : added_) {
        if (PvPtr given = source->given(name)) return given;
    }
    return {};
}

bool Namespace::remove(std::string_view name) {
    const PvPtr old = table_.remove(name);
    tell(old);
    return static_cast<bool>(old);
}

// To all of them: one may be about to make a channel on what it has just found. What it
// finds from now on is not `removed`.
void Namespace::tell(const PvPtr& removed) {
    if (!removed) return;
    std::vector<PvPtr> all{removed};
    if (const PvCompanionPtr companion = removed->companion()) {
        for (PvPtr& pv : companion->dependents()) all.push_back(std::move(pv));
    }
    std::lock_guard lock(mutex_);
    for (const auto& server : servers_) {
        const auto to = server.lock();
        if (!to) continue;
        for (const PvPtr& pv : all) to->push(pv);
    }
}

void Namespace::tell_removed(const std::shared_ptr<RemovedPvs>& to) {
    std::lock_guard lock(mutex_);
    std::erase_if(servers_, [](const auto& server) { return server.expired(); });
    servers_.push_back(to);
}

// What changes again before the request is taken is seen by whoever takes it. Nobody
// waits for the answer.
void Namespace::tell_interest(const PvPtr& pv, std::uint64_t lane,
                              const ClientPtr& client) {
    if (!pv->wants_interest() || !pv->interest_changed()) return;
    RequestPtr request(new Request(RequestKind::Interest, nullptr));
    request->pv = pv;
    request->lane = lane;
    request->client = client;
    requests_->push(std::move(request));
}

void Namespace::open() {
    std::lock_guard lock(mutex_);
    if (running_++ == 0) requests_->open();
}

void Namespace::close() {
    std::lock_guard lock(mutex_);
    if (--running_ == 0) requests_->close();
}

void Namespace::prepare_fork() {
    mutex_.lock();
    for (Source* source : sources_) source->prepare_fork();
    misses_.prepare_fork();
}

void Namespace::after_fork_in_parent() {
    misses_.after_fork_in_parent();
    for (Source* source : sources_) source->after_fork_in_parent();
    mutex_.unlock();
}

// Other threads may have been in the queue: it is given up.
void Namespace::after_fork_in_child() {
    if (put_log_) put_log_->after_fork_in_child();
    for (Source* source : sources_) source->after_fork_in_child();
    misses_.after_fork_in_child();
    std::construct_at(&mutex_);
    running_ = 0;
    // Without memory for that the child may end.
    [[maybe_unused]] auto* given_up =
        // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new)
        new std::shared_ptr<RequestQueue>(requests_);
    make_requests();
}

}  // namespace pcas
