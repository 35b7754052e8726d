// Builds expected wire bytes, snapshots and their encodings for the tests of dbr/.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "dbr/codec.hpp"
#include "dbr/snapshot.hpp"

namespace wire {

using pcas::DbfType;
using pcas::DbrType;
using Bytes = std::vector<std::byte>;

// Appends in network order, by shifts, so that it shares nothing with what it tests.
class Builder {
  public:
    Builder& u8(std::uint64_t v) { return big_endian(v, 1); }
    Builder& u16(std::uint64_t v) { return big_endian(v, 2); }
    Builder& u32(std::uint64_t v) { return big_endian(v, 4); }
    Builder& i16(std::int64_t v) {
        return big_endian(static_cast<std::uint64_t>(v), 2);
    }
    Builder& i32(std::int64_t v) {
        return big_endian(static_cast<std::uint64_t>(v), 4);
    }
    Builder& f32(float v) { return big_endian(std::bit_cast<std::uint32_t>(v), 4); }
    Builder& f64(double v) { return big_endian(std::bit_cast<std::uint64_t>(v), 8); }
    Builder& zeros(std::size_t n) {
        bytes_.resize(bytes_.size() + n);
        return *this;
    }
    // Text in a field of `width` bytes, zeros behind it.
    Builder& text(std::string_view s, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            u8(i < s.size() ? static_cast<unsigned char>(s[i]) : 0u);
        }
        return *this;
    }
    Builder& raw(std::string_view s) { return text(s, s.size()); }
    Builder& pad() { return zeros((8 - bytes_.size() % 8) % 8); }
    // A number as the wire carries elements of this type.
    Builder& number(DbfType type, double v) {
        switch (type) {
            case DbfType::Double:
                return f64(v);
            case DbfType::Float:
                return f32(static_cast<float>(v));
            case DbfType::Char:
                return u8(static_cast<std::uint8_t>(v));
            case DbfType::Long:
                return i32(static_cast<std::int32_t>(v));
            case DbfType::Enum:
                return u16(static_cast<std::uint16_t>(v));
            default:
                return i16(static_cast<std::int16_t>(v));
        }
    }
    const Bytes& bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }

  private:
    Builder& big_endian(std::uint64_t v, int size) {
        for (int i = size - 1; i >= 0; --i) {
            bytes_.push_back(static_cast<std::byte>(v >> (8 * i)));
        }
        return *this;
    }
    Bytes bytes_;
};

inline std::string hex(const Bytes& bytes) {
    static const char* const kDigits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto b = static_cast<unsigned>(bytes[i]);
        if (i && i % 4 == 0) out += ' ';
        out += kDigits[b >> 4];
        out += kDigits[b & 15];
    }
    return out;
}

inline pcas::MetadataPtr share(pcas::Metadata* m) { return pcas::MetadataPtr(m); }

inline pcas::MetadataPtr no_metadata() { return share(new pcas::Metadata); }

inline pcas::MetadataPtr with_states(std::vector<std::string> states) {
    auto* m = new pcas::Metadata;
    m->states = std::move(states);
    return share(m);
}

template <class T>
pcas::Ref<pcas::Snapshot> snapshot(DbfType type, const std::vector<T>& values) {
    auto made = pcas::Snapshot::create(type, static_cast<std::uint32_t>(values.size()));
    made->metadata = no_metadata();
    if (!values.empty()) {
        std::memcpy(made->mutable_data(), values.data(), values.size() * sizeof(T));
    }
    return made;
}

inline pcas::Ref<pcas::Snapshot> strings(const std::vector<std::string>& values) {
    auto made = pcas::Snapshot::create(DbfType::String,
                                       static_cast<std::uint32_t>(values.size()));
    made->metadata = no_metadata();
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::memcpy(made->mutable_data() + i * 40, values[i].data(), values[i].size());
    }
    return made;
}

// Numbers as elements of any numeric type.
inline pcas::Ref<pcas::Snapshot> numbers(DbfType type, const std::vector<double>& v) {
    switch (type) {
        case DbfType::Double:
            return snapshot(type, v);
        case DbfType::Float:
            return snapshot(type, std::vector<float>(v.begin(), v.end()));
        case DbfType::Char:
            return snapshot(type, std::vector<std::uint8_t>(v.begin(), v.end()));
        case DbfType::Long:
            return snapshot(type, std::vector<std::int32_t>(v.begin(), v.end()));
        case DbfType::Enum:
            return snapshot(type, std::vector<std::uint16_t>(v.begin(), v.end()));
        default:
            return snapshot(type, std::vector<std::int16_t>(v.begin(), v.end()));
    }
}

struct Encoded {
    pcas::EcaStatus status;
    Bytes bytes;
};

// Encodes into a dirty buffer and checks that nothing is written behind it.
inline Encoded encode(const pcas::Snapshot& s, DbrType type, std::uint32_t count) {
    constexpr std::size_t kGuard = 16;
    const auto size =
        static_cast<std::size_t>(pcas::padded(pcas::dbr_size(type, count)));
    Bytes out(size + kGuard, std::byte{0xaa});
    const auto status = pcas::encode(s, type, count, std::span(out).first(size));
    for (std::size_t i = size; i < out.size(); ++i) CHECK(out[i] == std::byte{0xaa});
    out.resize(size);
    return {status, std::move(out)};
}

inline Encoded encode(const pcas::Snapshot& s, int type, std::uint32_t count) {
    return encode(s, DbrType{static_cast<std::uint16_t>(type)}, count);
}

// Decodes from memory of exactly the payload's size, so that sanitizers see overreads.
inline pcas::Decoded decode(int type, std::uint32_t count, const Bytes& payload,
                            DbfType to, std::uint32_t max_count = 1,
                            const pcas::MetadataPtr& metadata = no_metadata()) {
    const Bytes exact(payload.begin(), payload.end());
    return pcas::decode(DbrType{static_cast<std::uint16_t>(type)}, count, exact,
                        {to, max_count, metadata.get()});
}

template <class T>
std::vector<T> values(const pcas::Decoded& decoded) {
    if (!decoded.snapshot) return {};
    const auto span = decoded.snapshot->elements<T>();
    return {span.begin(), span.end()};
}

inline std::string slot_text(const std::byte* slot) {
    const char* text = reinterpret_cast<const char*>(slot);
    return {text, strnlen(text, 40)};
}

}  // namespace wire
