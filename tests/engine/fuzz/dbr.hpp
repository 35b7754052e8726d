// Invariant: what decode accepts fits its PV and can be encoded as any type, every byte
// of an encoding is written, and plain values of the same type come back unchanged.
#pragma once

#include <caerr.h>

#include <cstring>
#include <string>
#include <vector>

#include "dbr/codec.hpp"
#include "fuzz_input.hpp"

namespace fuzz::dbr {

using namespace pcas;

inline MetadataPtr metadata_from(Input& input) {
    Ref<Metadata> made(new Metadata);
    made->precision = static_cast<std::int16_t>(input.u16());
    made->string_precision = static_cast<std::int16_t>(input.u8()) - 8;
    const std::size_t units = input.u8() % 12;
    for (const std::byte b : input.bytes(units)) {
        made->units += static_cast<char>(b);
    }
    for (double* limit : {&made->upper_disp, &made->lower_alarm, &made->upper_ctrl}) {
        const auto raw = input.bytes(sizeof *limit);
        std::memcpy(limit, raw.data(), raw.size());
    }
    made->states.resize(input.u8() % 20);
    for (std::string& state : made->states) {
        const std::size_t size = input.u8() % 32;
        for (const std::byte b : input.bytes(size)) state += static_cast<char>(b);
    }
    return made;
}

inline bool known_status(EcaStatus status) {
    return status == ECA_NORMAL || status == ECA_BADTYPE || status == ECA_GETFAIL;
}

// Twice into memory with different contents: equal only if all of it is written.
inline std::vector<std::byte> encoded(const Snapshot& snapshot, DbrType type,
                                      std::uint32_t count, EcaStatus& status) {
    const auto size = static_cast<std::size_t>(padded(pcas::dbr_size(type, count)));
    std::vector<std::byte> one(size, std::byte{0x5a});
    std::vector<std::byte> other(size, std::byte{0xa5});
    status = encode(snapshot, type, count, one);
    FUZZ_REQUIRE(encode(snapshot, type, count, other) == status);
    FUZZ_REQUIRE(known_status(status));
    FUZZ_REQUIRE(one == other);
    const auto used = static_cast<std::size_t>(pcas::dbr_size(type, count));
    for (std::size_t i = used; i < size; ++i) FUZZ_REQUIRE(one[i] == std::byte{0});
    if (status != ECA_NORMAL) {
        for (const std::byte b : one) FUZZ_REQUIRE(b == std::byte{0});
    }
    return one;
}

inline void require_fit(const Snapshot& made, std::uint32_t count,
                        const DecodeTarget& target) {
    FUZZ_REQUIRE(made.type() == target.type);
    FUZZ_REQUIRE(made.count() <= target.max_count);
    FUZZ_REQUIRE(made.count() == count || target.type == DbfType::Char);
    if (made.type() != DbfType::String) return;
    for (std::size_t i = 0; i < made.count(); ++i) {
        const auto* slot = reinterpret_cast<const char*>(made.data() + i * kStringSize);
        const std::size_t length = strnlen(slot, kStringSize);
        FUZZ_REQUIRE(length < kStringSize);
        for (std::size_t j = length; j < kStringSize; ++j) FUZZ_REQUIRE(slot[j] == 0);
    }
}

inline void run_target(std::span<const std::byte> bytes) {
    Input input(bytes);
    const DbrType type{static_cast<std::uint16_t>(input.u8() % 42)};
    const DbrType read_as{static_cast<std::uint16_t>(input.u8() % 42)};
    const std::uint8_t kind = input.u8();
    // All but the last one: no bytes are a structure.
    const auto stored =
        static_cast<DbfType>(kind % (kind & 0x80 ? kStoredTypes - 1 : kDbfTypes));
    const std::uint32_t max_count = input.u8() % 64 + 1u;
    const std::uint32_t count = input.u8() == 255 ? input.u32() : input.u8() % 70;
    const std::uint32_t read_count = input.u8();
    const MetadataPtr metadata = metadata_from(input);
    const auto rest = input.rest();
    const std::vector<std::byte> payload(rest.begin(), rest.end());

    const DecodeTarget target{stored, max_count, metadata.get()};
    const Decoded decoded = decode(type, count, payload, target);
    FUZZ_REQUIRE((decoded.status == ECA_NORMAL) == bool(decoded.snapshot));
    if (!decoded.snapshot) return;
    Snapshot& value = *decoded.snapshot;
    require_fit(value, count, target);
    value.metadata = metadata;
    EcaStatus status;
    encoded(value, read_as, read_count, status);
    encoded(value, kDbrClassName, 1, status);
    const DbrType plain = plain_dbr(stored);
    const auto wire = encoded(value, plain, value.count(), status);
    FUZZ_REQUIRE(status == ECA_NORMAL);
    const Decoded again = decode(plain, value.count(), wire, target);
    FUZZ_REQUIRE(again.status == ECA_NORMAL);
    FUZZ_REQUIRE(again.snapshot->count() == value.count());
    if (stored == DbfType::Int64 || stored == DbfType::UInt64) return;  // digits go
    FUZZ_REQUIRE(
        std::memcmp(again.snapshot->data(), value.data(), value.size_bytes()) == 0);
}

}  // namespace fuzz::dbr
