// A look at PVs and clients while they are served.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "pv/inspection.hpp"
#include "pv/local_puts.hpp"
#include "served.hpp"
#include "server/inquiry.hpp"
#include "server/server.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

Ref<Snapshot> value_of(double value, std::uint16_t severity = 0) {
    Ref<Snapshot> made = Snapshot::create(DbfType::Double, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    made->metadata = MetadataPtr(new Metadata);
    made->alarm = {0, severity};
    return made;
}

PvPtr make_pv(const std::string& name, double value = 0) {
    PvPtr pv = Pv::create(name, DbfType::Double, 1, MetadataPtr(new Metadata));
    pv->set(value_of(value));
    return pv;
}

std::string numbered(int n) {
    const std::string digits = std::to_string(n);
    return "PV" + std::string(6 - digits.size(), '0') + digits;
}

std::vector<std::string> names(const PvRows& rows) {
    std::vector<std::string> all;
    for (const PvRow& row : rows.rows) all.push_back(row.name);
    return all;
}

PvQuery query(SortBy sort, bool descending = false, std::size_t offset = 0,
              std::size_t limit = 100) {
    PvQuery made;
    made.sort = sort;
    made.descending = descending;
    made.offset = offset;
    made.limit = limit;
    return made;
}

PvQuery matching(const char* match) {
    PvQuery made;
    made.match = match;
    return made;
}

}  // namespace

