// From any thread to the one that a gate wakes: it takes all there is at once.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/wake_gate.hpp"

namespace pcas {

template <class T>
class Mailbox {
  public:
    Mailbox() = default;  // closed: what is pushed is dropped
    explicit Mailbox(std::shared_ptr<WakeGate> gate) : gate_(std::move(gate)) {}
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // ---- any thread ----
    // A burst costs few wake-ups, as WakeGate says. Throws std::bad_alloc.
    void push(T item) {
        if (const std::shared_ptr<WakeGate> gate = put(std::move(item))) gate->signal();
    }
    // Moves all of them in, with one wake-up at once.
    void push_all(std::vector<T>& items) {
        std::shared_ptr<WakeGate> gate;
        {
            std::lock_guard lock(mutex_);
            gate = gate_;
            if (gate) put_all(items);
        }
        items.clear();
        if (!gate) return;
        gate->note();
        gate->flush();
    }
    // What this thread pushes from now on waits for its flush(), which follows at once.
    void hush() {
        std::lock_guard lock(mutex_);
        if (gate_) gate_->hush();
    }
    // Wakes for what push() left to be found.
    void flush() {
        WakeGate::end_hush();
        std::shared_ptr<WakeGate> gate;
        {
            std::lock_guard lock(mutex_);
            gate = gate_;
        }
        if (gate) gate->flush();
    }

    // ---- the thread that is woken ----
    // All there is; `into` is cleared first, and its memory used again.
    void take(std::vector<T>& into) {
        into.clear();
        std::lock_guard lock(mutex_);
        items_.swap(into);
    }
    void open(std::shared_ptr<WakeGate> gate) {
        std::lock_guard lock(mutex_);
        gate_ = std::move(gate);
    }
    void close() {
        std::vector<T> dropped;  // without the lock
        std::lock_guard lock(mutex_);
        gate_.reset();
        dropped.swap(items_);
    }

  private:
    std::shared_ptr<WakeGate> put(T&& item) {
        std::lock_guard lock(mutex_);
        if (gate_) items_.push_back(std::move(item));
        return gate_;
    }
    void put_all(std::vector<T>& items) {
        if (items_.empty()) {
            items_.swap(items);
            return;
        }
        items_.reserve(items_.size() + items.size());
        for (T& item : items) items_.push_back(std::move(item));
    }

    // In lines that hold nothing else: what pushes reads its virtual table beside it.
    alignas(64) std::mutex mutex_;  // leaf; guards all below
    std::vector<T> items_;
    std::shared_ptr<WakeGate> gate_;  // null while closed
};

}  // namespace pcas
