// Channels and subscriptions: what libca's callbacks know of them.
//
// Guarded by the queue's mutex except where stated.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "client/block.hpp"
#include "client/export.hpp"
#include "client/queue.hpp"
#include "client/send_budget.hpp"

namespace aioca {

struct Monitor;

// One libca channel. Ends when nobody uses it any more: its Python object until it is
// closed, each subscription until libca has forgotten it, each call under way.
struct AIOCA_API Channel : Node {
    explicit Channel(Queue* loop_queue) : Node(loop_queue) {}

    chid id = nullptr;                   // set once by open_channel
    std::atomic<bool> connected{false};  // written with the mutex held
    std::uint64_t changes = 0;           // of the connection
    std::uint64_t seen = 0;              // that many the loop knows of
    bool was_connected = false;
    bool readable = false;
    bool writable = false;
    short native_type = -1;
    unsigned long element_count = 0;
    std::vector<Monitor*> monitors;
    std::atomic<int> uses{1};  // see calls.hpp, end_use
    // Of the present connection; budgets are never freed. [libca] writes it.
    std::atomic<SendBudget*> budget{nullptr};
    // Jobs of this channel in the thread of job_budget; all later ones follow there.
    std::atomic<int> jobs{0};
    SendBudget* job_budget = nullptr;
    // A read under way that asks whether the server follows, for this budget, and what
    // its answer confirms.
    std::atomic<SendBudget*> probed{nullptr};
    std::atomic<std::uint64_t> probe_mark{0};
};

struct ChannelState {
    bool connected = false;
    bool readable = false;
    bool writable = false;
    short native_type = -1;
    unsigned long element_count = 0;
};

// The channel as it is now, of which the loop then knows.
AIOCA_API ChannelState state_of(Channel* channel);

// With the mutex held. For a request that libca did not take because the connection is
// lost: whether the loop has yet to be told so. If it has, it knows better, or claims
// to.
inline bool loss_is_news(const Channel* channel) {
    return channel->connected || channel->changes != channel->seen;
}

// Whether a connection that the loop relies on is lost.
AIOCA_API bool is_lost(Channel* channel);

// A subscription and what arrived for it since Python last looked.
struct AIOCA_API Monitor : Node {
    explicit Monitor(Channel* on_channel)
        : Node(on_channel->queue), channel(on_channel) {
        ++channel->uses;
    }
    ~Monitor() override {
        free_blocks(oldest);
        free_block(spare);
    }

    // The oldest update, taken out, and whether there are more; null if there is none.
    Block* take_oldest(bool& more);
    Block* take_oldest() {
        bool more = false;
        return take_oldest(more);
    }
    // Gives the memory of an update back, for a later one if it is small.
    void reuse(Block* block);
    // All updates, taken out to be looked at; put_back() returns them.
    Block* take_all();
    // In front of those that arrived meanwhile; what is not wanted any more is freed.
    void put_back(Block* all);
    // With the mutex held. Keeps the newest value only, unless all are wanted. True:
    // the loop must be woken.
    bool store(Block* block);
    // How many updates a newer one replaced.
    std::uint64_t dropped_updates();
    // What is wanted of the updates from now on.
    void set_wishes(bool all, bool disconnects);

    Channel* const channel;
    std::atomic<evid> id{nullptr};  // null: not subscribed
    long type = -1;                 // asked for; set once by subscribe
    Block* oldest = nullptr;
    Block* newest = nullptr;
    std::uint64_t dropped = 0;
    bool all_updates = false;
    bool notify_disconnect = false;
    bool closed = false;
    std::atomic<Block*> spare{nullptr};  // whoever takes it out owns it
    std::atomic<bool> stale{false};      // the PV came back with another type or size
};

// libca's id of a subscription, null if it has none.
inline void* id_of(const Monitor* monitor) { return monitor->id.load(); }

// Leaves a status in place of a value, as if it had come from libca.
AIOCA_API void report(Monitor* monitor, int status);

}  // namespace aioca
