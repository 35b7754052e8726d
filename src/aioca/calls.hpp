// Calls to libca and its callbacks. No Python here.
//
// Threads: functions marked [libca] are callbacks. All others are called by the loop's
// thread (attached to the CA context) without the GIL; what might be held up by libca
// is passed on to the circuit's thread, see circuit.hpp.
#pragma once

#include "events.hpp"

namespace aioca {

// The process' one CA context and what callbacks must find without Python.
struct Process {
    CaApi api;
    ca_client_context* context = nullptr;
    std::mutex mutex;                       // leaf, guards what follows
    std::unordered_set<Channel*> channels;  // to recognise our own in an exception
    std::vector<Queue*> queues;             // open ones
    std::atomic<bool> ended{false};         // the interpreter leaves: do nothing
    Circuits circuits;
    capri priority = CA_PRIORITY_DEFAULT;  // of channels opened from now on
};

// Each extension module has its own copy of this pointer. The one that loads libca
// makes the Process, which is never freed because libca's threads use it, and the
// others ask for it when they are imported.
inline Process*& process_pointer() {
    static Process* pointer = nullptr;
    return pointer;
}
inline Process& process() { return *process_pointer(); }

inline bool has_ended() { return process().ended; }

// ---- callbacks [libca] ------------------------------------------------------------

inline void on_connection(connection_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* channel = static_cast<Channel*>(self.api.ca_puser(args.chid));
    const bool up = args.op == CA_OP_CONN_UP;
    short type = -1;
    unsigned long count = 0;
    Circuit* circuit = nullptr;
    if (up) {
        type = self.api.ca_field_type(args.chid);
        count = self.api.ca_element_count(args.chid);
        char host[256] = "";
        self.api.ca_get_host_name(args.chid, host, sizeof host);
        circuit = self.circuits.to(host);
    } else if (Circuit* lost = channel->circuit.load()) {
        lost->forget();
        lost->set_probing(false);
    }
    bool wake = false;
    {
        std::lock_guard<std::mutex> guard(channel->queue->mutex);
        channel->connected = up;
        if (up) {
            const bool changed =
                channel->was_connected &&
                (type != channel->native_type || count != channel->element_count);
            channel->was_connected = true;
            channel->native_type = type;
            channel->element_count = count;
            channel->circuit = circuit;
            if (changed)
                for (Monitor* monitor : channel->monitors) monitor->stale = true;
        } else {
            for (Monitor* monitor : channel->monitors)
                if (monitor->notify_disconnect && !monitor->closed)
                    if (Block* block = status_block(ECA_DISCONN))
                        wake |= monitor->store(block);
        }
        wake |= channel->queue->link(channel);
    }
    if (wake) channel->queue->waker.wake();
}

inline void on_access_rights(access_rights_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* channel = static_cast<Channel*>(self.api.ca_puser(args.chid));
    bool wake;
    {
        std::lock_guard<std::mutex> guard(channel->queue->mutex);
        channel->readable = args.ar.read_access;
        channel->writable = args.ar.write_access;
        wake = channel->connected && channel->queue->link(channel);
    }
    if (wake) channel->queue->waker.wake();
}

inline void on_reply(event_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    auto* slot = static_cast<Slot*>(args.usr);
    if (slot->circuit) slot->circuit->confirm(slot->mark);
    Block* block = nullptr;
    int status = args.status;
    if (slot->operation == Operation::Get && status == ECA_NORMAL) {
        block = block_of(self.api, args, slot->type);
        if (block) block->element_count = slot->channel->element_count;
        status = block ? block->status : ECA_ALLOCMEM;
    }
    finish(slot, status, block);
}

inline void on_update(event_handler_args args) {
    Process& self = process();
    if (self.ended) return;
    // libca itself reports a lost connection to the connection callback.
    if (args.status == ECA_DISCONN) return;
    auto* monitor = static_cast<Monitor*>(args.usr);
    Block* block = block_of(self.api, args, monitor->type);
    if (!block) return;
    bool wake = false;
    {
        std::lock_guard<std::mutex> guard(monitor->queue->mutex);
        if (monitor->closed || monitor->stale || monitor->queue->closed) {
            free_block(block);
            return;
        }
        block->element_count = monitor->channel->element_count;
        wake = monitor->store(block);
    }
    if (wake) monitor->queue->waker.wake();
}

inline void on_exception(exception_handler_args args) {
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
    Queue* queue = nullptr;
    bool wake = false;
    std::lock_guard<std::mutex> guard(self.mutex);
    auto found = self.channels.find(static_cast<Channel*>(user));
    if (found != self.channels.end())
        queue = (*found)->queue;
    else if (!self.queues.empty())
        queue = self.queues.front();
    if (!queue) return;
    {
        std::lock_guard<std::mutex> inner(queue->mutex);
        if (queue->closed) return;
        wake = !queue->first && queue->complaints.empty();
        queue->complaints.push_back(std::move(complaint));
    }
    if (wake) queue->waker.wake();
}

// Answer to a read that only asks whether the server follows: nobody wants the value.
inline void on_probe(event_handler_args args) {
    auto* channel = static_cast<Channel*>(args.usr);
    Circuit* circuit = channel->probed.exchange(nullptr);
    if (!circuit) return;
    if (args.status != ECA_DISCONN) circuit->confirm(channel->probe_mark);
    circuit->set_probing(false);
}

// ---- channels ---------------------------------------------------------------------

inline int open_channel(Channel* channel, const char* name) {
    Process& self = process();
    {
        std::lock_guard<std::mutex> guard(self.mutex);
        self.channels.insert(channel);
    }
    int status = self.api.ca_create_channel(name, on_connection, channel, self.priority,
                                            &channel->id);
    if (status == ECA_NORMAL)
        self.api.ca_replace_access_rights_event(channel->id, on_access_rights);
    return status;
}

// Runs a call that libca may hold up: at once, or behind others in the circuit's
// thread.
template <class Job>
inline void run_or_pass_on(Channel* channel, std::uint64_t bytes, Job job) {
    Process& self = process();
    Circuit* circuit = channel->circuit;
    const bool follows = channel->jobs.load(std::memory_order_acquire) > 0;
    if (!follows && (!circuit || circuit->is_clear(bytes))) {
        job(circuit);
        return;
    }
    if (follows) circuit = channel->job_circuit;
    channel->job_circuit = circuit;
    ++channel->jobs;
    circuit->run(self.api, self.context, [channel, circuit, job] {
        if (process().ended) return;
        // The job may delete the channel, in which case it says so.
        if (job(circuit)) --channel->jobs;
    });
}

// Finishes requests that libca dropped together with their channel.
inline void drop_requests(Channel* channel) {
    Queue* queue = channel->queue;
    bool wake = false;
    {
        std::lock_guard<std::mutex> guard(queue->mutex);
        for (Batch* batch = queue->batches; batch;) {
            Batch* following = batch->following;
            // Keeps the batch while its slots are looked at.
            ++batch->outstanding;
            for (Slot& slot : batch->slots) {
                if (slot.channel != channel || slot.state == SlotState::Done) continue;
                if (slot.state == SlotState::Waiting) {
                    slot.state = SlotState::Submitted;
                    ++batch->outstanding;
                }
                wake |= finish_locked(slot, ECA_CHANDESTROY, nullptr);
            }
            --batch->outstanding;
            if (batch->outstanding == 0) {
                if (batch->abandoned)
                    queue->release_locked(batch);
                else
                    wake |= queue->link(batch);
            }
            batch = following;
        }
    }
    if (wake) queue->waker.wake();
}

// Gives a channel up. Its monitors must have been closed.
inline void close_channel(Channel* channel) {
    {
        std::lock_guard<std::mutex> guard(channel->queue->mutex);
        channel->owner = nullptr;
        channel->connected = false;
    }
    run_or_pass_on(channel, 0, [channel](Circuit*) {
        Process& self = process();
        if (channel->id) self.api.ca_clear_channel(channel->id);
        if (Circuit* probed = channel->probed) probed->set_probing(false);
        {
            std::lock_guard<std::mutex> guard(self.mutex);
            self.channels.erase(channel);
        }
        drop_requests(channel);
        channel->queue->release(channel);
        return false;
    });
}

// ---- requests ---------------------------------------------------------------------

inline int call_libca(Slot* slot) {
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

inline void refuse(Slot* slot, int status) {
    slot->refused = true;
    finish(slot, status, nullptr);
}

inline void send_probe(Circuit* circuit, Channel* channel) {
    channel->probe_mark = circuit->count(0);
    channel->probed = circuit;
    circuit->set_probing(true);
    const CaApi& api = process().api;
    if (api.ca_array_get_callback(channel->native_type, 1, channel->id, on_probe,
                                  channel) != ECA_NORMAL) {
        channel->probed = nullptr;
        circuit->set_probing(false);
    }
}

// Hands requests to libca. Their slots must be Submitted and counted as outstanding,
// except plain puts: those are done when this returns, or become Submitted here.
inline void submit(const std::vector<Slot*>& slots) {
    for (Slot* slot : slots) {
        Channel* channel = slot->channel;
        Batch* batch = slot->batch;
        const bool plain_put = slot->operation == Operation::Put;
        Circuit* circuit = channel->circuit;
        if (channel->jobs.load(std::memory_order_acquire) == 0 &&
            (!circuit || circuit->is_clear(slot->bytes))) {
            if (circuit) {
                slot->circuit = circuit;
                slot->mark = circuit->count(slot->bytes);
            }
            const int status = call_libca(slot);
            if (plain_put) {
                slot->status = status;
                slot->refused = status != ECA_NORMAL;
                slot->state = SlotState::Done;
                if (slot->refused) {
                    std::lock_guard<std::mutex> guard(batch->queue->mutex);
                    ++batch->failures;
                }
                if (circuit && circuit->wants_probe()) send_probe(circuit, channel);
            } else if (status != ECA_NORMAL) {
                refuse(slot, status);
            }
            continue;
        }
        if (plain_put) {
            std::lock_guard<std::mutex> guard(batch->queue->mutex);
            slot->state = SlotState::Submitted;
            ++batch->outstanding;
        }
        run_or_pass_on(channel, slot->bytes, [slot, plain_put](Circuit* through) {
            Batch* batch = slot->batch;
            bool withdrawn;
            {
                std::lock_guard<std::mutex> guard(batch->queue->mutex);
                withdrawn = batch->abandoned;
                if (withdrawn) finish_locked(*slot, ECA_TIMEOUT, nullptr);
            }
            if (withdrawn) return true;
            slot->circuit = through;
            slot->mark = through ? through->count(slot->bytes) : 0;
            const int status = call_libca(slot);
            if (status != ECA_NORMAL)
                refuse(slot, status);
            else if (plain_put)
                finish(slot, status, nullptr);
            return true;
        });
    }
}

// ---- monitors ---------------------------------------------------------------------

// Subscribes; a refusal arrives as a status-only Block.
inline void subscribe(Monitor* monitor, long type, unsigned long count, long mask) {
    {
        std::lock_guard<std::mutex> guard(monitor->queue->mutex);
        monitor->type = type;
        monitor->channel->monitors.push_back(monitor);
    }
    run_or_pass_on(monitor->channel, 16, [=](Circuit* circuit) {
        const CaApi& api = process().api;
        if (circuit) circuit->count(16);
        evid id = nullptr;
        const int status = api.ca_create_subscription(type, count, monitor->channel->id,
                                                      mask, on_update, monitor, &id);
        bool wake = false;
        {
            std::lock_guard<std::mutex> guard(monitor->queue->mutex);
            monitor->id = id;
            if (status != ECA_NORMAL && !monitor->closed)
                if (Block* block = status_block(status)) wake = monitor->store(block);
        }
        if (wake) monitor->queue->waker.wake();
        return true;
    });
}

// Ends a subscription and gives the monitor up: nothing arrives any more.
inline void close_monitor(Monitor* monitor) {
    Channel* channel = monitor->channel;
    {
        std::lock_guard<std::mutex> guard(monitor->queue->mutex);
        monitor->owner = nullptr;
        monitor->closed = true;
        free_blocks(monitor->oldest);
        monitor->oldest = monitor->newest = nullptr;
        std::erase(channel->monitors, monitor);
    }
    run_or_pass_on(channel, 0, [monitor](Circuit* circuit) {
        if (circuit) circuit->count(0);
        if (monitor->id) process().api.ca_clear_subscription(monitor->id);
        monitor->queue->release(monitor);
        return true;
    });
}

}  // namespace aioca
