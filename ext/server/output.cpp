#include "server/output.hpp"

#include <algorithm>
#include <array>
#include <utility>

#ifndef _WIN32
#include <sys/uio.h>
#endif

#include "server/net.hpp"

namespace pcas {

std::byte* Output::append(std::size_t size) {
    if (!segments_.empty()) {
        Segment& last = segments_.back();
        if (last.open && last.buffer->size() - last.end >= size) {
            std::byte* at = last.buffer->data() + last.end;
            last.end += size;
            bytes_ += size;
            return at;
        }
    }
    // A circuit that sends little keeps little: chunks start small and grow.
    const std::size_t wanted = std::max(size, segments_.empty() ? kFirstChunk : kChunk);
    Ref<Buffer> buffer = spare_ && spare_->size() >= size ? std::exchange(spare_, {})
                                                          : Buffer::create(wanted);
    std::byte* at = buffer->data();
    segments_.push_back({std::move(buffer), 0, size, true});
    bytes_ += size;
    return at;
}

void Output::append(Ref<Buffer> buffer) {
    const std::size_t size = buffer->size();
    if (size == 0) return;
    segments_.push_back({std::move(buffer), 0, size, false});
    bytes_ += size;
}

Output::Sent Output::send(SOCKET fd) noexcept {
    while (bytes_ > 0) {
        std::array<std::span<const std::byte>, kMaxPieces> pieces;
        std::size_t n = 0, total = 0;
        for (const Segment& s : segments_) {
            if (n == pieces.size()) break;
            pieces[n++] = {s.buffer->data() + s.begin, s.end - s.begin};
            total += s.end - s.begin;
        }
        const SendResult result = send_pieces(fd, {pieces.data(), n});
        if (result.failed) return Sent::Failed;
        consume(result.bytes);
        if (result.bytes < total) return Sent::Blocked;
    }
    return Sent::All;
}

void Output::consume(std::size_t sent) noexcept {
    bytes_ -= sent;
    while (sent > 0) {
        Segment& first = segments_.front();
        const std::size_t size = first.end - first.begin;
        if (sent < size) {
            first.begin += sent;
            return;
        }
        sent -= size;
        if (first.open && first.buffer->size() <= kFirstChunk) {
            spare_ = std::move(first.buffer);
        }
        segments_.pop_front();
    }
}

void Output::clear() noexcept {
    segments_.clear();
    spare_.reset();
    bytes_ = 0;
}

}  // namespace pcas
