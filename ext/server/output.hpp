// What a circuit has still to send: small messages packed into chunks, large payloads
// by reference to their shared buffer, and long text that is made when its turn comes.
// Loop thread only.
#pragma once

#include <osiSock.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>

#include "base/buffer.hpp"
#include "dbr/text_stream.hpp"

namespace pcas {

class Output {
  public:
    static constexpr std::size_t kFirstChunk = 4096;
    static constexpr std::size_t kChunk = 65536;
    static constexpr std::size_t kMaxPieces = 64;
    static constexpr std::size_t kMade = 32768;  // bytes of text at a time

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
    // The text follows, made by make().
    void append(TextStream text);

    std::size_t bytes() const noexcept { return bytes_; }
    bool empty() const noexcept { return bytes_ == 0; }
    // Memory that is held for them, as if nobody else held what is shared.
    std::size_t held() const noexcept { return bytes_ - unmade_ + unmade_held_; }

    enum class Sent { All, Blocked, Failed, Unmade };
    // Sends as much as the socket takes. Unmade: it would take what make() makes.
    Sent send(SOCKET fd) noexcept;
    // After Unmade: makes kMade bytes more. Throws std::bad_alloc.
    void make();
    void clear() noexcept;

  private:
    struct Segment {
        Ref<Buffer> buffer;
        std::size_t begin, end;  // the last one's end is where tail_ is, if that is set
        bool chunk;              // one of ours, that may have room behind `end`
        std::unique_ptr<TextStream> text;  // instead of a buffer
    };
    void make_room(std::size_t size);
    void open_tail() noexcept;
    void close_tail() noexcept;
    void consume(std::size_t sent) noexcept;

    std::byte* tail_ = nullptr;  // where the last chunk goes on; null: there is none
    std::size_t room_ = 0;       // behind tail_
    std::size_t bytes_ = 0;
    std::size_t unmade_ = 0;       // of these bytes,
    std::size_t unmade_held_ = 0;  // and what they are made from
    std::deque<Segment> segments_;
    Ref<Buffer> spare_;  // one empty chunk, kept for the next message
};

}  // namespace pcas
