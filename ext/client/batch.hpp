// Requests: the slots of one call, and how each of them ends.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "client/block.hpp"
#include "client/channel.hpp"
#include "client/export.hpp"
#include "client/queue.hpp"
#include "client/send_budget.hpp"

namespace aioca {

// Lost: libca did not take it, the connection is gone; to be submitted again.
enum class SlotState : std::uint8_t { Waiting, Submitted, Lost, Done };
enum class Operation : std::uint8_t { Connect, Get, Put, PutCallback };

// One request to one channel.
struct Slot {
    Slot() = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
        free_block(block);
        std::free(big_value);
    }

    // Memory for a value to be put; null when there is none left.
    void* reserve(std::size_t size) {
        bytes = size;
        std::free(big_value);
        big_value = nullptr;
        if (size <= sizeof small_value) return small_value;
        big_value = std::malloc(size);
        return big_value;
    }
    const void* value() const { return big_value ? big_value : small_value; }

    Batch* batch = nullptr;
    Channel* channel = nullptr;
    Block* block = nullptr;
    SendBudget* budget = nullptr;
    std::uint64_t mark = 0;  // position in the circuit's stream
    long type = 0;
    unsigned long count = 0;
    void* big_value = nullptr;
    std::size_t bytes = 0;
    int status = ECA_NORMAL;
    Operation operation = Operation::Connect;
    SlotState state = SlotState::Waiting;
    bool refused = false;  // libca did not take the request
    char small_value[48];
};

// All requests of one call. Lives until libca has forgotten each of them.
struct AIOCA_API Batch : Node {
    Batch(Queue* loop_queue, std::size_t size);
    void leave() override;

    Batch* previous = nullptr;
    Batch* following = nullptr;
    std::vector<Slot> slots;
    std::size_t outstanding = 0;  // submitted and not done
    std::size_t lost = 0;         // to be submitted again
    std::size_t failures = 0;     // done with another status than ECA_NORMAL
    bool abandoned = false;       // nobody waits for it any more
};

// Before requests are handed to libca: they are under way.
AIOCA_API void mark_submitted(Batch* batch, const std::vector<Slot*>& slots);

struct Progress {
    bool finished = false;  // libca has nothing of the batch any more
    bool failed = false;    // a slot at least is done with another status than normal
    bool lost = false;      // a slot at least is to be submitted again
};

AIOCA_API Progress progress_of(Batch* batch);

// The slots that are to be submitted again, which wait from here on. `now`: whether the
// channel is connected and the loop knows it.
AIOCA_API void take_lost(Batch* batch, std::vector<std::size_t>& lost,
                         std::vector<std::uint8_t>& now);

// For each slot of the batch, in order, whether it is done.
AIOCA_API void look_at_slots(Batch* batch, std::vector<std::uint8_t>& done);

// What is to be done after the mutex was let go.
struct Ended {
    bool wake = false;  // the loop
    bool gone = false;  // the batch is to be deleted
};

// With the mutex held.
Ended finish_locked(Slot& slot, int status, Block* block);

// [libca, worker] Finishes a request and wakes the loop if it waits for that.
void finish(Slot* slot, int status, Block* block);

// [worker] A request that nobody waits for is not sent. False: somebody does.
bool withdraw(Slot* slot);

// libca did not take a submitted request.
void refuse(Slot* slot, int status);

// Puts without an answer, which the loop's thread itself gave to libca: those that it
// took, and one that it did not.
void finish_plain_puts(std::span<Slot* const> slots);
void refuse_plain_put(Slot* slot, int status);

// A put without an answer that is passed on to a budget's thread.
void begin_plain_put(Slot* slot);

// Finishes requests that libca dropped together with their channel.
void drop_requests(Channel* channel);

// The Python side is not interested any more (timeout, cancellation, result taken).
AIOCA_API void abandon(Batch* batch);

}  // namespace aioca
