// Snapshots: storage behind the object, shared and counted.
#include <thread>

#include "wire.hpp"

using namespace pcas;

TEST_CASE("snapshot: elements start as zeros, aligned") {
    for (int type = 0; type < kDbfTypes; ++type) {
        for (const std::uint32_t count : {0u, 1u, 1000u}) {
            NOTE("type", type);
            const auto made = Snapshot::create(static_cast<DbfType>(type), count);
            CHECK(made->count() == count);
            CHECK(made->size_bytes() == count * element_size(made->type()));
            CHECK(reinterpret_cast<std::uintptr_t>(made->data()) % 8 == 0u);
            for (std::size_t i = 0; i < made->size_bytes(); ++i) {
                CHECK(made->data()[i] == std::byte{0});
            }
        }
    }
}

TEST_CASE("snapshot: a copy has the same elements, stamp, alarm and metadata") {
    auto first = wire::snapshot<double>(DbfType::Double, {1, 2, 3});
    first->time = {5, 6};
    first->alarm = {1, 2};
    const auto second = Snapshot::copy(*first);
    CHECK(second->type() == first->type());
    CHECK(second->count() == 3u);
    CHECK(second->elements<double>()[2] == 3.0);
    CHECK(second->time.seconds == 5u);
    CHECK(second->time.nanoseconds == 6u);
    CHECK(second->alarm.status == 1u);
    CHECK(second->alarm.severity == 2u);
    CHECK(second->metadata.get() == first->metadata.get());
    first->mutable_data()[0] = std::byte{9};
    CHECK(second->elements<double>()[0] == 1.0);
}

TEST_CASE("snapshot: the last reference frees it") {
    const auto before = living(Counted::Snapshot);
    {
        Ref<Snapshot> first = Snapshot::create(DbfType::Long, 5);
        SnapshotPtr second = first;
        CHECK(living(Counted::Snapshot) == before + 1);
        first.reset();
        CHECK(living(Counted::Snapshot) == before + 1);
    }
    CHECK(living(Counted::Snapshot) == before);
}

TEST_CASE("snapshot: shared between threads") {
    const auto before = living(Counted::Snapshot);
    {
        SnapshotPtr shared = wire::snapshot<double>(DbfType::Double, {42});
        const auto use = [](SnapshotPtr mine) {
            for (int i = 0; i < 10000; ++i) {
                const SnapshotPtr copy = mine;
                if (copy->elements<double>()[0] != 42) return;
            }
        };
        std::thread one(use, shared);
        std::thread two(use, shared);
        shared.reset();
        one.join();
        two.join();
    }
    CHECK(living(Counted::Snapshot) == before);
}
