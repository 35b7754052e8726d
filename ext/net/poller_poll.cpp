#ifndef __linux__

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "net/poller.hpp"

#ifndef _WIN32
#include <poll.h>
#endif

namespace pcas {
namespace {

class PollPoller final : public Poller {
  public:
    void add(SOCKET fd, IoHandler& handler, Interest interest) override {
        fds_.push_back({fd, events(interest), 0});
        handlers_.push_back(&handler);
    }
    void change(SOCKET fd, IoHandler&, Interest interest) override {
        const std::size_t i = index(fd);
        if (i < fds_.size()) fds_[i].events = events(interest);
    }
    void remove(SOCKET fd, IoHandler& handler) noexcept override {
        const std::size_t i = index(fd);
        if (i >= fds_.size()) return;
        fds_[i] = fds_.back();
        handlers_[i] = handlers_.back();
        fds_.pop_back();
        handlers_.pop_back();
        for (Ready& r : ready_) {
            if (r.handler == &handler) r.handler = nullptr;
        }
    }

    void wait(std::chrono::nanoseconds timeout) override {
        using std::chrono::milliseconds;
        const auto rounded = std::chrono::ceil<milliseconds>(timeout).count();
        const int ms = timeout.count() < 0
                           ? -1
                           : static_cast<int>(std::min<long long>(rounded, 1'000'000));
#ifdef _WIN32
        const int n = ::WSAPoll(fds_.data(), static_cast<ULONG>(fds_.size()), ms);
        if (n < 0)
            throw std::system_error(SOCKERRNO, std::system_category(), "WSAPoll");
#else
        const int n = ::poll(fds_.data(), static_cast<nfds_t>(fds_.size()), ms);
        if (n < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
#endif
        ready_.clear();
        next_ = 0;
        if (n <= 0) return;
        for (std::size_t i = 0; i < fds_.size(); ++i) {
            const short got = fds_[i].revents;
            if (!got) continue;
            const bool failed = got & (POLLERR | POLLHUP | POLLNVAL);
            ready_.push_back(
                {handlers_[i], failed || (got & POLLIN), failed || (got & POLLOUT)});
        }
    }

    void deliver() override {
        while (next_ < ready_.size()) {
            const Ready r = ready_[next_++];
            if (r.handler) r.handler->on_io(r.readable, r.writable);
        }
    }

    std::size_t ready() const noexcept override { return ready_.size() - next_; }

    void abandon() noexcept override {}

  private:
    struct Ready {
        IoHandler* handler;
        bool readable, writable;
    };
    static short events(Interest interest) noexcept {
        return static_cast<short>((interest.read ? POLLIN : 0) |
                                  (interest.write ? POLLOUT : 0));
    }
    std::size_t index(SOCKET fd) const noexcept {
        std::size_t i = 0;
        while (i < fds_.size() && fds_[i].fd != fd) ++i;
        return i;
    }

    std::vector<pollfd> fds_;
    std::vector<IoHandler*> handlers_;  // same order as fds_
    std::vector<Ready> ready_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Poller> Poller::create() { return std::make_unique<PollPoller>(); }

}  // namespace pcas

#endif  // not Linux
