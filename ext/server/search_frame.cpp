#include "server/search_frame.hpp"

#include <caProto.h>

#include <cstring>
#include <span>

#include "base/byte_order.hpp"

namespace pcas {

void SearchFrame::add_hit(std::uint32_t cid, const Hit& hit) noexcept {
    constexpr std::size_t kHit = kHeaderSize + 8;
    if (size_ + kHit > bytes_.size()) send();
    if (size_ == 0) {
        // The client's sequence number tells it which of its searches this answers.
        Header version;
        version.command = CA_PROTO_VERSION;
        version.type = version_.sequence_valid ? sequenceNoIsValid : 0;
        version.count = kMinorVersion;
        version.p1 = version_.sequence_valid ? version_.sequence : 0;
        size_ = write_header(bytes_.data(), version);
    }
    Header header;
    header.command = CA_PROTO_SEARCH;
    header.payload_size = 8;
    header.type = hit.tcp_port;
    header.p1 = hit.address;
    header.p2 = cid;
    std::byte* at = bytes_.data() + size_;
    at += write_header(at, header);
    std::memset(at, 0, 8);
    store_be16(at, hit.minor);
    size_ += kHit;
}

bool SearchFrame::send() noexcept {
    if (size_ > 0) {
        sent_all_ &=
            send_datagram(fd_, std::span(bytes_).first(size_), asked_.from, asked_.to);
    }
    size_ = 0;
    return sent_all_;
}

}  // namespace pcas
