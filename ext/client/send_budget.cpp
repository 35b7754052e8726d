#include "client/send_budget.hpp"

#include <thread>
#include <utility>

namespace aioca {

void SendBudget::confirm(std::uint64_t mark) {
    std::uint64_t seen = confirmed_.load(std::memory_order_relaxed);
    while (seen < mark &&
           !confirmed_.compare_exchange_weak(seen, mark, std::memory_order_relaxed)) {
    }
}

void SendBudget::run(const CaApi& api, ca_client_context* context,
                     std::function<void()> job) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!busy_.load(std::memory_order_relaxed)) {
        busy_.store(true, std::memory_order_release);
        ++busy_budgets_;
    }
    jobs_.push_back(std::move(job));
    if (!started_) {
        started_ = true;
        std::thread([this, &api, context] { work(api, context); }).detach();
    }
    ready_.notify_one();
}

void SendBudget::work(const CaApi& api, ca_client_context* context) {
    api.ca_attach_context(context);
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
        if (jobs_.empty() && busy_.load(std::memory_order_relaxed)) {
            busy_.store(false, std::memory_order_release);
            --busy_budgets_;
        }
        ready_.wait(lock, [this] { return !jobs_.empty(); });
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        const bool is_last = jobs_.empty();
        lock.unlock();
        job();
        if (is_last) api.ca_flush_io();
        lock.lock();
    }
}

SendBudget* SendBudgets::to(const std::string& host) {
    const std::lock_guard<std::mutex> guard(mutex_);
    SendBudget*& budget = by_host_[host];
    if (!budget) budget = new SendBudget(busy_);
    return budget;
}

}  // namespace aioca
