// What libca's threads hand over to an event loop.
//
// Rules of this file
//  - Everything marked [libca] runs in a thread of libca, without the GIL. It copies
//    the event, links it into the loop's queue and wakes the loop if the queue was
//    empty. It never calls Python and never waits for the GIL.
//  - One mutex per queue guards the queue and every Channel, Batch and Monitor that
//    belongs to it. It is a leaf: nobody calls libca or Python while holding it.
//  - A Node's owner is the Python object that made it. The owner is only looked at by
//    a thread with the GIL, and takes itself out with release() before it goes.
#pragma once

#include <caerr.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <unordered_set>
#include <vector>

#include "ca_api.hpp"
#include "circuit.hpp"
#include "waker.hpp"

namespace aioca {

// Elements of at least this many bytes get memory of their own, which numpy takes over.
constexpr std::size_t OWN_MEMORY_BYTES = 2048;
// Type of a Block that holds no value, only a status (a disconnect, a timeout).
constexpr long STATUS_ONLY = -1;

// One value as libca delivered it. Allocated with its data behind it.
struct Block {
    Block* next;
    long type;
    int status;
    unsigned long count;
    unsigned long element_count;  // of the channel when the value arrived
    void* array;                  // malloc'd elements of a big array, or null
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

inline Block* allocate_block(std::size_t bytes) {
    void* memory = std::malloc(sizeof(Block) + bytes);
    if (!memory) return nullptr;
    return new (memory) Block{};
}

inline void free_block(Block* block) {
    if (!block) return;
    std::free(block->array);
    std::free(block);
}

inline void free_blocks(Block* block) {
    while (block) {
        Block* next = block->next;
        free_block(block);
        block = next;
    }
}

inline Block* status_block(int status) {
    Block* block = allocate_block(0);
    if (!block) return nullptr;
    block->type = STATUS_ONLY;
    block->status = status;
    return block;
}

// [libca] Copies a value; the elements of a big one go to memory of their own.
inline Block* copy_value(const CaApi& api, long type, long count, const void* dbr) {
    const std::size_t offset = api.value_offset[type];
    const std::size_t bytes = static_cast<std::size_t>(count) * api.value_size[type];
    const bool own_memory = bytes >= OWN_MEMORY_BYTES;
    Block* block = allocate_block(own_memory ? offset : offset + bytes);
    if (!block) return nullptr;
    block->type = type;
    block->status = ECA_NORMAL;
    block->count = static_cast<unsigned long>(count);
    if (own_memory) {
        block->array = std::malloc(bytes);
        if (!block->array) {
            std::free(block);
            return nullptr;
        }
        std::memcpy(block->data(), dbr, offset);
        std::memcpy(block->array, static_cast<const char*>(dbr) + offset, bytes);
    } else {
        std::memcpy(block->data(), dbr, offset + bytes);
    }
    return block;
}

// [libca] The value or the failure that a callback was called with. The type is the
// server's word: another one than was asked for would be read as what it is not.
inline Block* block_of(const CaApi& api, const event_handler_args& args, long asked) {
    if (args.status != ECA_NORMAL) return status_block(args.status);
    if (args.type != asked || args.type < 0 || args.type > DBR_CLASS_NAME)
        return status_block(ECA_BADTYPE);
    if (args.count > 0 && !args.dbr) return status_block(ECA_GETFAIL);
    Block* block;
    if (args.count > 0) {
        block = copy_value(api, args.type, args.count, args.dbr);
    } else {
        // An array that is empty now: the structure's head without elements.
        block = allocate_block(api.value_offset[args.type]);
        if (block) {
            block->type = args.type;
            block->status = ECA_NORMAL;
            std::size_t head = api.value_offset[args.type];
            if (args.dbr)
                std::memcpy(block->data(), args.dbr, head);
            else
                std::memset(block->data(), 0, head);
        }
    }
    return block ? block : status_block(ECA_ALLOCMEM);
}

enum class Kind : std::uint8_t { Channel, Batch, Monitor };

struct Queue;

// What can be linked into a queue, at most once.
struct Node {
    Node(Kind kind_of_node, Queue* loop_queue);
    virtual ~Node();  // with the mutex held
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    Queue* const queue;
    Node* next_ready = nullptr;
    void* owner = nullptr;  // PyObject*, borrowed
    const Kind kind;
    bool queued = false;
    bool dead = false;  // released while it was queued: whoever takes it deletes it
};

// A failure that libca reports outside of any request.
struct Complaint {
    std::string channel;  // empty: not about one of our channels
    std::string context;
    int status;
    long operation;
};

struct Batch;

// What to call when a queue is not drained for a while. Runs in a libca thread.
using NeglectHook = void (*)();
constexpr auto NEGLECT = std::chrono::seconds(1);

// The queue of one event loop.
struct Queue {
    explicit Queue(const CaApi& table) : api(table) {}

    const CaApi& api;
    std::mutex mutex;
    Node* first = nullptr;
    Node* last = nullptr;
    std::vector<Complaint> complaints;
    Batch* batches = nullptr;  // every request that libca still knows
    bool closed = false;       // the loop is gone: events are dropped
    std::atomic<std::size_t> nodes{0};
    Waker waker;
    std::chrono::steady_clock::time_point waiting_since;
    NeglectHook on_neglect = nullptr;

    // With the mutex held. True: the loop must be woken.
    bool link(Node* node) {
        if (closed) return false;
        const bool was_empty = !first && complaints.empty();
        look_for_neglect(was_empty);
        if (node->queued || node->dead) return false;
        node->queued = true;
        node->next_ready = nullptr;
        if (last)
            last->next_ready = node;
        else
            first = node;
        last = node;
        return was_empty;
    }

