// Bytes of fixed size, shared by reference count: written once, then read by many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "base/ref.hpp"

namespace pcas {

class alignas(16) Buffer final : public RefCounted {
  public:
    // The bytes are not initialised. Throws std::bad_alloc.
    static Ref<Buffer> create(std::size_t size) {
        void* memory = ::operator new(sizeof(Buffer) + size);
        return Ref<Buffer>(new (memory) Buffer(size));
    }
    static void destroy(const Buffer* b) noexcept {
        b->~Buffer();
        ::operator delete(const_cast<Buffer*>(b));
    }

    std::size_t size() const noexcept { return size_; }
    std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    const std::byte* data() const noexcept {
        return reinterpret_cast<const std::byte*>(this + 1);
    }
    std::span<std::byte> bytes() noexcept { return {data(), size_}; }

  private:
    explicit Buffer(std::size_t size) noexcept : size_(size) {}
    ~Buffer() = default;
    const std::size_t size_;
};

}  // namespace pcas
