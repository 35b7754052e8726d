// Bytes that the server holds for clients, by host and in all. Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pcas {

// What a circuit had at Python when it ended.
struct LeftBehind {
    std::size_t requests = 0;
    std::size_t bytes = 0;
};

class Account {
  public:
    // It counts on `above`, too, up to its limit: what is beyond that is its own
    // affair.
    explicit Account(std::size_t limit, Account* above = nullptr) noexcept
        : limit_(limit), above_(above) {}
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    // One share of it grows or shrinks.
    void change(std::size_t from, std::size_t to) noexcept {
        const std::size_t before = std::min(bytes_, limit_);
        bytes_ += to - from;  // wraps where it shrinks, and comes out right
        full_ = bytes_ >= limit_;
        was_full_ |= full_;
        if (was_full_ && bytes_ < limit_ - limit_ / 4) {
            was_full_ = false;
            (above_ ? above_->freed_ : freed_) = true;
        }
        if (above_) above_->change(before, std::min(bytes_, limit_));
    }
    // A share of it stays when its owner goes, until it is taken back piece by piece.
    void leave_behind(std::size_t bytes) noexcept {
        left_ += bytes;
        change(0, bytes);
    }
    void take_back(std::size_t bytes) noexcept {
        left_ -= bytes;
        change(bytes, 0);
    }
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t left_behind() const noexcept { return left_; }
    bool full() const noexcept { return full_ || (above_ && above_->full_); }
    // It is full, and much of that is of owners that are gone: who comes and goes again
    // and again gets no share beyond it.
    bool full_of_left() const noexcept { return full() && left_ >= limit_ / 4; }
    // Without a share of `own`.
    bool full_without(std::size_t own) const noexcept {
        return bytes_ - own >= limit_ || (above_ && above_->full());
    }
    // It was full, or one that counts on it, and now a quarter is free. Told once.
    bool take_freed() noexcept { return std::exchange(freed_, false); }

  private:
    const std::size_t limit_;
    Account* const above_;
    std::size_t bytes_ = 0;
    std::size_t left_ = 0;  // of these, of owners that are gone
    bool full_ = false, was_full_ = false, freed_ = false;
};

}  // namespace pcas