    // A loop that was closed does not say so: nobody drains its queue any more.
    void look_for_neglect(bool was_empty) {
        const auto now = std::chrono::steady_clock::now();
        if (was_empty) {
            waiting_since = now;
        } else if (now - waiting_since > NEGLECT) {
            waiting_since = now;
            if (on_neglect) on_neglect();
        }
    }

    // The owners of all that is ready, in order. Called with the GIL, which keeps the
    // owners alive until the caller holds references to them.
    void take(std::vector<void*>& owners, std::vector<Complaint>& said) {
        std::lock_guard<std::mutex> guard(mutex);
        waker.reset();
        Node* node = first;
        first = last = nullptr;
        while (node) {
            Node* next = node->next_ready;
            node->queued = false;
            if (node->dead)
                delete node;
            else
                owners.push_back(node->owner);
            node = next;
        }
        said.swap(complaints);
    }

    // Gives a node up: deleted now, or by take() if it is queued.
    void release(Node* node) {
        std::lock_guard<std::mutex> guard(mutex);
        release_locked(node);
    }

    void release_locked(Node* node) {
        node->owner = nullptr;
        if (node->queued)
            node->dead = true;
        else
            delete node;
    }

    void close() {
        std::lock_guard<std::mutex> guard(mutex);
        closed = true;
    }
};

inline Node::Node(Kind kind_of_node, Queue* loop_queue)
    : queue(loop_queue), kind(kind_of_node) {
    ++queue->nodes;
}

inline Node::~Node() { --queue->nodes; }

struct Monitor;

// One libca channel. Guarded by the queue's mutex except where stated.
struct Channel : Node {
    explicit Channel(Queue* loop_queue) : Node(Kind::Channel, loop_queue) {}

    chid id = nullptr;  // set once by open_channel
    bool connected = false;
    bool was_connected = false;
    bool readable = false;
    bool writable = false;
    short native_type = -1;
    unsigned long element_count = 0;
    std::vector<Monitor*> monitors;
    // Of the present connection; circuits are never freed. [libca] writes it.
    std::atomic<Circuit*> circuit{nullptr};
    // Jobs of this channel in the thread of job_circuit; all later ones follow there.
    std::atomic<int> jobs{0};
    Circuit* job_circuit = nullptr;  // loop thread only
    // A read under way that asks whether this circuit follows, and what it confirms.
    std::atomic<Circuit*> probed{nullptr};
    std::uint64_t probe_mark = 0;
};

// A subscription and what arrived for it since Python last looked.
struct Monitor : Node {
    explicit Monitor(Channel* on_channel)
        : Node(Kind::Monitor, on_channel->queue), channel(on_channel) {}
    ~Monitor() override { free_blocks(oldest); }

    Channel* const channel;
    evid id = nullptr;  // null: not subscribed
    long type = -1;     // asked for; set once by subscribe
    Block* oldest = nullptr;
    Block* newest = nullptr;
    std::uint64_t dropped = 0;
    bool all_updates = false;
    bool notify_disconnect = false;
    bool closed = false;
    bool stale = false;  // the PV came back with another type or size

    // With the mutex held. Keeps the newest value only, unless all are wanted.
    bool store(Block* block) {
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
};

enum class SlotState : std::uint8_t { Waiting, Submitted, Done };
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
        if (size <= sizeof small_value) return small_value;
        big_value = std::malloc(size);
        return big_value;
    }
    const void* value() const { return big_value ? big_value : small_value; }

    Batch* batch = nullptr;
    Channel* channel = nullptr;
    Block* block = nullptr;
    Circuit* circuit = nullptr;
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
struct Batch : Node {
    Batch(Queue* loop_queue, std::size_t size)
        : Node(Kind::Batch, loop_queue), slots(size) {
        for (Slot& slot : slots) slot.batch = this;
        std::lock_guard<std::mutex> guard(queue->mutex);
        following = queue->batches;
        if (following) following->previous = this;
        queue->batches = this;
    }
    ~Batch() override {  // with the mutex held
        if (previous)
            previous->following = following;
        else
            queue->batches = following;
        if (following) following->previous = previous;
    }

    Batch* previous = nullptr;
    Batch* following = nullptr;
    std::vector<Slot> slots;
    std::size_t outstanding = 0;  // submitted and not done
    std::size_t failures = 0;     // done with another status than ECA_NORMAL
    bool abandoned = false;       // nobody waits for it any more
};

// With the mutex held. True: the loop must be woken.
inline bool finish_locked(Slot& slot, int status, Block* block) {
    Batch* batch = slot.batch;
    if (slot.state != SlotState::Submitted) {
        free_block(block);
        return false;
    }
    slot.state = SlotState::Done;
    slot.status = status;
    slot.block = block;
    --batch->outstanding;
    if (status != ECA_NORMAL) ++batch->failures;
    if (batch->abandoned) {
        if (batch->outstanding == 0) batch->queue->release_locked(batch);
        return false;
    }
    if (batch->outstanding == 0 || status != ECA_NORMAL)
        return batch->queue->link(batch);
    return false;
}

// [libca, worker] Finishes a request and wakes the loop if it waits for that.
inline void finish(Slot* slot, int status, Block* block) {
    Queue* queue = slot->batch->queue;
    bool wake;
    {
        std::lock_guard<std::mutex> guard(queue->mutex);
        wake = finish_locked(*slot, status, block);
    }
    if (wake) queue->waker.wake();
}

// The Python side is not interested any more (timeout, cancellation, result taken).
inline void abandon(Batch* batch) {
    std::lock_guard<std::mutex> guard(batch->queue->mutex);
    batch->owner = nullptr;
    batch->abandoned = true;
    if (batch->outstanding == 0) batch->queue->release_locked(batch);
}

}  // namespace aioca
