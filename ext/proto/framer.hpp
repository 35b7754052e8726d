// A TCP stream cut into messages. Memory grows with the bytes that have arrived, never
// with what a header announces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/header.hpp"

namespace pcas {

struct Message {
    Header header;
    std::span<const std::byte> payload;  // valid until the framer is used again
    bool dropped = false;  // the payload was larger than allowed and is not here
};

enum class Fault : std::uint8_t {
    None,
    BadCommand,  // none of Channel Access: whatever follows is something else
    Misaligned,  // payload size is no multiple of 8
    TooLarge     // announces more than will be skipped
};

// Says how many bytes of payload are worth keeping for a header that announces more
// than Framer::kSmallPayload.
class PayloadPolicy {
  public:
    virtual std::uint64_t allowed_payload(const Header& header) const noexcept = 0;

  protected:
    ~PayloadPolicy() = default;
};

// Use: begin(bytes that were read); while (next(message)) ...; end().
class Framer {
  public:
    static constexpr std::uint32_t kSmallPayload = 65536;
    static constexpr std::size_t kKeepCapacity = 16384;

    // Payloads above what the policy allows are skipped up to `max_skip` bytes.
    Framer(const PayloadPolicy& policy, std::uint64_t max_skip) noexcept
        : policy_(policy), max_skip_(max_skip) {}

    void begin(std::span<const std::byte> input);
    // The next whole message; false when more bytes are needed or after a fault.
    bool next(Message& message);
    // Keeps what was not consumed, so that the input's memory may be reused.
    void end();

    // Set once, with the header that caused it; nothing more is read then.
    Fault fault() const noexcept { return fault_; }
    const Header& fault_header() const noexcept { return fault_header_; }
    // Bytes kept between end() and begin().
    std::size_t kept() const noexcept { return kept_.size() - start_; }
    // Memory for them, with or without any in it.
    std::size_t capacity() const noexcept { return kept_.capacity(); }
    std::uint64_t position() const noexcept { return position_; }

  private:
    bool skip() noexcept;  // true when nothing is left to skip
    void set_fault(Fault fault, const Header& header) noexcept;

    const PayloadPolicy& policy_;
    const std::uint64_t max_skip_;
    std::span<const std::byte> bytes_;  // not consumed yet; of the input or of kept_
    std::vector<std::byte> kept_;       // its first start_ bytes are consumed
    std::size_t start_ = 0;
    bool from_kept_ = false;  // bytes_ is in kept_
    std::uint64_t to_skip_ = 0;
    std::uint64_t position_ = 0;  // in the stream, of bytes_'s start
    Fault fault_ = Fault::None;
    Header fault_header_;
};

}  // namespace pcas
