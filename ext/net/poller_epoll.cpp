#ifdef __linux__

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "net/poller.hpp"

namespace pcas {
namespace {

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

class Epoll {
  public:
    Epoll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (fd_ < 0) throw_errno("epoll_create1");
    }
    ~Epoll() { close(); }
    Epoll(const Epoll&) = delete;
    Epoll& operator=(const Epoll&) = delete;

    int fd() const noexcept { return fd_; }

    // False, and errno set, if the kernel refuses.
    bool try_control(int operation, int fd, std::uint32_t events,
                     std::uint64_t key) noexcept {
        epoll_event event{};
        event.events = events;
        event.data.u64 = key;
        return ::epoll_ctl(fd_, operation, fd, &event) == 0;
    }
    void control(int operation, int fd, std::uint32_t events, std::uint64_t key) {
        if (!try_control(operation, fd, events, key)) throw_errno("epoll_ctl");
    }
    void remove(int fd) noexcept { try_control(EPOLL_CTL_DEL, fd, 0, 0); }

    template <std::size_t N>
    std::size_t wait(std::chrono::nanoseconds timeout,
                     std::array<epoll_event, N>& events) {
        const int milliseconds = sleep_below_millisecond(timeout);
        const int n =
            ::epoll_wait(fd_, events.data(), static_cast<int>(N), milliseconds);
        if (n < 0 && errno != EINTR) throw_errno("epoll_wait");
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }

    void close() noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

  private:
    // epoll_wait counts milliseconds: shorter sleeps are made on the epoll descriptor.
    int sleep_below_millisecond(std::chrono::nanoseconds timeout) noexcept {
        using std::chrono::milliseconds;
        if (timeout.count() < 0) return -1;
        if (timeout.count() == 0) return 0;
        if (timeout >= milliseconds(2)) {
            const auto ms = std::chrono::duration_cast<milliseconds>(timeout).count();
            return static_cast<int>(ms > 1'000'000 ? 1'000'000 : ms);
        }
        pollfd self{fd_, POLLIN, 0};
        const timespec time{0, static_cast<long>(timeout.count())};
        ::ppoll(&self, 1, &time, nullptr);
        return 0;
    }

    int fd_;
};

class EpollPoller final : public Poller {
  public:
    void add(SOCKET fd, IoHandler& handler, Interest interest) override {
        const auto i = static_cast<std::size_t>(fd);
        if (i >= entries_.size()) entries_.resize(i + 1 + i / 2);
        entries_[i] = {&handler, ++generation_};
        sockets_.control(EPOLL_CTL_ADD, fd, events(interest), key(fd));
    }

    void change(SOCKET fd, IoHandler&, Interest interest) override {
        sockets_.control(EPOLL_CTL_MOD, fd, events(interest), key(fd));
    }

    void remove(SOCKET fd, IoHandler& handler) noexcept override {
        sockets_.remove(fd);
        const auto i = static_cast<std::size_t>(fd);
        if (i < entries_.size() && entries_[i].handler == &handler) entries_[i] = {};
    }

    // Another thread may have removed a socket since it was found, and used its
    // descriptor for a new one.
    void deliver(ReadySockets& ready) override {
        while (!ready.empty()) {
            const ReadySockets::Found found = ready.take();
            const Entry entry = entries_[found.key & 0xffffffff];
            if (entry.handler && entry.generation == found.key >> 32)
                entry.handler->on_io(found.readable, found.writable);
        }
    }

    void wait(std::chrono::nanoseconds timeout, ReadySockets& ready) override {
        std::array<epoll_event, ReadySockets::kMost> events;
        ready.clear();
        const std::size_t n = sockets_.wait(timeout, events);
        for (std::size_t i = 0; i < n; ++i) {
            const epoll_event& event = events[i];
            const bool failed = event.events & (EPOLLERR | EPOLLHUP);
            ready.add({event.data.u64, failed || (event.events & EPOLLIN),
                       failed || (event.events & EPOLLOUT)});
        }
    }

    bool can_stand_by() const noexcept override { return true; }

    void stand_by(std::chrono::nanoseconds timeout) override {
        std::array<epoll_event, 1> event;
        standby_.wait(timeout, event);
    }
    void begin_standby() override {
        standby_.control(EPOLL_CTL_ADD, sockets_.fd(), EPOLLIN, 0);
    }
    void end_standby() noexcept override { standby_.remove(sockets_.fd()); }
    // It takes no memory, so it does not fail.
    void rouse_standby(bool on) noexcept override {
        standby_.try_control(EPOLL_CTL_MOD, sockets_.fd(), on ? EPOLLIN : 0u, 0);
    }

    void abandon() noexcept override {
        standby_.close();
        sockets_.close();
    }

  private:
    struct Entry {
        IoHandler* handler = nullptr;
        std::uint32_t generation = 0;
    };
    static std::uint32_t events(Interest interest) noexcept {
        return (interest.read ? EPOLLIN : 0u) | (interest.write ? EPOLLOUT : 0u);
    }
    std::uint64_t key(int fd) const noexcept {
        const auto i = static_cast<std::size_t>(fd);
        return std::uint64_t{entries_[i].generation} << 32 | i;
    }

    Epoll sockets_;
    Epoll standby_;               // holds nothing but sockets_
    std::vector<Entry> entries_;  // by descriptor
    std::uint32_t generation_ = 0;
};

}  // namespace

std::unique_ptr<Poller> Poller::create() { return std::make_unique<EpollPoller>(); }

}  // namespace pcas

#endif  // __linux__