TEST_CASE("inspection: a part of a name, or a pattern, whatever the case") {
    CHECK(name_matches("SYS:Motor1", "motor"));
    CHECK(name_matches("SYS:Motor1", ""));
    CHECK(!name_matches("SYS:Motor1", "motor2"));
    CHECK(name_matches("SYS:Motor1", "sys:*1"));
    CHECK(!name_matches("SYS:Motor1", "sys:*2"));
    CHECK(!name_matches("SYS:Motor1", "motor*"));
    CHECK(name_matches("SYS:Motor1", "*motor*"));
    CHECK(name_matches("SYS:Motor1", "???:motor?"));
    CHECK(!name_matches("SYS:Motor1", "???:motor??"));
    CHECK(name_matches("", "*"));
    CHECK(!name_matches("", "?"));
    CHECK(name_matches("aab", "*ab"));
    CHECK(name_matches("ababab", "*ab*ab"));
    CHECK(!name_matches(std::string(60, 'a'), std::string(100, '*') + "b"));
    std::string hard;
    for (int i = 0; i < 128; ++i) hard += "*a";
    CHECK(!name_matches(std::string(20'000, 'a'), hard + "*b"));  // and soon
}

TEST_CASE("inspection: an order is that of the whole, in pages of any size") {
    PvTable table;
    for (int n = 0; n < 2000; ++n) table.add(make_pv(numbered(n), (n * 7919) % 2000));
    PvInspection inspection(table);
    for (const bool descending : {false, true}) {
        std::vector<double> values;
        for (std::size_t offset = 0; offset < 2000; offset += 130) {
            const PvRows rows =
                inspection.rows(query(SortBy::Value, descending, offset, 130));
            CHECK(rows.total == 2000u);
            CHECK(rows.matching == 2000u);
            for (const PvRow& row : rows.rows) values.push_back(std::stod(row.value));
        }
        REQUIRE(values.size() == 2000u);
        for (std::size_t i = 0; i < 2000; ++i)
            CHECK(values[i] == static_cast<double>(descending ? 1999 - i : i));
    }
    CHECK(inspection.rows(matching("pv00000*")).matching == 10u);
}

TEST_CASE("inspection: numbers come before NaN, texts and arrays") {
    PvTable table;
    table.add(make_pv("nan", std::nan("")));
    table.add(make_pv("two", 2));
    table.add(make_pv("one", -1));
    for (const char* text : {"b", "a"}) {
        PvPtr pv = Pv::create(std::string("text-") + text, DbfType::String, 1,
                              MetadataPtr(new Metadata));
        Ref<Snapshot> made = Snapshot::create(DbfType::String, 1);
        std::memcpy(made->mutable_data(), text, 1);
        made->metadata = MetadataPtr(new Metadata);
        pv->set(made);
        table.add(pv);
    }
    PvPtr array = Pv::create("array", DbfType::Long, 5, MetadataPtr(new Metadata));
    table.add(array);
    PvInspection inspection(table);
    const std::vector<std::string> wanted{"one",    "two",    "nan",
                                          "text-a", "text-b", "array"};
    CHECK(names(inspection.rows(query(SortBy::Value))) == wanted);
    const PvRows rows = inspection.rows(query(SortBy::Value));
    CHECK(rows.rows.back().value == "[1 element]");
}

TEST_CASE("inspection: names that come and go are seen, and rates stay those of a PV") {
    PvTable table;
    PvPtr kept = make_pv("B");
    table.add(kept);
    PvInspection inspection(table);
    CHECK(std::isnan(inspection.rows({}).rows.at(0).rate));
    for (int i = 0; i < 10; ++i) kept->post(value_of(i), kValueEvent);
    table.add(make_pv("A"));
    table.add(make_pv("C"));
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (inspection.rows({}).rows.size() < 3u &&
           std::chrono::steady_clock::now() < deadline) {
    }
    const PvRows rows = inspection.rows({});
    CHECK(names(rows) == std::vector<std::string>({"A", "B", "C"}));
    CHECK(rows.rows[1].rate > 0);
    table.remove("B");
    table.add(make_pv("B"));
    while (!std::isnan(inspection.rows({}).rows.at(1).rate) &&
           std::chrono::steady_clock::now() < deadline) {
    }
    CHECK(std::isnan(inspection.rows({}).rows.at(1).rate));
}

TEST_CASE("inspection: it keeps no PV alive") {
    PvTable table;
    PvPtr pv = make_pv("A");
    table.add(pv);
    PvInspection inspection(table);
    for (const SortBy sort : {SortBy::Name, SortBy::Value, SortBy::Rate})
        CHECK(inspection.rows(query(sort)).rows.size() == 1u);
    table.remove("A");
    CHECK(pv->sole_ref());
    pv.reset();
    for (const SortBy sort : {SortBy::Name, SortBy::Value, SortBy::Rate})
        CHECK(inspection.rows(query(sort)).rows.empty());
}

TEST_CASE("inspection: while PVs come, go and are posted by other threads") {
    PvTable table;
    std::vector<PvPtr> pvs;
    for (int n = 0; n < 3000; ++n) {
        pvs.push_back(make_pv(numbered(n)));
        table.add(pvs.back());
    }
    std::atomic<bool> stop{false};
    std::thread poster([&] {
        for (int i = 0; !stop; ++i)
            pvs[static_cast<std::size_t>(i) % 1000]->post(value_of(i), kValueEvent);
    });
    std::thread changer([&] {
        for (int i = 0; !stop; ++i) {
            const int n = 1000 + i % 2000;
            table.remove(numbered(n));
            table.add(make_pv(numbered(n)));
        }
    });
    PvInspection inspection(table);
    const auto until = std::chrono::steady_clock::now() + 300ms;
    std::size_t looks = 0;
    while (std::chrono::steady_clock::now() < until || looks < 12) {
        const auto sort = static_cast<SortBy>(looks++ % 6);
        const PvRows rows = inspection.rows(query(sort, looks % 2 == 0, 0, 3000));
        CHECK(rows.rows.size() >= 2900u);
        std::set<std::string> once;
        for (const PvRow& row : rows.rows) once.insert(row.name);
        CHECK(once.size() == rows.rows.size());
        if (looks % 5 == 0) inspection.forget();
    }
    stop = true;
    poster.join();
    changer.join();
}

TEST_CASE("inspection: circuits are listed in slices, each once") {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    served::Served server;
    std::vector<std::unique_ptr<served::Client>> clients;
    for (int i = 0; i < 300; ++i)
        clients.push_back(std::make_unique<served::Client>(server.loop, 1 << 12));
    const std::uint32_t sid = server.channel(*clients[7], "pv");
    clients[7]->send(served::subscribe(sid, 1, 1));
    server.settle({clients[7].get()});
    auto list = std::make_shared<CircuitList>();
    auto answer = list->answer();
    server.loop.ask(std::move(list));
    int turns = 0;
    while (answer.wait_for(0s) != std::future_status::ready && ++turns < 1000)
        server.turn();
    const std::vector<ClientRow> rows = answer.get();
    CHECK(rows.size() == 300u);
    std::set<std::uint64_t> numbers;
    std::size_t channels = 0, subscriptions = 0;
    for (const ClientRow& row : rows) {
        numbers.insert(row.number);
        channels += row.channels;
        subscriptions += row.subscriptions;
        CHECK(row.client.get() != nullptr);
    }
    CHECK(numbers.size() == 300u);
    CHECK(channels == 1u);
    CHECK(subscriptions == 1u);
    CHECK(server.pv->look().channels == 1u);
    clients[7].reset();
    for (int i = 0; i < 100 && server.pv->look().channels > 0; ++i) server.turn();
    CHECK(server.pv->look().channels == 0u);
}

TEST_CASE(
    "inspection: a server that does not run answers at once, one that ends, too") {
    Config config;
    config.interfaces = {"127.0.0.1"};
    config.udp_port = config.tcp_port = 0;
    config.beacon_addresses = {};
    config.auto_beacon_addresses = false;
    Server server(config);
    CHECK(!server.clients(10s));
    CHECK(!server.channels(1, 0, 10, 10s));
    for (int round = 0; round < 20; ++round) {
        server.start();
        std::atomic<bool> stop{false};
        std::thread asks([&] {
            while (!stop) {
                (void)server.clients(10s);
                (void)server.channels(1, 0, 10, 10s);
            }
        });
        if (round % 2 == 0) CHECK(server.clients(10s).has_value());
        server.close();
        stop = true;
        asks.join();
    }
}

TEST_CASE("local puts: what is queued comes to Python, and its progress back") {
    auto all = std::make_shared<Namespace>(3, 1 << 20);
    all->open();
    PvPtr pv = make_pv("A");
    int told = 0;
    LocalPuts puts(all, [&told] { ++told; });
    const ClientPtr who = local_client("me");
    CHECK(puts.put(pv, value_of(1), who, 11).empty());
    CHECK(puts.put(pv, value_of(2), who, 12).empty());
    CHECK(puts.put(pv, value_of(3), who, 13).empty());
    CHECK(!puts.put(pv, value_of(4), who, 14).empty());  // no room
    pv->set_read_only(true);
    CHECK(puts.put(pv, value_of(5), who, 15) == "the PV is readonly");
    pv->set_read_only(false);
    pv->set_puts_disabled(true);
    CHECK(!puts.put(pv, value_of(5), who, 16).empty());
    auto requests = all->requests()->take(10, 0ns);
    REQUIRE(requests.size() == 3u);
    CHECK(requests[0]->client->protocol == Protocol::Control);
    CHECK(requests[0]->kind == RequestKind::Write);
    (void)puts.take();
    told = 0;
    requests[0]->defer();
    requests[0]->complete(1);
    CHECK(told == 2);
    const auto progress = puts.take();
    REQUIRE(progress.size() == 2u);
    CHECK(!progress[0].completed);
    CHECK(progress[1].completed);
    CHECK(progress[1].number == 11u);
    CHECK(progress[1].status == 1u);
    CHECK(puts.take().empty());
    requests.clear();  // nobody has completed the others: they fail
    const auto failed = puts.take();
    REQUIRE(failed.size() == 2u);
    CHECK(failed[0].completed);
    CHECK(failed[0].status != 1u);
    all->close();
}
