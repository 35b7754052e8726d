#include "client/batch.hpp"

namespace aioca {

namespace {

// Runs `work` with the mutex held and does what is left to do afterwards. The queue is
// held: when the mutex is free, the loop may delete the batch, and itself.
template <class Work>
Ended locked(Batch* batch, Work work) {
    Queue* queue = batch->queue;
    queue->hold();
    Ended ended;
    {
        const std::lock_guard<BriefMutex> guard(queue->mutex);
        ended = work();
    }
    if (ended.wake) queue->waker.wake();
    if (ended.gone) delete batch;
    queue->let_go();
    return ended;
}

// With the mutex held.
void lose(Slot& slot) {
    slot.state = SlotState::Lost;
    ++slot.batch->lost;
}

}  // namespace

Batch::Batch(Queue* loop_queue, std::size_t size) : Node(loop_queue), slots(size) {
    for (Slot& slot : slots) slot.batch = this;
    const std::lock_guard<BriefMutex> guard(queue->mutex);
    following = queue->batches;
    if (following) following->previous = this;
    queue->batches = this;
}

void Batch::leave() {
    if (previous)
        previous->following = following;
    else
        queue->batches = following;
    if (following) following->previous = previous;
}

void mark_submitted(Batch* batch, const std::vector<Slot*>& slots) {
    const std::lock_guard<BriefMutex> guard(batch->queue->mutex);
    for (Slot* slot : slots) slot->state = SlotState::Submitted;
    batch->outstanding += slots.size();
}

Progress progress_of(Batch* batch) {
    const std::lock_guard<BriefMutex> guard(batch->queue->mutex);
    return {batch->outstanding == 0, batch->failures > 0, batch->lost > 0};
}

void take_lost(Batch* batch, std::vector<std::size_t>& lost,
               std::vector<std::uint8_t>& now) {
    const std::lock_guard<BriefMutex> guard(batch->queue->mutex);
    batch->lost = 0;
    for (std::size_t i = 0; i < batch->slots.size(); ++i) {
        Slot& slot = batch->slots[i];
        if (slot.state != SlotState::Lost) continue;
        slot.state = SlotState::Waiting;
        lost.push_back(i);
        const Channel* channel = slot.channel;
        now.push_back(channel->connected && channel->changes == channel->seen);
    }
}

void look_at_slots(Batch* batch, std::vector<std::uint8_t>& done) {
    const std::lock_guard<BriefMutex> guard(batch->queue->mutex);
    for (const Slot& slot : batch->slots) done.push_back(slot.state == SlotState::Done);
}

Ended finish_locked(Slot& slot, int status, Block* block) {
    Batch* batch = slot.batch;
    if (slot.state != SlotState::Submitted) {
        free_block(block);
        return {};
    }
    slot.state = SlotState::Done;
    slot.status = status;
    slot.block = block;
    --batch->outstanding;
    if (status != ECA_NORMAL) ++batch->failures;
    if (batch->abandoned)
        return {false, batch->outstanding == 0 && Queue::give_up(batch)};
    if (batch->outstanding == 0 || status != ECA_NORMAL)
        return {batch->queue->link(batch), false};
    return {};
}

void finish(Slot* slot, int status, Block* block) {
    locked(slot->batch, [=] { return finish_locked(*slot, status, block); });
}

bool withdraw(Slot* slot) {
    bool withdrawn = false;
    Batch* batch = slot->batch;
    locked(batch, [&]() -> Ended {
        withdrawn = batch->abandoned;
        return withdrawn ? finish_locked(*slot, ECA_TIMEOUT, nullptr) : Ended{};
    });
    return withdrawn;
}

void refuse(Slot* slot, int status) {
    Batch* batch = slot->batch;
    locked(batch, [=]() -> Ended {
        if (status == ECA_DISCONN && slot->state == SlotState::Submitted &&
            !batch->abandoned && loss_is_news(slot->channel)) {
            lose(*slot);
            --batch->outstanding;
            return {batch->queue->link(batch), false};
        }
        slot->refused = true;
        return finish_locked(*slot, status, nullptr);
    });
}

void finish_plain_puts(std::span<Slot* const> slots) {
    if (slots.empty()) return;
    const std::lock_guard<BriefMutex> guard(slots.front()->batch->queue->mutex);
    for (Slot* slot : slots) slot->state = SlotState::Done;
}

void refuse_plain_put(Slot* slot, int status) {
    Batch* batch = slot->batch;
    const std::lock_guard<BriefMutex> guard(batch->queue->mutex);
    if (status == ECA_DISCONN && loss_is_news(slot->channel)) {
        lose(*slot);
        return;
    }
    slot->state = SlotState::Done;
    slot->status = status;
    slot->refused = true;
    ++batch->failures;
}

void begin_plain_put(Slot* slot) {
    const std::lock_guard<BriefMutex> guard(slot->batch->queue->mutex);
    slot->state = SlotState::Submitted;
    ++slot->batch->outstanding;
}

// With the mutex held. Ends what waits for, or was sent to, a channel.
static Ended drop_slots(Batch* batch, const Channel* channel) {
    Ended all;
    bool any = false;
    ++batch->outstanding;  // keeps the batch while its slots are looked at
    for (Slot& slot : batch->slots) {
        if (slot.channel != channel || slot.state == SlotState::Done) continue;
        any = true;
        if (slot.state != SlotState::Submitted) {
            slot.state = SlotState::Submitted;
            ++batch->outstanding;
        }
        all.wake |= finish_locked(slot, ECA_CHANDESTROY, nullptr).wake;
    }
    if (--batch->outstanding > 0 || !any) return all;
    if (batch->abandoned)
        all.gone = Queue::give_up(batch);
    else
        all.wake |= batch->queue->link(batch);
    return all;
}

void drop_requests(Channel* channel) {
    Queue* queue = channel->queue;
    std::vector<Batch*> gone;
    bool wake = false;
    {
        const std::lock_guard<BriefMutex> guard(queue->mutex);
        for (Batch* batch = queue->batches; batch;) {
            Batch* following = batch->following;
            const Ended ended = drop_slots(batch, channel);
            wake |= ended.wake;
            if (ended.gone) gone.push_back(batch);
            batch = following;
        }
    }
    if (wake) queue->waker.wake();
    for (Batch* batch : gone) delete batch;
}

void abandon(Batch* batch) {
    locked(batch, [=]() -> Ended {
        batch->owner = nullptr;
        batch->abandoned = true;
        return {false, batch->outstanding == 0 && Queue::give_up(batch)};
    });
}

}  // namespace aioca
