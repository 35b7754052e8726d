// What the server holds for clients: it is counted, limited and given back.
#include "base/instances.hpp"
#include "served.hpp"

using namespace served;

namespace {

std::vector<RequestPtr> at_python(Served& served) {
    return served.shared.names->requests()->take(10'000, std::chrono::nanoseconds(0));
}

std::size_t held(const Served& served) { return LoopDriver::held_bytes(served.loop); }

// Two subscriptions to large arrays, and updates that wait for them; the SID.
std::uint32_t fall_behind(Served& served, Client& slow) {
    const std::uint32_t sid = served.channel(slow, "pv");
    slow.send(subscribe(sid, 1, 100'000));
    slow.send(subscribe(sid, 2, 100'000));
    for (int n = 0; n < 50; ++n) {
        served.post(n);
        served.turn();
    }
    CHECK(held(served) > 500'000u);
    return sid;
}

}  // namespace

TEST_CASE("held: nothing is, once a client that was slow has got its updates") {
    Served served(100'000);
    Client slow(served.loop);
    fall_behind(served, slow);
    CHECK(held(served) < 10'000'000u);
    CHECK(served.shared.counters.updates_merged > 0u);
    served.settle({&slow});
    CHECK(held(served) == 0u);
}

TEST_CASE("held: puts are given back when they are completed, early or late") {
    Served served(1000);
    Client client(served.loop);
    const std::uint32_t sid = served.channel(client, "pv");
    const std::string data(8000, '\0');
    for (const bool deferred : {false, true}) {
        NOTE("deferred", deferred);
        client.send(message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data));
        client.send(get(sid));  // waits behind it
        served.settle({&client});
        CHECK(held(served) >= 8000u);
        std::vector<RequestPtr> requests = at_python(served);
        REQUIRE(requests.size() == 1u);
        if (deferred) {
            requests[0]->defer();
            served.settle({&client});
            CHECK(held(served) >= 8000u);
        }
        requests[0]->complete(ECA_NORMAL);
        requests.clear();
        served.settle({&client});
        CHECK(held(served) == 0u);
    }
    CHECK(client.got[CA_PROTO_WRITE_NOTIFY] == 2u);
}

TEST_CASE("held: puts that a driver keeps open have a limit, completed ones do not") {
    Config by_number, by_bytes;
    by_number.max_deferred_puts = 2;
    by_bytes.max_open_bytes = 16'000;
    for (const Config& config : {by_number, by_bytes}) {
        NOTE("by number", config.max_deferred_puts);
        Served served(1000, config);
        Client client(served.loop);
        const std::uint32_t sid = served.channel(client, "pv");
        const Bytes put = message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7,
                                  std::string(8000, '\0'));
        for (int round = 0; round < 3; ++round) {
            NOTE("round", round);
            std::vector<RequestPtr> kept;
            for (int n = 0; n < 2; ++n) {
                client.send(put);
                served.settle({&client});
                for (const RequestPtr& request : at_python(served)) {
                    request->defer();
                    kept.push_back(request);
                }
                served.settle({&client});
            }
            REQUIRE(kept.size() == 2u);
            client.send(put);
            served.settle({&client});
            CHECK(at_python(served).empty());
            CHECK(client.put_status == std::uint32_t{ECA_PUTFAIL});
            for (const RequestPtr& request : kept) request->complete(ECA_NORMAL);
            kept.clear();
            served.settle({&client});
            CHECK(client.put_status == std::uint32_t{ECA_NORMAL});
        }
        CHECK(client.got[CA_PROTO_WRITE_NOTIFY] == 9u);
        CHECK(held(served) == 0u);
    }
}

TEST_CASE("held: puts at Python have a limit of number and of bytes, and all come up") {
    Config by_number, by_bytes;
    by_number.max_open_requests = 3;
    by_bytes.max_open_bytes = 20'000;
    for (const Config& config : {by_number, by_bytes}) {
        NOTE("by number", config.max_open_requests);
        Served served(1000, config);
        Client client(served.loop);
        const std::uint32_t sid = served.channel(client, "pv");
        const std::string data(8000, '\0');
        client.send(repeated(
            message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data), 20));
        std::size_t all = 0;
        for (int round = 0; round < 20 && all < 20; ++round) {
            served.settle({&client});
            const std::vector<RequestPtr> requests = at_python(served);
            CHECK(requests.size() <= 3u);
            all += requests.size();
            for (const RequestPtr& request : requests) request->complete(ECA_NORMAL);
        }
        served.settle({&client});
        CHECK(client.got[CA_PROTO_WRITE_NOTIFY] == 20u);
        CHECK(held(served) == 0u);
    }
}

TEST_CASE("held: updates that wait are given back when nobody wants them any more") {
    Served served(100'000);
    Client slow(served.loop);
    const std::uint32_t sid = fall_behind(served, slow);
    for (const std::uint32_t subid : {1u, 2u}) {
        slow.send(message(CA_PROTO_EVENT_CANCEL, DBR_DOUBLE, 100'000, sid, subid));
    }
    served.settle({&slow});
    CHECK(held(served) == 0u);
}

TEST_CASE("held: names, reads and channels are given back when they are answered") {
    Served served;
    Client client(served.loop);
    const std::uint32_t sid = served.channel(client, "pv");
    served.shared.names->by_request().set_searches(true);
    served.shared.names->by_request().set_attaches(true);
    served.pv->set_reads_by_request(true);
    const std::string name(2000, 'x');
    client.send(message(CA_PROTO_SEARCH, DOREPLY, kMinorVersion, 5, 5, name + '\0'));
    client.send(message(CA_PROTO_CREATE_CHAN, 0, 0, 6, kMinorVersion, name + '\0'));
    client.send(get(sid));
    client.send(subscribe(sid, 8, 1));
    served.settle({&client});
    CHECK(held(served) > 4000u);
    for (const RequestPtr& request : at_python(served)) request->complete(ECA_GETFAIL);
    served.settle({&client});
    CHECK(held(served) == 0u);
    CHECK(client.got[CA_PROTO_NOT_FOUND] == 1u);
    CHECK(client.got[CA_PROTO_CREATE_CH_FAIL] == 1u);
}

namespace {

Config one_megabyte_for_a_host() {
    Config config;
    config.max_held_bytes_per_host = 1 << 20;
    return config;
}

// Clients that ask for more than their host may hold, and read nothing so far.
std::vector<std::unique_ptr<Client>> greedy_clients(Served& served) {
    std::vector<std::unique_ptr<Client>> greedy;
    for (int n = 0; n < 8; ++n) {
        greedy.push_back(std::make_unique<Client>(served.loop, 4096));
        const std::uint32_t sid = served.channel(*greedy.back(), "pv");
        greedy.back()->send(
            get(sid, DBR_DOUBLE, static_cast<std::uint32_t>(50'000 - n)));
        for (int turns = 0; turns < 4; ++turns) served.turn();
    }
    return greedy;
}

}  // namespace

TEST_CASE("held: gets are answered in their order, also behind one that has to wait") {
    Served served(50'000, one_megabyte_for_a_host());
    const auto greedy = greedy_clients(served);
    Client modest(served.loop);
    const std::uint32_t large = served.channel(modest, "pv");
    const std::uint32_t small = served.channel(modest, "other");
    modest.send(message(CA_PROTO_READ_NOTIFY, DBR_DOUBLE, 40'000, large, 7));
    modest.send(message(CA_PROTO_READ_NOTIFY, DBR_DOUBLE, 1, small, 8));
    for (int turns = 0; turns < 4; ++turns) served.turn();
    modest.receive();
    CHECK(modest.answered.empty());
    for (const auto& client : greedy) served.settle({client.get()});
    for (const auto& client : greedy) served.settle({client.get(), &modest});
    CHECK((modest.answered == std::vector<std::uint32_t>{7, 8}));
}

TEST_CASE(
    "held: who holds much waits for others of its host, who holds little does not") {
    Served served(50'000, one_megabyte_for_a_host());
    const auto greedy = greedy_clients(served);
    CHECK(held(served) >= 1u << 20);
    CHECK(held(served) < 2u << 20);
    Client modest(served.loop);
    const std::uint32_t other = served.channel(modest, "other");
    modest.send(get(other));
    served.turn();
    modest.receive();
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 1u);
    // However much it asks for, as long as it reads.
    modest.send(repeated(get(other), 10'000));
    served.settle({&modest});
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 10'001u);
    // Behind a put that Python is at, too.
    modest.send(message(CA_PROTO_WRITE, DBR_DOUBLE, 1, other, 1,
                        std::string_view("\0\0\0\0\0\0\0\0", 8)));
    modest.send(repeated(get(other), 3000));
    served.settle({&modest});
    for (const RequestPtr& request : at_python(served)) request->complete(ECA_NORMAL);
    served.settle({&modest});
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 13'001u);
    CHECK(held(served) >= 1u << 20);
    for (const auto& client : greedy) served.settle({client.get()});
    for (const auto& client : greedy) served.settle({client.get()});
    for (const auto& client : greedy) CHECK(client->got[CA_PROTO_READ_NOTIFY] == 1u);
    CHECK(held(served) == 0u);
}

namespace {

// A put callback of 8 kB that is at Python when its circuit ends.
RequestPtr left_behind(Served& served, bool deferred) {
    RequestPtr request;
    {
        Client client(served.loop, 65536);
        const std::uint32_t sid = served.channel(client, "pv");
        const std::string data(8000, '\0');
        client.send(message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data));
        served.settle({&client});
        std::vector<RequestPtr> requests = at_python(served);
        REQUIRE(requests.size() <= 1u);
        if (!requests.empty()) request = requests[0];
        if (deferred && request) request->defer();
        served.settle({&client});
    }
    served.settle({});
    return request;
}

}  // namespace

TEST_CASE("held: what outlives its circuit counts until it is completed") {
    for (const bool deferred : {false, true}) {
        NOTE("deferred", deferred);
        Served served(1000);
        RequestPtr first = left_behind(served, deferred);
        RequestPtr second = left_behind(served, deferred);
        while (LoopDriver::circuits(served.loop) > 0) {
            LoopDriver::end_lingering(served.loop);
        }
        CHECK(held(served) >= 16'000u);
        first->complete(ECA_NORMAL);
        first.reset();
        served.settle({});
        CHECK(held(served) >= 8000u);
        CHECK(held(served) < 16'000u);
        second.reset();  // nobody completes it: it fails
        served.settle({});
        CHECK(held(served) == 0u);
    }
}

TEST_CASE("held: of two puts that outlive their circuit each counts until it ends") {
    Served served(1000);
    std::vector<RequestPtr> left;
    {
        Client client(served.loop, 65536);
        const std::uint32_t sid = served.channel(client, "pv");
        const std::string data(8000, '\0');
        client.send(repeated(
            message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data), 2));
        served.settle({&client});
        left = at_python(served);
        for (const RequestPtr& request : left) request->defer();
        served.settle({&client});
    }
    served.settle({});
    REQUIRE(left.size() == 2u);
    while (LoopDriver::circuits(served.loop) > 0) {
        LoopDriver::end_lingering(served.loop);
    }
    CHECK(held(served) >= 16'000u);
    for (const std::size_t still : {8000u, 0u}) {
        left.back()->complete(ECA_NORMAL);
        left.pop_back();
        served.settle({});
        CHECK(held(served) >= still);
        CHECK(held(served) < still + 8000u);
    }
}

TEST_CASE("held: whoever comes and goes leaves no more than its host may") {
    Config config;
    config.max_held_bytes_per_host = 40'000;
    Served served(1000, config);
    std::vector<RequestPtr> left;
    for (int n = 0; n < 20; ++n) {
        if (RequestPtr request = left_behind(served, true)) left.push_back(request);
    }
    CHECK(left.size() >= 4u);
    CHECK(left.size() <= 5u);
    // What needs no Python goes on.
    Client modest(served.loop);
    const std::uint32_t other = served.channel(modest, "other");
    modest.send(get(other));
    served.settle({&modest});
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 1u);
    for (const RequestPtr& request : left) request->complete(ECA_NORMAL);
    left.clear();
    served.settle({&modest});
    CHECK(held(served) == 0u);
    CHECK(left_behind(served, true));  // and it fails, as nobody completes it
    served.settle({&modest});
    CHECK(held(served) == 0u);
    // What clients that are still there hold is their own affair.
    const std::uint32_t sid = served.channel(modest, "pv");
    const std::string data(8000, '\0');
    const Bytes put = message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data);
    for (std::size_t n = 1; n <= 5; ++n) {
        modest.send(put);
        served.settle({&modest});
        for (const RequestPtr& request : at_python(served)) left.push_back(request);
        CHECK(left.size() == n);
    }
    CHECK(held(served) >= config.max_held_bytes_per_host);
    if (RequestPtr request = left_behind(served, false)) left.push_back(request);
    CHECK(left.size() == 6u);
}

TEST_CASE("held: what a circuit holds is given back at its end, whatever that was") {
    Served served(1000);
    {
        Client client(served.loop, 65536);
        const std::uint32_t sid = served.channel(client, "pv");
        const std::string data(8000, '\0');
        client.send(message(CA_PROTO_WRITE_NOTIFY, DBR_DOUBLE, 1000, sid, 7, data));
        client.send(get(sid));
        client.send(subscribe(sid, 8, 1000));
        for (int n = 0; n < 10; ++n) served.turn();
        CHECK(held(served) > 8000u);
    }
    for (int n = 0; n < 10; ++n) served.turn();
    at_python(served);
    served.turn();
    CHECK(held(served) == 0u);
    CHECK(LoopDriver::circuits(served.loop) == 0u);
}

TEST_CASE("held: posts keep nothing for a channel without subscriptions") {
    Served served(1000);
    Client client(served.loop);
    const std::uint32_t sid = served.channel(client, "pv");
    client.send(subscribe(sid, 1, 1000));
    served.settle({&client});
    client.send(message(CA_PROTO_EVENT_CANCEL, DBR_DOUBLE, 1000, sid, 1));
    served.settle({&client});
    served.post(0);
    const auto before = living(Counted::Snapshot);
    for (int n = 1; n < 10; ++n) served.post(n);  // no turn in between
    CHECK(living(Counted::Snapshot) == before);
}
