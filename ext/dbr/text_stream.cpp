#include "dbr/text_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dbr/codec.hpp"

namespace pcas {

bool TextStream::suits(const Snapshot& snapshot, DbrType type,
                       std::uint32_t count) noexcept {
    return is_readable(type) && type != kDbrClassName &&
           element_type(type) == DbfType::String &&
           snapshot.type() != DbfType::String && padded(dbr_size(type, count)) >= kFrom;
}

TextStream::TextStream(SnapshotPtr snapshot, DbrType type, std::uint32_t count,
                       Acknowledgement acknowledgement) noexcept
    : snapshot_(std::move(snapshot)),
      type_(type),
      count_(count),
      acknowledgement_(acknowledgement),
      left_(padded(dbr_size(type, count))) {}

std::size_t TextStream::next(std::span<std::byte> out) noexcept {
    std::size_t size = 0;
    if (!begun_) {
        begun_ = true;
        size = encode_head(*snapshot_, type_, out);
        if (type_ == kDbrStsackString) put_acknowledgement(out, acknowledgement_);
    }
    const auto room = static_cast<std::uint32_t>((out.size() - size) / kStringSize);
    const std::uint32_t n = std::min(room, count_ - done_);
    const std::uint32_t all = snapshot_->count();
    const std::uint32_t there = std::min(n, all - std::min(done_, all));
    const std::size_t from = element_size(snapshot_->type());
    convert_elements(snapshot_->type(), snapshot_->data() + done_ * from,
                     DbfType::String, out.data() + size, there,
                     convert_rules(*snapshot_));
    std::memset(out.data() + size + there * kStringSize, 0, (n - there) * kStringSize);
    done_ += n;
    size += n * kStringSize;
    left_ -= size;
    if (done_ == count_ && left_ > 0 && out.size() - size >= left_) {  // the padding
        const auto rest = static_cast<std::size_t>(left_);
        std::memset(out.data() + size, 0, rest);
        size += rest;
        left_ = 0;
    }
    return size;
}

}  // namespace pcas
