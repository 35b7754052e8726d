// The process' one CA context and what callbacks must find without Python.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "client/ca_api.hpp"
#include "client/channel.hpp"
#include "client/export.hpp"
#include "client/queue.hpp"
#include "client/send_budget.hpp"

namespace aioca {

struct Process {
    CaApi api;
    ca_client_context* context = nullptr;
    std::mutex mutex;                       // guards what follows; before a queue's
    std::unordered_set<Channel*> channels;  // to recognise our own in an exception
    std::vector<Queue*> queues;             // open ones
    std::atomic<bool> ended{false};         // the interpreter leaves: do nothing
    std::atomic<std::size_t> nodes{0};      // of all queues
    SendBudgets budgets;
    std::atomic<capri> priority{CA_PRIORITY_DEFAULT};  // of channels opened later
};

// The one there is: made on first use, and never freed because libca's threads use it.
AIOCA_API Process& process();
inline bool has_ended() { return process().ended; }

// Among the queues that an exception without a channel is told to.
AIOCA_API void enlist(Queue* queue, NeglectHook on_neglect);
AIOCA_API void unlist(Queue* queue);

}  // namespace aioca
