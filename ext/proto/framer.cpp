#include "proto/framer.hpp"

#include <caProto.h>

#include <algorithm>

namespace pcas {

void Framer::begin(std::span<const std::byte> input) {
    from_kept_ = kept() > 0;
    if (!from_kept_) {
        bytes_ = input;
        return;
    }
    if (!input.empty()) {
        if (start_ > kept_.size() / 2) {
            kept_.erase(kept_.begin(),
                        kept_.begin() + static_cast<std::ptrdiff_t>(start_));
            start_ = 0;
        }
        kept_.insert(kept_.end(), input.begin(), input.end());
    }
    bytes_ = std::span(kept_).subspan(start_);
}

bool Framer::skip() noexcept {
    const std::size_t n =
        static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, bytes_.size()));
    bytes_ = bytes_.subspan(n);
    position_ += n;
    to_skip_ -= n;
    return to_skip_ == 0;
}

void Framer::set_fault(Fault fault, const Header& header) noexcept {
    fault_ = fault;
    fault_header_ = header;
}

bool Framer::next(Message& message) {
    if (fault_ != Fault::None || !skip()) return false;
    Header& header = message.header;
    if (!read_header(bytes_, header, true)) return false;
    if (header.command > CA_PROTO_LAST_CMMD) {
        set_fault(Fault::BadCommand, header);
        return false;
    }
    if (header.payload_size % 8 != 0) {
        set_fault(Fault::Misaligned, header);
        return false;
    }
    message.dropped = false;
    if (header.payload_size > kSmallPayload &&
        header.payload_size > policy_.allowed_payload(header)) {
        if (header.payload_size > max_skip_) {
            set_fault(Fault::TooLarge, header);
            return false;
        }
        message.dropped = true;
        message.payload = {};
        to_skip_ = header.payload_size;
        bytes_ = bytes_.subspan(header.size());
        position_ += header.size();
        return true;
    }
    const std::size_t size = header.size() + header.payload_size;
    if (bytes_.size() < size) return false;
    message.payload = bytes_.subspan(header.size(), header.payload_size);
    bytes_ = bytes_.subspan(size);
    position_ += size;
    return true;
}

void Framer::end() {
    if (from_kept_) {
        start_ = kept_.size() - bytes_.size();
        if (bytes_.empty()) {
            start_ = 0;
            if (kept_.capacity() > kKeepCapacity)
                kept_ = std::vector<std::byte>();  // {} would keep the memory
            else
                kept_.clear();
        }
    } else {
        kept_.assign(bytes_.begin(), bytes_.end());
        start_ = 0;
    }
    bytes_ = {};
}

}  // namespace pcas
