#include "base/keyed_hash.hpp"

#include <bit>
#include <chrono>
#include <cstring>
#include <exception>
#include <random>

namespace pcas {
namespace {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void take(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        v0 ^= word;
    }
};

}  // namespace

HashKey HashKey::draw() noexcept {
    try {
        std::random_device device;
        const auto word = [&device] {
            return (std::uint64_t{device()} << 32) | device();
        };
        const std::uint64_t a = word();
        return {a, word()};
    } catch (const std::exception&) {  // no source of random numbers on this system
        const auto now = std::chrono::high_resolution_clock::now().time_since_epoch();
        const auto ticks = static_cast<std::uint64_t>(now.count());
        return {ticks * 0x9e3779b97f4a7c15u,
                std::rotl(ticks, 29) * 0xbf58476d1ce4e5b9u};
    }
}

const HashKey kHashKey = HashKey::draw();

std::uint64_t keyed_hash(std::string_view text) noexcept {
    return sip_hash(text, kHashKey);
}

std::uint64_t sip_hash(std::string_view text, const HashKey& key) noexcept {
    SipState state{key.a ^ 0x736f6d6570736575u, key.b ^ 0x646f72616e646f6du,
                   key.a ^ 0x6c7967656e657261u, key.b ^ 0x7465646279746573u};
    const std::uint64_t length = static_cast<std::uint64_t>(text.size()) << 56;
    while (text.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data(), 8);
        state.take(word);
        text.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
    state.take(rest | length);
    state.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace pcas
