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
        for (IoHandler*& found : found_) {
            if (found == &handler) found = nullptr;
        }
    }

    void deliver(ReadySockets& ready) override {
        while (!ready.empty()) {
            const ReadySockets::Found found = ready.take();
            if (IoHandler* handler = found_[static_cast<std::size_t>(found.key)])
                handler->on_io(found.readable, found.writable);
        }
    }

    void wait(std::chrono::nanoseconds timeout, ReadySockets& ready) override {
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
        ready.clear();
        found_.clear();
        if (n <= 0) return;
        // Those further behind have their turn next time.
        for (std::size_t i = 0; i < fds_.size(); ++i) {
            const short got = fds_[i].revents;
            if (!got || found_.size() == ReadySockets::kMost) continue;
            const bool failed = got & (POLLERR | POLLHUP | POLLNVAL);
            ready.add(
                {found_.size(), failed || (got & POLLIN), failed || (got & POLLOUT)});
            found_.push_back(handlers_[i]);
        }
    }

    void abandon() noexcept override {}

  private:
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
    std::vector<IoHandler*> found_;     // by the last wait; null: removed since
};

}  // namespace

std::unique_ptr<Poller> Poller::create() { return std::make_unique<PollPoller>(); }

}  // namespace pcas

#endif  // not Linux
