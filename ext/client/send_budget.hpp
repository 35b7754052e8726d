// How much we may still send to one server before libca would let us wait, and a thread
// that may wait.
//
// libca holds a caller up when a circuit has a backlog of about 256 KiB, until the
// server reads again or is given up. An event loop must not be held up. So each circuit
// has a budget: spent are the bytes handed to libca since the last request that was
// answered. What would exceed it goes to a thread of the budget's own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "client/ca_api.hpp"

namespace aioca {

class SendBudget {
  public:
    // Half of libca's own threshold: others may use the same circuit.
    static constexpr std::uint64_t SAFE_BYTES = 128 * 1024;
    // From here on a read is slipped in, to learn that the server follows.
    static constexpr std::uint64_t PROBE_BYTES = 32 * 1024;
    static constexpr std::uint64_t HEADER_BYTES = 24;

    explicit SendBudget(std::atomic<int>& busy_budgets) : busy_budgets_(busy_budgets) {}

    // May a request of this size be handed to libca by a thread that must not wait?
    bool allows(std::uint64_t bytes) const {
        return !busy_.load(std::memory_order_acquire) &&
               unanswered() + bytes + HEADER_BYTES <= SAFE_BYTES;
    }

    bool wants_probe() const {
        return unanswered() > PROBE_BYTES && !probing_.load(std::memory_order_relaxed);
    }

    void set_probing(bool on) { probing_.store(on, std::memory_order_relaxed); }

    // Counts a request; the result is what its answer will confirm.
    std::uint64_t spend(std::uint64_t bytes) {
        return sent_.fetch_add(bytes + HEADER_BYTES, std::memory_order_relaxed) +
               bytes + HEADER_BYTES;
    }

    // [libca] The server answered the request with this mark: it read all before it.
    void confirm(std::uint64_t mark);

    // [libca] The connection is gone, and with it all that was queued.
    void forget() { confirm(sent_.load(std::memory_order_relaxed)); }

    // Runs a job in the budget's thread, after those before it.
    void run(const CaApi& api, ca_client_context* context, std::function<void()> job);

  private:
    std::uint64_t unanswered() const {
        return sent_.load(std::memory_order_relaxed) -
               confirmed_.load(std::memory_order_relaxed);
    }
    void work(const CaApi& api, ca_client_context* context);

    std::atomic<int>& busy_budgets_;
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> confirmed_{0};
    std::atomic<bool> busy_{false};
    std::atomic<bool> probing_{false};
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> jobs_;
    bool started_ = false;
};

// The budgets of the circuits to all servers.
class SendBudgets {
  public:
    // By host name and port. Budgets are never freed: they are few and small, and a
    // channel may look at its last one at any time.
    SendBudget* to(const std::string& host);

    // How many have a thread with something to do, or one that libca holds up.
    int busy() const { return busy_; }

  private:
    std::mutex mutex_;
    std::map<std::string, SendBudget*> by_host_;
    std::atomic<int> busy_{0};
};

}  // namespace aioca
