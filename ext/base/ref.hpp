// Intrusive reference counting for objects shared between threads.
// A RefCounted object is born with no reference; the first Ref owns it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace pcas {

class RefCounted {
  public:
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

    void add_ref() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    // True when the last reference is gone and the caller has to destroy the object.
    // The only reference there is cannot become two meanwhile, so that a plain store
    // will do. It has to be dropped all the same: T::destroy may hand the object on.
    bool drop_ref() const noexcept {
        if (refs_.load(std::memory_order_acquire) != 1) {
            return refs_.fetch_sub(1, std::memory_order_acq_rel) == 1;
        }
        refs_.store(0, std::memory_order_relaxed);
        return true;
    }

    // True while exactly one reference exists: the caller's, then, if it holds one.
    bool sole_ref() const noexcept {
        return refs_.load(std::memory_order_acquire) == 1;
    }

  protected:
    RefCounted() = default;
    ~RefCounted() = default;

  private:
    mutable std::atomic<std::uint32_t> refs_{0};
};

// Shared owner of a RefCounted object. T::destroy(const T*) frees it, so that a class
// may choose how it was allocated.
template <class T>
class Ref {
  public:
    Ref() noexcept = default;
    Ref(std::nullptr_t) noexcept {}
    explicit Ref(T* object) noexcept : object_(object) {
        if (object_) object_->add_ref();
    }
    Ref(const Ref& other) noexcept : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
    Ref(const Ref<U>& other) noexcept : Ref(static_cast<T*>(other.get())) {}
    template <class U>
    Ref(Ref<U>&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ~Ref() { reset(); }

    Ref& operator=(const Ref& other) noexcept {
        Ref copy(other);
        swap(copy);
        return *this;
    }
    Ref& operator=(Ref&& other) noexcept {
        Ref moved(std::move(other));
        swap(moved);
        return *this;
    }

    void reset() noexcept {
        T* object = std::exchange(object_, nullptr);
        if (object && object->drop_ref()) T::destroy(object);
    }
    void swap(Ref& other) noexcept { std::swap(object_, other.object_); }

    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Ref& a, const Ref& b) noexcept {
        return a.object_ == b.object_;
    }

  private:
    template <class U>
    friend class Ref;

    T* object_ = nullptr;
};

}  // namespace pcas
