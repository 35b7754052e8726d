#include "dbr/snapshot.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

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

Ref<Snapshot> Snapshot::copy(const Snapshot& other) {
    Ref<Snapshot> made = create_unfilled(other.type_, other.count_);
    if (!made) throw std::bad_alloc();
    std::memcpy(made->mutable_data(), other.data(), other.size_bytes());
    made->time = other.time;
    made->alarm = other.alarm;
    made->metadata = other.metadata;
    return made;
}

void Snapshot::destroy(const Snapshot* s) noexcept {
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
