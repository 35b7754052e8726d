// What a circuit has still to send: small messages packed into chunks, large payloads
// by reference to their shared buffer. Loop thread only.
#pragma once

#include <osiSock.h>

#include <cstddef>
#include <deque>
#include <span>

#include "base/buffer.hpp"

namespace pcas {

class Output {
  public:
    static constexpr std::size_t kFirstChunk = 4096;
    static constexpr std::size_t kChunk = 65536;
    static constexpr std::size_t kMaxPieces = 64;

    // Room for `size` more bytes in one piece, uninitialised, to be filled at once.
    std::byte* append(std::size_t size) {
        if (size > room_) make_room(size);
        std::byte* at = tail_;
        tail_ += size;
        room_ -= size;
        bytes_ += size;
        return at;
    }
    // Undoes the last append(size).
    void take_back(std::size_t size) noexcept {
        tail_ -= size;
        room_ += size;
        bytes_ -= size;
    }
    // The buffer's bytes follow, without a copy.
    void append(Ref<Buffer> buffer);

    std::size_t bytes() const noexcept { return bytes_; }
    bool empty() const noexcept { return bytes_ == 0; }

    enum class Sent { All, Blocked, Failed };
    // Sends as much as the socket takes.
    Sent send(SOCKET fd) noexcept;
    void clear() noexcept;

  private:
    struct Segment {
        Ref<Buffer> buffer;
        std::size_t begin, end;  // the last one's end is where tail_ is, if that is set
        bool chunk;              // one of ours, that may have room behind `end`
    };
    void make_room(std::size_t size);
    void open_tail() noexcept;
    void close_tail() noexcept;
    void consume(std::size_t sent) noexcept;

    std::byte* tail_ = nullptr;  // where the last chunk goes on; null: there is none
    std::size_t room_ = 0;       // behind tail_
    std::size_t bytes_ = 0;
    std::deque<Segment> segments_;
    Ref<Buffer> spare_;  // one empty chunk, kept for the next message
};

}  // namespace pcas
