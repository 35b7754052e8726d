// A PV's value at one moment: immutable once published, shared by all who read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/export.hpp"
#include "base/instances.hpp"
#include "base/ref.hpp"
#include "dbr/metadata.hpp"
#include "dbr/types.hpp"

namespace pcas {

struct Structure;

// Seconds since 1990-01-01 00:00 UTC, as EPICS counts them.
struct TimeStamp {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

struct AlarmState {
    std::uint16_t status = 17;   // epicsAlarmUDF
    std::uint16_t severity = 3;  // epicsSevInvalid
};

// Elements are stored behind the object, in host order, of the types that elements.hpp
// says; strings are slots of 40 bytes (at most 39 bytes and NULs to the end). That of
// type Structure is one reference.
class alignas(8) Snapshot final : public RefCounted,
                                  public CountedInstance<Counted::Snapshot> {
  public:
    // The elements are zeroed. Throws std::bad_alloc.
    PCAS_API static Ref<Snapshot> create(DbfType type, std::uint32_t count);
    // The elements are indeterminate and all to be written (a string slot to its end).
    // Null if there is no memory.
    PCAS_API static Ref<Snapshot> create_unfilled(DbfType type,
                                                  std::uint32_t count) noexcept;
    // The value of a table or an image. Throws std::bad_alloc.
    PCAS_API static Ref<Snapshot> of(Ref<const Structure> structure);
    // Same elements, stamp, alarm and metadata, to be published with some of them
    // changed. Throws std::bad_alloc.
    PCAS_API static Ref<Snapshot> copy(const Snapshot& other);
    PCAS_API static void destroy(const Snapshot* s) noexcept;

    DbfType type() const noexcept { return type_; }
    std::uint32_t count() const noexcept { return count_; }
    // Of its elements, with all of a structure.
    std::size_t size_bytes() const noexcept {
        if (type_ == DbfType::Structure) return structure_bytes();
        return count_ * element_size(type_);
    }
    const std::byte* data() const noexcept {
        return reinterpret_cast<const std::byte*>(this + 1);
    }
    template <class T>
    std::span<const T> elements() const noexcept {
        return {reinterpret_cast<const T*>(data()), count_};
    }
    // Of type Structure.
    const Structure& structure() const noexcept {
        return **reinterpret_cast<const Ref<const Structure>*>(data());
    }

    TimeStamp time;
    AlarmState alarm;
    MetadataPtr metadata;  // never null once published

    // Only before the snapshot is published: its maker fills it.
    std::byte* mutable_data() noexcept {
        return reinterpret_cast<std::byte*>(this + 1);
    }
    Structure& mutable_structure() noexcept {
        return const_cast<Structure&>(structure());
    }

  private:
    Snapshot(DbfType type, std::uint32_t count) noexcept : count_(count), type_(type) {}
    ~Snapshot() = default;
    PCAS_API std::size_t structure_bytes() const noexcept;

    const std::uint32_t count_;
    const DbfType type_;
};

using SnapshotPtr = Ref<const Snapshot>;

// The same elements with another stamp, alarm and metadata. Throws std::bad_alloc.
PCAS_API SnapshotPtr restamped(const Snapshot& old, TimeStamp time, AlarmState alarm,
                               MetadataPtr metadata);

}  // namespace pcas
