#include "server/output.hpp"

#include <algorithm>
#include <array>
#include <utility>

#ifndef _WIN32
#include <sys/uio.h>
#endif

#include "net/sockets.hpp"

namespace pcas {

void Output::make_room(std::size_t size) {
    close_tail();
    // A circuit that sends little keeps little: chunks start small and grow.
    const std::size_t wanted = std::max(size, segments_.empty() ? kFirstChunk : kChunk);
    Ref<Buffer> buffer = spare_ && spare_->size() >= size ? std::exchange(spare_, {})
                                                          : Buffer::create(wanted);
    segments_.push_back({std::move(buffer), 0, 0, true, nullptr});
    open_tail();
}

void Output::append(Ref<Buffer> buffer) {
    const std::size_t size = buffer->size();
    if (size == 0) return;
    close_tail();
    segments_.push_back({std::move(buffer), 0, size, false, nullptr});
    bytes_ += size;
}

void Output::append(TextStream text) {
    const auto size = static_cast<std::size_t>(text.left());
    if (size == 0) return;
    auto kept = std::make_unique<TextStream>(std::move(text));
    const std::size_t source = kept->snapshot()->size_bytes();
    close_tail();
    segments_.push_back({{}, 0, size, false, std::move(kept)});
    bytes_ += size;
    unmade_ += size;
    unmade_held_ += source;
}

void Output::make() {
    Ref<Buffer> buffer = Buffer::create(kMade);
    Segment made{std::move(buffer), 0, 0, false, nullptr};
    close_tail();
    Segment& first = segments_.front();
    segments_.push_front(std::move(made));  // which leaves references as they are
    Segment& piece = segments_.front();
    piece.end = first.text->next(piece.buffer->bytes());
    unmade_ -= piece.end;
    first.begin += piece.end;
    if (first.text->left() == 0) {
        unmade_held_ -= first.text->snapshot()->size_bytes();
        segments_.erase(segments_.begin() + 1);
    }
    open_tail();
}

// The last chunk takes what is appended from now on.
void Output::open_tail() noexcept {
    if (segments_.empty() || !segments_.back().chunk) return;
    const Segment& last = segments_.back();
    tail_ = last.buffer->data() + last.end;
    room_ = last.buffer->size() - last.end;
}

void Output::close_tail() noexcept {
    if (!tail_) return;
    Segment& last = segments_.back();
    last.end = static_cast<std::size_t>(tail_ - last.buffer->data());
    if (last.begin == last.end) segments_.pop_back();  // taken back, or never filled
    tail_ = nullptr;
    room_ = 0;
}

Output::Sent Output::send(SOCKET fd) noexcept {
    close_tail();
    while (bytes_ > 0) {
        std::array<std::span<const std::byte>, kMaxPieces> pieces;
        std::size_t n = 0, total = 0;
        for (const Segment& s : segments_) {
            if (n == pieces.size() || s.text) break;
            pieces[n++] = {s.buffer->data() + s.begin, s.end - s.begin};
            total += s.end - s.begin;
        }
        if (n == 0) {
            open_tail();
            return Sent::Unmade;
        }
        const SendResult result = send_pieces(fd, {pieces.data(), n});
        if (result.failed) return Sent::Failed;
        consume(result.bytes);
        if (result.bytes < total) {
            open_tail();
            return Sent::Blocked;
        }
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
        if (first.chunk && first.buffer->size() <= kFirstChunk) {
            spare_ = std::move(first.buffer);
        }
        segments_.pop_front();
    }
}

void Output::clear() noexcept {
    tail_ = nullptr;
    room_ = 0;
    segments_.clear();
    spare_.reset();
    bytes_ = unmade_ = unmade_held_ = 0;
}

}  // namespace pcas
