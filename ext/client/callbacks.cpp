#include "client/callbacks.hpp"

#include <utility>

#include "client/batch.hpp"
#include "client/process.hpp"

namespace aioca {

namespace {

// With the mutex held.
bool came_up(Channel* channel, short type, unsigned long count, SendBudget* budget) {
    const bool changed = channel->was_connected && (type != channel->native_type ||
                                                    count != channel->element_count);
    channel->was_connected = true;
    channel->native_type = type;
    channel->element_count = count;
    channel->budget = budget;
    if (changed)
        for (Monitor* monitor : channel->monitors) monitor->stale = true;
    return channel->queue->link(channel);
}

// With the mutex held.
bool went_down(Channel* channel) {
    bool wake = false;
    channel->readable = channel->writable = false;
    for (Monitor* monitor : channel->monitors)
        if (monitor->notify_disconnect && !monitor->closed)
            if (Block* block = status_block(ECA_DISCONN)) wake |= monitor->store(block);
    return channel->queue->link(channel) || wake;
}

}  // namespace

void on_connection(connection_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* channel = static_cast<Channel*>(self.api.ca_puser(args.chid));
    const bool up = args.op == CA_OP_CONN_UP;
    short type = -1;
    unsigned long count = 0;
    SendBudget* budget = nullptr;
    if (up) {
        type = self.api.ca_field_type(args.chid);
        count = self.api.ca_element_count(args.chid);
        char host[256] = "";
        self.api.ca_get_host_name(args.chid, host, sizeof host);
        budget = self.budgets.to(host);
    } else if (SendBudget* lost = channel->budget.load()) {
        lost->forget();
        lost->set_probing(false);
    }
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
        channel->connected = up;
        ++channel->changes;
        wake = up ? came_up(channel, type, count, budget) : went_down(channel);
    }
    if (wake) channel->queue->waker.wake();
}

void on_access_rights(access_rights_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* channel = static_cast<Channel*>(self.api.ca_puser(args.chid));
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
        channel->readable = args.ar.read_access;
        channel->writable = args.ar.write_access;
        wake = channel->connected && channel->queue->link(channel);
    }
    if (wake) channel->queue->waker.wake();
}

void on_reply(event_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* slot = static_cast<Slot*>(args.usr);
    if (slot->budget) slot->budget->confirm(slot->mark);
    Block* block = nullptr;
    int status = args.status;
    if (slot->operation == Operation::Get && status == ECA_NORMAL) {
        block = block_of(self.api, args, slot->type);
        if (block) block->element_count = self.api.ca_element_count(args.chid);
        status = block ? block->status : ECA_ALLOCMEM;
    }
    finish(slot, status, block);
}

void on_update(event_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    // libca itself reports a lost connection to the connection callback.
    if (args.status == ECA_DISCONN) return;
    auto* monitor = static_cast<Monitor*>(args.usr);
    Block* block =
        block_of(self.api, args, monitor->type, monitor->spare.exchange(nullptr));
    if (!block) return;
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> guard(monitor->queue->mutex);
        if (monitor->closed || monitor->stale || monitor->queue->closed) {
            free_block(block);
            return;
        }
        block->element_count = monitor->channel->element_count;
        wake = monitor->store(block);
    }
    if (wake) monitor->queue->waker.wake();
}

void on_exception(exception_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    Complaint complaint;
    complaint.status = static_cast<int>(args.stat);
    complaint.operation = args.op;
    if (args.ctx) complaint.context = args.ctx;
    void* user = nullptr;
    if (args.chid) {
        user = self.api.ca_puser(args.chid);
        complaint.channel = self.api.ca_name(args.chid);
    }
    const std::lock_guard<std::mutex> guard(self.mutex);
    Queue* queue = nullptr;
    auto found = self.channels.find(static_cast<Channel*>(user));
    if (found != self.channels.end())
        queue = (*found)->queue;
    else if (!self.queues.empty())
        queue = self.queues.front();
    if (!queue) return;
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> inner(queue->mutex);
        wake = queue->link(std::move(complaint));
    }
    if (wake) queue->waker.wake();
}

void on_probe(event_handler_args args) {
    auto* channel = static_cast<Channel*>(args.usr);
    SendBudget* budget = channel->probed.exchange(nullptr);
    if (!budget) return;
    if (args.status != ECA_DISCONN) budget->confirm(channel->probe_mark);
    budget->set_probing(false);
}

void install_exception_handler() {
    process().api.ca_add_exception_event(on_exception, nullptr);
}

}  // namespace aioca
