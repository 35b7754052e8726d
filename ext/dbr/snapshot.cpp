#include "dbr/snapshot.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "dbr/structure.hpp"

namespace pcas {

namespace {

// Bytes of a snapshot with its elements; 0 if that is more than memory can address.
std::size_t allocation_size(DbfType type, std::uint32_t count) noexcept {
    const std::uint64_t bytes =
        sizeof(Snapshot) + std::uint64_t{count} * element_size(type);
    if (bytes > std::numeric_limits<std::size_t>::max() / 2) return 0;
    return static_cast<std::size_t>(bytes);
}

}  // namespace

Ref<Snapshot> Snapshot::create(DbfType type, std::uint32_t count) {
    if (type == DbfType::Structure) return of(Ref<const Structure>(new Structure));
    const std::size_t bytes = allocation_size(type, count);
    // calloc gets large arrays from the system already zeroed.
    void* memory = bytes ? std::calloc(1, bytes) : nullptr;
    if (!memory) throw std::bad_alloc();
    return Ref<Snapshot>(new (memory) Snapshot(type, count));
}

Ref<Snapshot> Snapshot::create_unfilled(DbfType type, std::uint32_t count) noexcept {
    const std::size_t bytes = allocation_size(type, count);
    void* memory = bytes ? std::malloc(bytes) : nullptr;
    if (!memory) return nullptr;
    return Ref<Snapshot>(new (memory) Snapshot(type, count));
}

Ref<Snapshot> Snapshot::of(Ref<const Structure> structure) {
    Ref<Snapshot> made = create_unfilled(DbfType::Structure, 1);
    if (!made) throw std::bad_alloc();
    new (made->mutable_data()) Ref<const Structure>(std::move(structure));
    return made;
}

std::size_t Snapshot::structure_bytes() const noexcept {
    return structure().size_bytes();
}

Ref<Snapshot> Snapshot::copy(const Snapshot& other) {
    Ref<Snapshot> made;
    if (other.type_ == DbfType::Structure) {
        made = of(Ref<const Structure>(&other.structure()));
    } else {
        made = create_unfilled(other.type_, other.count_);
        if (!made) throw std::bad_alloc();
        std::memcpy(made->mutable_data(), other.data(), other.size_bytes());
    }
    made->time = other.time;
    made->alarm = other.alarm;
    made->metadata = other.metadata;
    return made;
}

void Snapshot::destroy(const Snapshot* s) noexcept {
    if (s->type_ == DbfType::Structure) {
        using Held = Ref<const Structure>;
        reinterpret_cast<const Held*>(s->data())->~Held();
    }
    s->~Snapshot();
    std::free(const_cast<Snapshot*>(s));
}

SnapshotPtr restamped(const Snapshot& old, TimeStamp time, AlarmState alarm,
                      MetadataPtr metadata) {
    Ref<Snapshot> made = Snapshot::copy(old);
    made->time = time;
    made->alarm = alarm;
    made->metadata = std::move(metadata);
    return made;
}

}  // namespace pcas
