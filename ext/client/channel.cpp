#include "client/channel.hpp"

namespace aioca {

ChannelState state_of(Channel* channel) {
    const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
    channel->seen = channel->changes;
    return {channel->connected, channel->readable, channel->writable,
            channel->native_type, channel->element_count};
}

bool is_lost(Channel* channel) {
    if (channel->connected) return false;
    const std::lock_guard<BriefMutex> guard(channel->queue->mutex);
    return loss_is_news(channel);
}

Block* Monitor::take_oldest(bool& more) {
    const std::lock_guard<BriefMutex> guard(queue->mutex);
    Block* block = oldest;
    if (block) oldest = block->next;
    if (!oldest) newest = nullptr;
    more = oldest != nullptr;
    return block;
}

void Monitor::reuse(Block* block) {
    free_block(is_small(block) ? spare.exchange(block) : block);
}

Block* Monitor::take_all() {
    const std::lock_guard<BriefMutex> guard(queue->mutex);
    Block* all = oldest;
    oldest = newest = nullptr;
    return all;
}

void Monitor::put_back(Block* all) {
    if (!all) return;
    Block* last = all;
    while (last->next) last = last->next;
    {
        const std::lock_guard<BriefMutex> guard(queue->mutex);
        if (!closed && (!oldest || all_updates)) {
            last->next = oldest;
            if (!oldest) newest = last;
            oldest = all;
            return;
        }
        if (!closed) ++dropped;
    }
    free_blocks(all);
}

bool Monitor::store(Block* block) {
    block->next = nullptr;
    if (!oldest) {
        oldest = newest = block;
    } else if (all_updates) {
        newest->next = block;
        newest = block;
    } else {
        free_blocks(oldest);
        oldest = newest = block;
        ++dropped;
    }
    return queue->link(this);
}

std::uint64_t Monitor::dropped_updates() {
    const std::lock_guard<BriefMutex> guard(queue->mutex);
    return dropped;
}

void Monitor::set_wishes(bool all, bool disconnects) {
    const std::lock_guard<BriefMutex> guard(queue->mutex);
    all_updates = all;
    notify_disconnect = disconnects;
}

void report(Monitor* monitor, int status) {
    Block* block = status_block(status);
    if (!block) return;
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> guard(monitor->queue->mutex);
        if (monitor->closed)
            free_block(block);
        else
            wake = monitor->store(block);
    }
    if (wake) monitor->queue->waker.wake();
}

}  // namespace aioca
