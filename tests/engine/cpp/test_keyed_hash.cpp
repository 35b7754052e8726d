#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/keyed_hash.hpp"
#include "check.hpp"

using namespace pcas;

namespace {

template <class Map>
std::size_t fullest_bucket(const Map& map) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < map.bucket_count(); ++i) {
        most = std::max(most, map.bucket_size(i));
    }
    return most;
}

}  // namespace

TEST_CASE("keyed hash: ids that are multiples of a table's size are spread") {
    std::unordered_map<std::uint32_t, int, KeyedHash> map;
    map.rehash(10'000);
    const auto size = static_cast<std::uint32_t>(map.bucket_count());
    for (std::uint32_t n = 0; n < 8000; ++n) map[n * size] = 0;
    CHECK(fullest_bucket(map) < 40u);
}

TEST_CASE("keyed hash: ids in a row are spread") {
    std::unordered_map<std::uint32_t, int, KeyedHash> map;
    for (std::uint32_t n = 0; n < 50'000; ++n) map[n << 8] = 0;
    CHECK(fullest_bucket(map) < 40u);
}

TEST_CASE("keyed hash: names are spread, whatever their length") {
    std::unordered_map<std::string, int, KeyedHash> map;
    for (int n = 0; n < 20'000; ++n) {
        std::string name(static_cast<std::size_t>(n % 40), 'x');
        name += std::to_string(n);
        map[std::move(name)] = 0;
    }
    CHECK(map.size() == 20'000u);
    CHECK(fullest_bucket(map) < 40u);
}

TEST_CASE("keyed hash: it depends on the key and on every byte") {
    const HashKey one{1, 2}, other{1, 3};
    CHECK(sip_hash("name", one) == sip_hash("name", one));
    CHECK(sip_hash("name", one) != sip_hash("name", other));
    const std::string text(20, 'a');
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = 'b';
        CHECK(sip_hash(text, one) != sip_hash(changed, one));
    }
    CHECK(sip_hash("", one) != sip_hash(std::string_view("\0", 1), one));
}
