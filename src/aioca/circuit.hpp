// How much we have sent to one server without an answer, and a thread that may wait.
//
// libca lets a caller wait when a circuit has a backlog of about 256 KiB, until the
// server reads again or is given up. An event loop must not. So each circuit counts the
// bytes handed to libca since the last request that was answered; what would exceed a
// safe amount goes to a thread of that circuit, which libca may hold up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "ca_api.hpp"

namespace aioca {

class Circuit {
  public:
    // Half of libca's own threshold: others may use the same circuit.
    static constexpr std::uint64_t SAFE_BYTES = 128 * 1024;
    // From here on a read is slipped in, to learn that the server follows.
    static constexpr std::uint64_t PROBE_BYTES = 32 * 1024;
    static constexpr std::uint64_t HEADER_BYTES = 24;

    explicit Circuit(std::atomic<int>& busy_circuits) : busy_circuits_(busy_circuits) {}

    // May a request of this size be handed to libca by a thread that must not wait?
    bool is_clear(std::uint64_t bytes) const {
        return !busy_.load(std::memory_order_acquire) &&
               sent_.load(std::memory_order_relaxed) + bytes + HEADER_BYTES -
                       confirmed_.load(std::memory_order_relaxed) <=
                   SAFE_BYTES;
    }

    bool wants_probe() const {
        return sent_.load(std::memory_order_relaxed) -
                       confirmed_.load(std::memory_order_relaxed) >
                   PROBE_BYTES &&
               !probing_.load(std::memory_order_relaxed);
    }

    void set_probing(bool on) { probing_.store(on, std::memory_order_relaxed); }

    // Counts a request; the result is what its answer will confirm.
    std::uint64_t count(std::uint64_t bytes) {
        return sent_.fetch_add(bytes + HEADER_BYTES, std::memory_order_relaxed) +
               bytes + HEADER_BYTES;
    }

    // [libca] The server answered the request with this mark: it read all before it.
    void confirm(std::uint64_t mark) {
        std::uint64_t seen = confirmed_.load(std::memory_order_relaxed);
        while (seen < mark && !confirmed_.compare_exchange_weak(
                                  seen, mark, std::memory_order_relaxed)) {
        }
    }

    // [libca] The connection is gone, and with it all that was queued.
    void forget() { confirm(sent_.load(std::memory_order_relaxed)); }

    // Runs a job in this circuit's thread, after those before it.
    void run(const CaApi& api, ca_client_context* context, std::function<void()> job) {
        std::lock_guard<std::mutex> guard(mutex_);
        if (!busy_.load(std::memory_order_relaxed)) {
            busy_.store(true, std::memory_order_release);
            ++busy_circuits_;
        }
        jobs_.push_back(std::move(job));
        if (!started_) {
            started_ = true;
            std::thread([this, &api, context] { work(api, context); }).detach();
        }
        ready_.notify_one();
    }

  private:
    void work(const CaApi& api, ca_client_context* context) {
        api.ca_attach_context(context);
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            if (jobs_.empty() && busy_.load(std::memory_order_relaxed)) {
                busy_.store(false, std::memory_order_release);
                --busy_circuits_;
            }
            ready_.wait(lock, [this] { return !jobs_.empty(); });
            std::function<void()> job = std::move(jobs_.front());
            jobs_.pop_front();
            const bool is_last = jobs_.empty();
            lock.unlock();
            job();
            if (is_last) api.ca_flush_io();
            lock.lock();
        }
    }

    std::atomic<int>& busy_circuits_;
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> confirmed_{0};
    std::atomic<bool> busy_{false};
    std::atomic<bool> probing_{false};
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> jobs_;
    bool started_ = false;
};

// The circuits to all servers.
class Circuits {
  public:
    // By host name and port. Circuits are never freed: they are few and small, and a
    // channel may look at its last one at any time.
    Circuit* to(const std::string& host) {
        std::lock_guard<std::mutex> guard(mutex_);
        Circuit*& circuit = by_host_[host];
        if (!circuit) circuit = new Circuit(busy_);
        return circuit;
    }

    // How many have a thread with something to do, or one that libca holds up.
    int busy() const { return busy_; }

  private:
    std::mutex mutex_;
    std::map<std::string, Circuit*> by_host_;
    std::atomic<int> busy_{0};
};

}  // namespace aioca
