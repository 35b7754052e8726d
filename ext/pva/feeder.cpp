#include "pva/feeder.hpp"

#include <caerr.h>

#include <chrono>
#include <utility>

namespace pcas::pva {

using Clock = WakeGate::Clock;

// So long posts are delivered until answers are looked at again.
constexpr std::chrono::milliseconds kSlice{1};
// Updates that are built before the first of them is sent.
constexpr std::size_t kTogether = 64;

Feeder::Feeder(std::shared_ptr<Core> core) : core_(std::move(core)) {
    core_->answers->open(core_->gate);
    core_->removed->open(core_->gate);
    thread_ = std::thread([this] { run(); });
}

Feeder::~Feeder() {
    if (!thread_.joinable()) return;
    ends_ = true;
    core_->bell->ring();
    thread_.join();
    core_->answers->close();
    core_->removed->close();
}

void Feeder::run() {
    while (!ends_) {
        core_->gate->taken();
        try {
            run_turn();
        } catch (const std::exception& error) {
            core_->log.add_caught("pva", "a turn of PVAccess", error);
        }
        if (next_posted_ < posted_.size()) continue;
        core_->bell->wait(core_->gate->sleep_until());
    }
}

void Feeder::run_turn() {
    drop_removed();
    change_rights();
    answer();
    deliver_posts();
}

// Their channels end: clients search again.
void Feeder::drop_removed() {
    core_->removed->take(removed_);
    if (removed_.empty()) return;
    {
        std::lock_guard turn(core_->turn);
        for (const PvPtr& pv : removed_) {
            const PvClientsPtr clients = pv->clients_of(*core_->posts);
            if (!clients) continue;
            const auto channels = static_cast<PvaPv&>(*clients).channels;
            for (Channel* channel : channels) {
                auto held = channel->weak_from_this().lock();
                channel->drop();
                if (held) touched_.push_back(std::move(held));  // else it ends now
            }
        }
    }
    for (const auto& channel : touched_) channel->control()->close();
    touched_.clear();
    removed_.clear();
}

void Feeder::change_rights() {
    const bool told_all = core_->rights_changes.take(changed_);
    if (changed_.empty() && told_all) return;
    {
        std::lock_guard turn(core_->turn);
        if (!told_all) {
            for (const auto& [id, channel] : core_->channels) channel->rights_changed();
        }
        for (const RightsQueue::Entry& entry : changed_) {
            const auto found = core_->channels.find(entry.circuit);
            if (found != core_->channels.end()) found->second->rights_changed();
        }
    }
    changed_.clear();
}

void Feeder::answer() {
    core_->answers->take(answers_);
    for (const Completion& completion : answers_) {
        std::lock_guard turn(core_->turn);
        answer(completion);
    }
    answers_.clear();
    for (const auto& channel : attached_) channel->connect_waiting();
    for (const auto& channel : refused_) channel->control()->close();
    attached_.clear();
    refused_.clear();
    touched_.clear();
}

void Feeder::answer(const Completion& completion) {
    auto& request = static_cast<PvaRequest&>(*completion.request);
    if (request.kind == RequestKind::Exists) {
        if (completion.completed)
            core_->asked.answered(request.name, request.status() == ECA_NORMAL);
        return;
    }
    if (completion.completed) request.end();
    std::shared_ptr<Channel> channel = request.of.lock();
    if (!channel) return;
    channel->on_answer(request, completion.completed);
    touched_.push_back(channel);
    if (request.kind != RequestKind::Attach || !completion.completed) return;
    if (request.status() == ECA_NORMAL && request.attached()) {
        attached_.push_back(std::move(channel));
        return;
    }
    channel->drop();
    refused_.push_back(std::move(channel));
}

void Feeder::deliver_posts() {
    if (next_posted_ >= posted_.size()) {
        core_->posts->take(posted_);
        next_posted_ = 0;
    }
    const Clock::time_point end = Clock::now() + kSlice;
    while (next_posted_ < posted_.size()) {
        deliver_some();
        core_->turn.give_way();
        if (Clock::now() >= end) break;
    }
    core_->posts->set_behind(next_posted_ < posted_.size());
    if (next_posted_ >= posted_.size()) posted_.clear();
}

// To build values takes long, to hand them over does not: the worker wakes up once for
// many, and sends them together.
void Feeder::deliver_some() {
    std::lock_guard turn(core_->turn);
    updates_.clear();  // if the last time there was no memory for all
    while (next_posted_ < posted_.size() && updates_.size() < kTogether) {
        deliver(static_cast<PvaPv&>(*posted_[next_posted_]));
        ++next_posted_;
    }
    for (const Update& update : updates_) update.monitor->send(update.value);
    Counters::add(core_->counters->pva_updates, updates_.size());
    updates_.clear();
}

void Feeder::deliver(PvaPv& pv) {
    pv.take_events(events_);
    for (const Event& event : events_) {
        EventValues values(pv.form, event.snapshot);
        for (Monitor* monitor : pv.monitors) {
            pvxs::Value value = monitor->on_event(values, event);
            if (value) updates_.push_back({monitor, std::move(value)});
        }
    }
    events_.clear();
}

}  // namespace pcas::pva
