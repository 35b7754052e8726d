#include "server/update_form.hpp"

#include <caProto.h>
#include <caerr.h>

#include <algorithm>

#include "proto/header.hpp"

namespace pcas {

void UpdateForm::make(DbrType type, std::uint32_t count) noexcept {
    type_ = type;
    count_ = count;
    made_ = true;
    size_ = 0;
    Header header;
    header.count = count == 0 ? snapshot_.count() : count;
    const std::uint64_t needed = padded(dbr_size(type, header.count));
    if (needed > kMaxSize - kHeaderSize) return;
    header.command = CA_PROTO_EVENT_ADD;
    header.type = raw(type);
    // An update without elements must not look like the confirmation of a cancel.
    header.payload_size = std::max(static_cast<std::uint32_t>(needed), 8u);
    header.p1 = ECA_NORMAL;
    const std::span<std::byte> payload{bytes_.data() + kHeaderSize,
                                       header.payload_size};
    if (encode(snapshot_, type, header.count, payload) != ECA_NORMAL) return;
    if (type == kDbrStsackString) put_acknowledgement(payload, pv_.acknowledgement());
    write_header(bytes_.data(), header);
    size_ = kHeaderSize + header.payload_size;
}

}  // namespace pcas
