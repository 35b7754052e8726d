// What libca's threads hand over to an event loop.
//
// Rules of this folder
//  - Everything marked [libca] runs in a thread of libca, without the GIL. It copies
//    the event, links it into the loop's queue and wakes the loop if the queue was
//    empty. It never calls Python and never waits for the GIL.
//  - One mutex per queue guards the queue and every Channel, Batch and Monitor that
//    belongs to it. Nobody calls libca or Python, and nothing is deleted, while it is
//    held; it is taken after Process::mutex, if both are needed. It is only taken here.
//  - A Node's owner is the Python object that made it. The owner is only looked at by
//    a thread with the GIL, and takes itself out with disown() before it goes.
//  - A Queue lives as long as its event loop's object or one of its nodes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "client/brief_mutex.hpp"
#include "client/ca_api.hpp"
#include "client/export.hpp"
#include "client/waker.hpp"

namespace aioca {

class Queue;

// What can be linked into a queue, at most once.
struct AIOCA_API Node {
    explicit Node(Queue* loop_queue);
    virtual ~Node();  // without the mutex
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // With the mutex held, once: the node is being given up.
    virtual void leave() {}

    Queue* const queue;
    Node* next_ready = nullptr;
    void* owner = nullptr;  // PyObject*, borrowed
    bool queued = false;
    bool dead = false;  // given up while it was queued: whoever takes it deletes it
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

// The queue of one event loop. Made with new, ends with the last let_go().
class AIOCA_API Queue {
  public:
    Queue(const CaApi& table, std::atomic<std::size_t>& live_nodes)
        : api(table), live(live_nodes) {}
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    void hold() { ++holders_; }
    void let_go() {
        if (--holders_ == 0) delete this;
    }

    // With the mutex held. True: the loop must be woken.
    bool link(Node* node);
    bool link(Complaint&& complaint);

    // The owners of all that is ready, in order; a node without one is skipped: nobody
    // waits for it any more. Called with the GIL, which keeps the owners' memory until
    // the caller has looked at them.
    void take(std::vector<void*>& owners, std::vector<Complaint>& said);

    // From here on nothing of the node reaches Python. With the GIL, before anything
    // that lets go of it: until then take() may name the owner.
    void disown(Node* node);

    // Gives a node up: deleted now, or by take() if it is queued.
    void release(Node* node);

    // With the mutex held. True: to be deleted, after the mutex was let go.
    static bool give_up(Node* node);

    // The loop is gone: what is queued and all that follows is dropped.
    void close();

    const CaApi& api;
    std::atomic<std::size_t>& live;  // nodes of all queues
    BriefMutex mutex;
    Batch* batches = nullptr;  // every request that libca still knows
    bool closed = false;
    Waker waker;
    NeglectHook on_neglect = nullptr;

  private:
    ~Queue() = default;
    void look_for_neglect(bool was_empty);
    Node* unlink_all();

    std::atomic<std::size_t> holders_{1};
    Node* first_ = nullptr;
    Node* last_ = nullptr;
    std::vector<Complaint> complaints_;
    std::chrono::steady_clock::time_point waiting_since_;
};

}  // namespace aioca
