#include "client/process.hpp"

namespace aioca {

Process& process() {
    static auto* const made = new Process;
    return *made;
}

void enlist(Queue* queue, NeglectHook on_neglect) {
    queue->on_neglect = on_neglect;
    const std::lock_guard<std::mutex> guard(process().mutex);
    process().queues.push_back(queue);
}

void unlist(Queue* queue) {
    const std::lock_guard<std::mutex> guard(process().mutex);
    std::erase(process().queues, queue);
}

}  // namespace aioca
