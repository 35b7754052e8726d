// Names that nobody has: the frequent ones stay, whatever floods come.
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "pv/misses.hpp"

using namespace pcas;

namespace {

constexpr Searcher kWho{0x7f000001, 4000, {}};

std::uint64_t count_of(const Misses& misses, const std::string& name) {
    for (const MissRow& row : misses.rows()) {
        if (row.name == name) return row.count;
    }
    return 0;
}

void note(Misses& misses, const std::string& name, int times, double now = 0) {
    for (int i = 0; i < times; ++i) misses.note(name, kWho, now);
}

bool in_order(const std::vector<MissRow>& rows) {
    for (std::size_t i = 1; i < rows.size(); ++i) {
        if (rows[i].count > rows[i - 1].count) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("misses: nothing is kept before it is switched on, nor when it is off") {
    Misses misses;
    note(misses, "A", 3);
    CHECK(misses.rows().empty());
    misses.keep(true);
    note(misses, "A", 3);
    CHECK(count_of(misses, "A") == 3u);
    misses.keep(false);
    CHECK(misses.rows().empty());
    misses.keep(true);
    CHECK(misses.rows().empty());
}

TEST_CASE("misses: counts are exact while there is room, the most frequent first") {
    Misses misses(10);
    misses.keep(true);
    for (int n = 1; n <= 10; ++n) note(misses, "N" + std::to_string(n), n, n);
    const auto rows = misses.rows();
    REQUIRE(rows.size() == 10u);
    for (std::size_t i = 0; i < 10; ++i) {
        CHECK(rows[i].name == "N" + std::to_string(10 - i));
        CHECK(rows[i].count == 10 - i);
        CHECK(rows[i].client == "127.0.0.1:4000");
        CHECK(rows[i].first == rows[i].last);
    }
}

TEST_CASE("misses: clients are counted, each once, up to a limit") {
    Misses misses;
    misses.keep(true);
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t port = 1; port <= 5; ++port)
            misses.note("A", {0x0a000001, port, {}}, 0);
        for (std::uint16_t port = 1; port <= 40; ++port)
            misses.note("B", {0x0a000001, port, {}}, 0);
    }
    misses.note("A", {0, 0, "[::1]:77"}, 9);
    for (const MissRow& row : misses.rows()) {
        CHECK(row.clients == (row.name == "A" ? 6u : Misses::kClients));
        CHECK(row.client == (row.name == "A" ? "[::1]:77" : "10.0.0.1:40"));
        CHECK(row.last == (row.name == "A" ? 9.0 : 0.0));
    }
}

TEST_CASE("misses: a flood of names at random does not drive out the frequent ones") {
    Misses misses(100);
    misses.keep(true);
    for (int n = 0; n < 50; ++n) note(misses, "OFTEN" + std::to_string(n), 200 + n);
    for (int n = 0; n < 200'000; ++n) {
        misses.note("RANDOM" + std::to_string(n), kWho, 1);
        if (n % 1000 == 0) CHECK(misses.rows().size() <= 100u);
    }
    for (int n = 0; n < 50; ++n)
        CHECK(count_of(misses, "OFTEN" + std::to_string(n)) ==
              static_cast<std::uint64_t>(200 + n));
    CHECK(misses.rows().size() == 100u);
    CHECK(in_order(misses.rows()));
}

TEST_CASE("misses: one that becomes frequent gets in, though there is no room") {
    Misses misses(20);
    misses.keep(true);
    for (int n = 0; n < 20; ++n) note(misses, "OLD" + std::to_string(n), 5 + n);
    note(misses, "NEW", 2000);
    CHECK(count_of(misses, "NEW") > 1000u);
    CHECK(misses.rows().front().name == "NEW");
}

TEST_CASE("misses: what nobody has asked for in a long time makes room at once") {
    Misses misses(3);
    misses.keep(true);
    note(misses, "A", 1'000'000 / 1000, 0);
    note(misses, "B", 500, 10);
    note(misses, "C", 100, Misses::kStale);
    note(misses, "NEW", 1, Misses::kStale + 1);
    CHECK(count_of(misses, "NEW") == 1u);
    CHECK(count_of(misses, "A") == 0u);
    CHECK(count_of(misses, "B") == 500u);
}

TEST_CASE("misses: long names are cut, so that they take no room") {
    Misses misses;
    misses.keep(true);
    note(misses, std::string(100'000, 'x'), 2);
    const auto rows = misses.rows();
    REQUIRE(rows.size() == 1u);
    CHECK(rows[0].name.size() == Misses::kLongest);
    CHECK(rows[0].count == 2u);
}

TEST_CASE("misses: as a model that counts all has them, whatever comes") {
    Misses misses(64);
    misses.keep(true);
    std::vector<std::uint64_t> model(64);
    std::uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20'000; ++i) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        const std::size_t n = seed % 64;
        ++model[n];
        misses.note("N" + std::to_string(n), kWho, i);
    }
    for (std::size_t n = 0; n < 64; ++n)
        CHECK(count_of(misses, "N" + std::to_string(n)) == model[n]);
    CHECK(in_order(misses.rows()));
}

TEST_CASE("misses: several threads note and look") {
    Misses misses(50);
    misses.keep(true);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&misses, t] {
            for (int i = 0; i < 3000; ++i)
                misses.note("N" + std::to_string(i % (20 * (t + 1))), kWho);
        });
    }
    for (int i = 0; i < 50; ++i) {
        CHECK(in_order(misses.rows()));
        if (i % 10 == 9) misses.keep(i % 20 == 9);
    }
    for (std::thread& thread : threads) thread.join();
}
