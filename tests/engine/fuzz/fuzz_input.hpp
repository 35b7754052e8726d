// What the targets have in common: bytes taken apart, and a condition that ends the
// run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace fuzz {

// The input, taken from its front; zeros when it is used up.
class Input {
  public:
    explicit Input(std::span<const std::byte> bytes) noexcept : left_(bytes) {}

    bool empty() const noexcept { return left_.empty(); }
    std::uint8_t u8() noexcept {
        if (left_.empty()) return 0;
        const auto value = std::to_integer<std::uint8_t>(left_[0]);
        left_ = left_.subspan(1);
        return value;
    }
    std::uint16_t u16() noexcept {
        const std::uint16_t high = u8();
        return static_cast<std::uint16_t>(high << 8 | u8());
    }
    std::uint32_t u32() noexcept {
        const std::uint32_t high = u16();
        return high << 16 | u16();
    }
    // At most `n` bytes.
    std::span<const std::byte> bytes(std::size_t n) noexcept {
        const auto taken = left_.first(n < left_.size() ? n : left_.size());
        left_ = left_.subspan(taken.size());
        return taken;
    }
    std::span<const std::byte> rest() noexcept { return bytes(left_.size()); }

  private:
    std::span<const std::byte> left_;
};

[[noreturn]] inline void violated(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: violated: %s\n", file, line, condition);
    std::abort();
}

}  // namespace fuzz

#define FUZZ_REQUIRE(...)                                                       \
    do {                                                                        \
        if (!(__VA_ARGS__)) ::fuzz::violated(#__VA_ARGS__, __FILE__, __LINE__); \
    } while (false)
