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
    std::byte* append(std::size_t size);
    // Undoes the last append(size).
    void take_back(std::size_t size) noexcept {
        segments_.back().end -= size;
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
        std::size_t begin, end;
        bool open;  // a chunk of ours, with room behind `end`
    };
    void consume(std::size_t sent) noexcept;

    std::deque<Segment> segments_;
    Ref<Buffer> spare_;  // one empty chunk, kept for the next message
    std::size_t bytes_ = 0;
};

}  // namespace pcas
