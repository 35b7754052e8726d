// Requests on their way to Python, and their completions on the way back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/export.hpp"
#include "base/intrusive_list.hpp"
#include "base/mailbox.hpp"
#include "pv/request.hpp"

namespace pcas {

// Servers -> Python. Each client has a lane of its own, in which its requests keep
// their order, and the lanes take turns: whoever asks for much delays itself only. A
// server bounds what a client has in here, and the queue what clients leave behind that
// come and go while Python is busy.
class PCAS_API RequestQueue {
  public:
    // `max_bytes` is of values to write and of names.
    explicit RequestQueue(std::size_t max_requests = 100'000,
                          std::size_t max_bytes = std::size_t{256} << 20) noexcept
        : max_requests_(max_requests), max_bytes_(max_bytes) {}
    ~RequestQueue() { close(); }
    RequestQueue(const RequestQueue&) = delete;
    RequestQueue& operator=(const RequestQueue&) = delete;

    // Any thread. False, and nothing taken, if there is no room or the queue is closed:
    // a request that is let go of then fails. A small one of a lane that has none in
    // here finds room.
    bool push(RequestPtr request);
    // Any thread: up to `max` requests, one of each lane in turn; waits at most
    // `timeout` for the first one. Returns empty on timeout, interrupt() or close().
    std::vector<RequestPtr> take(std::size_t max, std::chrono::nanoseconds timeout);
    // Wakes those who wait in take().
    void interrupt();
    // For who takes without waiting: `bell` is rung when something came, once until
    // the next take(), at interrupt() and at close(). It must not wait. Empty: nobody.
    void set_bell(std::function<void()> bell);
    // For one thread that waits elsewhere: false if there is something, or the queue is
    // closed. Until it is back `wake` is called once something came, at interrupt() and
    // at close(), once. It must not wait.
    bool go_elsewhere(const std::function<void()>& wake);
    bool back_from_elsewhere() noexcept;  // whether it was called
    void close();  // takes return at once from now on; what is queued is dropped
    void open();
    std::size_t size() const;
    std::size_t waiting() const;    // threads in take(), or elsewhere
    std::uint64_t dropped() const;  // for want of room, ever

  private:
    static constexpr std::size_t kSmall = 4096;

    struct Lane final : ListNode<Lane> {
        RequestPtr first;  // null only while the lane is made or dropped
        Request* last = nullptr;
    };
    using Lanes = std::unordered_map<std::uint64_t, Lane>;
    bool has_room_for(const Request& request) const;
    Lane& open_lane(std::uint64_t number);
    RequestPtr take_next();
    void ring();
    void call_from_elsewhere();

    const std::size_t max_requests_, max_bytes_;
    mutable std::mutex mutex_;  // leaf; guards all below
    std::condition_variable ready_;
    Lanes lanes_;                // by number, those that have requests
    IntrusiveList<Lane> turns_;  // the same, the one whose turn it is first
    Lanes::node_type spare_;     // of a lane that was dropped
    std::size_t requests_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    std::size_t waiting_ = 0;                           // in take()
    const std::function<void()>* elsewhere_ = nullptr;  // of who waits there
    std::uint64_t interrupts_ = 0;
    bool closed_ = false;
    std::function<void()> bell_;
    bool rung_ = false;
};

struct Completion {
    RequestPtr request;
    bool completed;  // false: only deferred
};

// Python -> the thread of a server, between open() and close(), while it runs. A burst
// of completions costs few wake-ups, and none waits for the request after it, however
// long that one blocks.
class CompletionQueue final : public Mailbox<Completion>, public Answerer {
  public:
    void tell(RequestPtr request, bool completed) override {
        push({std::move(request), completed});
    }
};

}  // namespace pcas
