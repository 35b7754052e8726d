#include "client/calls.hpp"

#include <functional>
#include <span>
#include <utility>

#include "client/callbacks.hpp"
#include "client/process.hpp"

namespace aioca {

namespace {

using Job = std::function<void(SendBudget*)>;

// Runs a call that libca may hold up: at once, or behind others in the budget's
// thread. The channel is in use until the job has run; the job that deletes it is the
// last one.
void run_or_pass_on(Channel* channel, std::uint64_t bytes, Job job, bool last = false) {
    Process& self = process();
    SendBudget* budget = channel->budget;
    {
        const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
        const bool follows = channel->jobs > 0;
        if (follows) budget = channel->job_budget;
        if (follows || (budget && !budget->allows(bytes))) {
            channel->job_budget = budget;
            ++channel->jobs;
        } else {
            budget = nullptr;
        }
    }
    if (!budget) {
        job(channel->budget);
        return;
    }
    if (!last) ++channel->uses;
    budget->run(self.api, self.context, [channel, budget, last, work = std::move(job)] {
        if (process().ended) return;
        work(budget);
        if (last) return;
        --channel->jobs;
        end_use(channel);
    });
}

void forget_channel(Channel* channel) {
    Process& self = process();
    if (channel->id) self.api.ca_clear_channel(channel->id);
    if (SendBudget* probed = channel->probed) probed->set_probing(false);
    {
        const std::lock_guard<std::mutex> guard(self.mutex);
        self.channels.erase(channel);
    }
    drop_requests(channel);
    channel->queue->release(channel);
}

int call_libca(Slot* slot) {
    const CaApi& api = process().api;
    chid id = slot->channel->id;
    switch (slot->operation) {
        case Operation::Get:
            return api.ca_array_get_callback(slot->type, slot->count, id, on_reply,
                                             slot);
        case Operation::PutCallback:
            return api.ca_array_put_callback(slot->type, slot->count, id, slot->value(),
                                             on_reply, slot);
        case Operation::Put:
            return api.ca_array_put(slot->type, slot->count, id, slot->value());
        case Operation::Connect:
            break;
    }
    return ECA_NORMAL;
}

void send_probe(SendBudget* budget, Channel* channel) {
    channel->probe_mark = budget->spend(0);
    channel->probed = budget;
    budget->set_probing(true);
    const CaApi& api = process().api;
    const int status = api.ca_array_get_callback(channel->native_type, 1, channel->id,
                                                 on_probe, channel);
    if (status != ECA_NORMAL) {
        channel->probed = nullptr;
        budget->set_probing(false);
    }
}

// The budget allows it: the caller itself gives the request to libca. False: libca did
// not take it.
bool submit_now(Slot* slot, SendBudget* budget) {
    const bool plain_put = slot->operation == Operation::Put;
    if (budget) {
        slot->budget = budget;
        slot->mark = budget->spend(slot->bytes);
    }
    const int status = call_libca(slot);
    if (status != ECA_NORMAL) {
        if (plain_put)
            refuse_plain_put(slot, status);
        else
            refuse(slot, status);
    }
    if (plain_put && budget && budget->wants_probe()) send_probe(budget, slot->channel);
    return status == ECA_NORMAL;
}

// In the budget's thread.
void submit_later(Slot* slot, SendBudget* budget) {
    if (withdraw(slot)) return;
    const bool plain_put = slot->operation == Operation::Put;
    slot->budget = budget;
    slot->mark = budget ? budget->spend(slot->bytes) : 0;
    const int status = call_libca(slot);
    if (status != ECA_NORMAL)
        refuse(slot, status);
    else if (plain_put)
        finish(slot, status, nullptr);
}

}  // namespace

int open_channel(Channel* channel, const char* name) {
    Process& self = process();
    {
        const std::lock_guard<std::mutex> guard(self.mutex);
        self.channels.insert(channel);
    }
    const int status = self.api.ca_create_channel(name, on_connection, channel,
                                                  self.priority, &channel->id);
    if (status == ECA_NORMAL)
        self.api.ca_replace_access_rights_event(channel->id, on_access_rights);
    return status;
}

void end_use(Channel* channel) {
    if (--channel->uses > 0) return;
    run_or_pass_on(
        channel, 0, [channel](SendBudget*) { forget_channel(channel); }, true);
}

void close_channel(Channel* channel) {
    {
        const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
        channel->owner = nullptr;
        channel->connected = false;
    }
    end_use(channel);
}

void submit(const std::vector<Slot*>& slots) {
    // Plain puts that libca took are done together: the lock is taken once for them.
    std::span<Slot* const> taken(slots.data(), 0);
    for (Slot* const& slot : slots) {
        const bool plain_put = slot->operation == Operation::Put;
        bool took = false;
        Channel* channel = slot->channel;
        ++channel->uses;
        SendBudget* budget = channel->budget;
        if (channel->jobs == 0 && (!budget || budget->allows(slot->bytes))) {
            took = submit_now(slot, budget);
        } else {
            if (plain_put) begin_plain_put(slot);
            run_or_pass_on(channel, slot->bytes, [slot](SendBudget* through) {
                submit_later(slot, through);
            });
        }
        if (plain_put && took) {
            taken = {taken.data(), taken.size() + 1};
        } else {
            finish_plain_puts(taken);
            taken = {&slot + 1, 0};
        }
        end_use(channel);
    }
    finish_plain_puts(taken);
}

void subscribe(Monitor* monitor, long type, unsigned long count, long mask) {
    {
        const std::lock_guard<BriefMutex> guard(monitor->queue->mutex);
        monitor->type = type;
        monitor->channel->monitors.push_back(monitor);
    }
    run_or_pass_on(monitor->channel, 16, [=](SendBudget* budget) {
        if (budget) budget->spend(16);
        evid id = nullptr;
        const int status = process().api.ca_create_subscription(
            type, count, monitor->channel->id, mask, on_update, monitor, &id);
        monitor->id = id;
        if (status != ECA_NORMAL) report(monitor, status);
    });
}

void close_monitor(Monitor* monitor) {
    Channel* channel = monitor->channel;
    {
        const std::lock_guard<BriefMutex> guard(monitor->queue->mutex);
        monitor->owner = nullptr;
        monitor->closed = true;
        free_blocks(monitor->oldest);
        monitor->oldest = monitor->newest = nullptr;
        std::erase(channel->monitors, monitor);
    }
    run_or_pass_on(channel, 0, [channel, monitor](SendBudget* budget) {
        if (budget) budget->spend(0);
        if (evid id = monitor->id) process().api.ca_clear_subscription(id);
        monitor->queue->release(monitor);
        end_use(channel);
    });
}

}  // namespace aioca
