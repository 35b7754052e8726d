#include "client/waker.hpp"

#include <cstdint>

#ifdef __linux__
#include <sys/eventfd.h>
#endif
#ifndef _WIN32
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#endif

namespace aioca {

int Waker::descriptor() {
#if defined(__linux__)
    if (read_end_ < 0) {
        read_end_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        write_end_ = read_end_;
    }
#elif !defined(_WIN32)
    int ends[2];
    if (read_end_ < 0 && pipe(ends) == 0) {
        for (int end : ends) {
            fcntl(end, F_SETFL, O_NONBLOCK);
            fcntl(end, F_SETFD, FD_CLOEXEC);
        }
        read_end_ = ends[0];
        write_end_ = ends[1];
    }
#endif
    return read_end_;
}

void Waker::wake() {
#ifndef _WIN32
    if (write_end_ >= 0) {
        const std::uint64_t one = 1;
        // A full pipe is as good as a successful write: the loop will wake.
        [[maybe_unused]] auto written = write(write_end_, &one, sizeof one);
        return;
    }
#endif
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        signalled_ = true;
    }
    condition_.notify_one();
}

void Waker::reset() {
#ifndef _WIN32
    if (read_end_ >= 0) {
        std::uint64_t ignored[8];
        [[maybe_unused]] auto got = read(read_end_, ignored, sizeof ignored);
    }
#endif
}

bool Waker::wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    condition_.wait(lock, [this] { return signalled_ || stopped_; });
    signalled_ = false;
    return !stopped_;
}

void Waker::wait_at_most(std::chrono::milliseconds time) {
#ifndef _WIN32
    if (read_end_ >= 0) {
        pollfd watched{read_end_, POLLIN, 0};
        poll(&watched, 1, static_cast<int>(time.count()));
        return;
    }
#endif
    std::unique_lock<std::mutex> lock(mutex_);
    condition_.wait_for(lock, time, [this] { return signalled_ || stopped_; });
    signalled_ = false;
}

void Waker::stop() {
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        stopped_ = true;
    }
    condition_.notify_all();
}

void Waker::close() {
#ifndef _WIN32
    if (read_end_ >= 0) ::close(read_end_);
    if (write_end_ >= 0 && write_end_ != read_end_) ::close(write_end_);
    read_end_ = write_end_ = -1;
#endif
}

}  // namespace aioca
