// Invariant: a stream gives the same messages whole, byte by byte and cut anywhere, and
// the framer never keeps more bytes than have come.
#pragma once

#include <string>
#include <vector>

#include "fuzz_input.hpp"
#include "proto/framer.hpp"

namespace fuzz::framer {

using namespace pcas;

struct Seen {
    std::uint16_t command, type;
    std::uint32_t payload_size, count, p1, p2;
    bool extended, dropped;
    std::string payload;
    bool operator==(const Seen&) const = default;
};

struct Outcome {
    std::vector<Seen> messages;
    Fault fault = Fault::None;
    std::uint64_t position = 0;
    bool operator==(const Outcome&) const = default;
};

// Allows a size that depends on the header, as a circuit's channels do.
struct Policy final : PayloadPolicy {
    std::uint64_t allowed_payload(const Header& header) const noexcept override {
        return std::uint64_t{header.p1 & 3} << 16;
    }
};

constexpr std::uint64_t kMaxSkip = 1 << 18;

// `cut` gives the size of each piece.
template <class Cut>
Outcome run(std::span<const std::byte> stream, Cut&& cut) {
    const Policy policy;
    Framer framer(policy, kMaxSkip);
    Outcome outcome;
    std::size_t fed = 0;
    while (fed < stream.size()) {
        const std::size_t n = std::min<std::size_t>(cut(), stream.size() - fed);
        // A piece in memory of its own: what is used after its end is found.
        const std::vector<std::byte> piece(stream.begin() + static_cast<long>(fed),
                                           stream.begin() + static_cast<long>(fed + n));
        fed += n;
        framer.begin(piece);
        Message message;
        while (framer.next(message)) {
            const Header& h = message.header;
            FUZZ_REQUIRE(h.payload_size % 8 == 0);
            FUZZ_REQUIRE(message.dropped || message.payload.size() == h.payload_size);
            const auto* text = reinterpret_cast<const char*>(message.payload.data());
            outcome.messages.push_back({h.command, h.type, h.payload_size, h.count,
                                        h.p1, h.p2, h.extended, message.dropped,
                                        std::string(text, message.payload.size())});
        }
        framer.end();
        FUZZ_REQUIRE(framer.kept() <= fed);
        FUZZ_REQUIRE(framer.position() + framer.kept() <= fed);
    }
    outcome.fault = framer.fault();
    outcome.position = framer.position();
    return outcome;
}

inline void run_target(std::span<const std::byte> bytes) {
    Input input(bytes);
    std::uint32_t random = input.u32() | 1;
    const auto stream = input.rest();
    const Outcome whole = run(stream, [&] { return stream.size(); });
    const Outcome single = run(stream, [] { return std::size_t{1}; });
    const Outcome pieces = run(stream, [&] {
        random = random * 1664525 + 1013904223;
        return std::size_t{random >> 27} + 1;
    });
    FUZZ_REQUIRE(whole == single);
    FUZZ_REQUIRE(whole == pieces);
}

}  // namespace fuzz::framer
