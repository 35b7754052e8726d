#ifdef __linux__

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "net/poller.hpp"

namespace pcas {
namespace {

class EpollPoller final : public Poller {
  public:
    EpollPoller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) throw_errno("epoll_create1");
    }
    ~EpollPoller() override { abandon(); }

    void add(SOCKET fd, IoHandler& handler, Interest interest) override {
        control(EPOLL_CTL_ADD, fd, handler, interest);
    }
    void change(SOCKET fd, IoHandler& handler, Interest interest) override {
        control(EPOLL_CTL_MOD, fd, handler, interest);
    }
    void remove(SOCKET fd, IoHandler& handler) noexcept override {
        epoll_event none{};
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &none);
        for (std::size_t i = next_; i < ready_; ++i) {
            if (events_[i].data.ptr == &handler) events_[i].data.ptr = nullptr;
        }
    }

    void wait(std::chrono::nanoseconds timeout) override {
        next_ = 0;
        const int milliseconds = sleep_below_millisecond(timeout);
        const int n = ::epoll_wait(epoll_, events_.data(),
                                   static_cast<int>(events_.size()), milliseconds);
        if (n < 0 && errno != EINTR) throw_errno("epoll_wait");
        ready_ = n < 0 ? 0 : static_cast<std::size_t>(n);
    }

    void deliver() override {
        while (next_ < ready_) {
            const epoll_event& event = events_[next_++];
            auto* entry = static_cast<IoHandler*>(event.data.ptr);
            if (!entry) continue;
            const bool failed = event.events & (EPOLLERR | EPOLLHUP);
            entry->on_io(failed || (event.events & EPOLLIN),
                         failed || (event.events & EPOLLOUT));
        }
    }

    std::size_t ready() const noexcept override { return ready_ - next_; }

    void abandon() noexcept override {
        if (epoll_ >= 0) ::close(epoll_);
        epoll_ = -1;
    }

  private:
    [[noreturn]] static void throw_errno(const char* what) {
        throw std::system_error(errno, std::generic_category(), what);
    }

    void control(int operation, SOCKET fd, IoHandler& handler, Interest interest) {
        epoll_event event{};
        event.events =
            (interest.read ? EPOLLIN : 0u) | (interest.write ? EPOLLOUT : 0u);
        event.data.ptr = &handler;
        if (::epoll_ctl(epoll_, operation, fd, &event) < 0) throw_errno("epoll_ctl");
    }

    // epoll_wait counts milliseconds: shorter sleeps are made on the epoll descriptor.
    int sleep_below_millisecond(std::chrono::nanoseconds timeout) noexcept {
        using std::chrono::milliseconds;
        if (timeout.count() < 0) return -1;
        if (timeout.count() == 0) return 0;
        if (timeout >= milliseconds(2)) {
            const auto ms = std::chrono::duration_cast<milliseconds>(timeout).count();
            return static_cast<int>(ms > 1'000'000 ? 1'000'000 : ms);
        }
        pollfd self{epoll_, POLLIN, 0};
        const timespec time{0, static_cast<long>(timeout.count())};
        ::ppoll(&self, 1, &time, nullptr);
        return 0;
    }

    int epoll_;
    std::array<epoll_event, 256> events_;
    std::size_t next_ = 0, ready_ = 0;
};

}  // namespace

std::unique_ptr<Poller> Poller::create() { return std::make_unique<EpollPoller>(); }

}  // namespace pcas

#endif  // __linux__
