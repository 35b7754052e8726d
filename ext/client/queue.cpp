#include "client/queue.hpp"

#include <utility>

namespace aioca {

Node::Node(Queue* loop_queue) : queue(loop_queue) {
    queue->hold();
    ++queue->live;
}

Node::~Node() {
    --queue->live;
    queue->let_go();
}

bool Queue::link(Node* node) {
    if (closed) return false;
    const bool was_empty = !first_ && complaints_.empty();
    // In a queue that nobody drains, what is ready becomes ready again.
    if (was_empty || node->queued) look_for_neglect(was_empty);
    if (node->queued || node->dead) return false;
    node->queued = true;
    node->next_ready = nullptr;
    if (last_)
        last_->next_ready = node;
    else
        first_ = node;
    last_ = node;
    return was_empty;
}

bool Queue::link(Complaint&& complaint) {
    if (closed) return false;
    const bool was_empty = !first_ && complaints_.empty();
    complaints_.push_back(std::move(complaint));
    return was_empty;
}

// A loop that was closed does not say so: nobody drains its queue any more.
void Queue::look_for_neglect(bool was_empty) {
    const auto now = std::chrono::steady_clock::now();
    if (was_empty) {
        waiting_since_ = now;
    } else if (now - waiting_since_ > NEGLECT) {
        waiting_since_ = now;
        if (on_neglect) on_neglect();
    }
}

Node* Queue::unlink_all() {
    Node* all = first_;
    first_ = last_ = nullptr;
    for (Node* node = all; node; node = node->next_ready) node->queued = false;
    return all;
}

void Queue::take(std::vector<void*>& owners, std::vector<Complaint>& said) {
    std::vector<Node*> dead;
    {
        const std::lock_guard<BriefMutex> guard(mutex);
        waker.reset();
        for (Node* node = unlink_all(); node; node = node->next_ready) {
            if (node->dead)
                dead.push_back(node);
            else if (node->owner)
                owners.push_back(node->owner);
        }
        said.swap(complaints_);
    }
    for (Node* node : dead) delete node;
}

void Queue::disown(Node* node) {
    const std::lock_guard<BriefMutex> guard(mutex);
    node->owner = nullptr;
}

bool Queue::give_up(Node* node) {
    node->owner = nullptr;
    node->leave();
    node->dead = node->queued;
    return !node->queued;
}

void Queue::release(Node* node) {
    bool gone = false;
    {
        const std::lock_guard<BriefMutex> guard(mutex);
        gone = give_up(node);
    }
    if (gone) delete node;
}

void Queue::close() {
    std::vector<Node*> dead;
    hold();
    {
        const std::lock_guard<BriefMutex> guard(mutex);
        closed = true;
        for (Node* node = unlink_all(); node; node = node->next_ready)
            if (node->dead) dead.push_back(node);
        complaints_.clear();
    }
    for (Node* node : dead) delete node;
    let_go();
}

}  // namespace aioca
