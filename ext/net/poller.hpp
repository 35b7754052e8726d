// Waits for sockets: epoll on Linux, poll() elsewhere.
#pragma once

#include <osiSock.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pcas {

// Who is told that its socket is ready.
class IoHandler {
  public:
    // An error or a hang-up counts as both.
    virtual void on_io(bool readable, bool writable) = 0;

  protected:
    ~IoHandler() = default;
};

struct Interest {
    bool read;
    bool write;
};

// What a wait has found. Each thread that waits has its own.
class ReadySockets {
  public:
    static constexpr std::size_t kMost = 256;

    bool empty() const noexcept { return next_ == count_; }
    std::size_t size() const noexcept { return count_ - next_; }
    void clear() noexcept { next_ = count_ = 0; }

    struct Found {
        std::uint64_t key;  // of the poller
        bool readable, writable;
    };
    void add(Found found) noexcept { found_[count_++] = found; }
    Found take() noexcept { return found_[next_++]; }

  private:
    std::array<Found, kMost> found_;
    std::size_t next_ = 0, count_ = 0;
};

// Several threads may wait; all else is done by one at a time, which has the turn.
class Poller {
  public:
    static std::unique_ptr<Poller> create();  // throws std::system_error
    virtual ~Poller() = default;

    // ---- who has the turn ----
    virtual void add(SOCKET fd, IoHandler& handler, Interest interest) = 0;
    virtual void change(SOCKET fd, IoHandler& handler, Interest interest) = 0;
    // What any thread has found of it by then is not delivered any more.
    virtual void remove(SOCKET fd, IoHandler& handler) noexcept = 0;
    // Tells the handlers.
    virtual void deliver(ReadySockets& ready) = 0;

    // ---- any thread, without the turn ----
    // Sleeps until something is ready, or for `timeout` (negative: for ever). `ready`
    // is cleared first.
    virtual void wait(std::chrono::nanoseconds timeout, ReadySockets& ready) = 0;

    // ---- one thread stands by while another one waits ----
    // False where only one thread can wait, and nobody has the turn meanwhile: then the
    // next ones are not called.
    virtual bool can_stand_by() const noexcept { return false; }
    // As wait(), but takes nothing; between the next two.
    virtual void stand_by(std::chrono::nanoseconds /*timeout*/) {}
    // Has the turn.
    virtual void begin_standby() {}
    virtual void end_standby() noexcept {}
    // Has the turn: whether what is ready wakes who stands by. At first it does.
    virtual void rouse_standby(bool /*on*/) noexcept {}

    // In the child after fork(): closes what is the poller's own.
    virtual void abandon() noexcept = 0;
};

}  // namespace pcas
