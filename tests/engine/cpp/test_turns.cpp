// What one turn of the loop does for whom: nobody's work keeps it for long.
#include "served.hpp"

using namespace served;

TEST_CASE("turns: a get is answered in the turn it comes in, whoever streams text") {
    Served served(200'000);
    Client greedy(served.loop), modest(served.loop);
    const std::uint32_t sid = served.channel(greedy, "pv");
    const std::uint32_t other = served.channel(modest, "other");
    greedy.send(get(sid, DBR_STRING, 200'000));
    for (std::size_t n = 1; n <= 3; ++n) {
        modest.send(get(other));
        served.turn();
        modest.receive();
        CHECK(modest.got[CA_PROTO_READ_NOTIFY] == n);
        CHECK(greedy.got[CA_PROTO_READ_NOTIFY] == 0u);
    }
    CHECK(served.settle({&greedy, &modest}) > 3);
    CHECK(greedy.got[CA_PROTO_READ_NOTIFY] == 1u);
}

TEST_CASE("turns: many subscriptions are served over several turns, each value once") {
    Served served;
    Client crowd(served.loop), modest(served.loop);
    const std::uint32_t sid = served.channel(crowd, "pv");
    const std::uint32_t other = served.channel(modest, "other");
    constexpr std::uint32_t kMany = 60'000;
    for (std::uint32_t first = 0; first < kMany; first += 1000) {
        Bytes all;
        for (std::uint32_t n = 0; n < 1000; ++n) {
            const Bytes one = subscribe(sid, first + n, 1);
            all.insert(all.end(), one.begin(), one.end());
        }
        crowd.send(all);
        served.settle({&crowd});
    }
    CHECK(crowd.got[CA_PROTO_EVENT_ADD] == kMany);
    served.post(1);
    modest.send(get(other));
    served.turn();
    modest.receive();
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 1u);
    CHECK(LoopDriver::has_more(served.loop));
    // Who comes in between has the value already; who leaves is not asked again.
    crowd.send(subscribe(sid, kMany, 1));
    crowd.send(message(CA_PROTO_EVENT_CANCEL, DBR_DOUBLE, 1, sid, kMany - 1));
    const int turns = served.settle({&crowd, &modest});
    CHECK(turns > 2);
    const std::size_t updates = crowd.got[CA_PROTO_EVENT_ADD];
    CHECK(updates >= 2 * kMany + 1);  // the cancel's confirmation included
    CHECK(updates <= 2 * kMany + 2);
    CHECK(crowd.updates[kMany] == 1u);
    CHECK(served.shared.counters.updates_merged == 0u);
}

TEST_CASE(
    "turns: who posts faster than the loop delivers has the last value delivered") {
    Served served;
    Client crowd(served.loop);
    const std::uint32_t sid = served.channel(crowd, "pv");
    Bytes all;
    for (std::uint32_t n = 0; n < 20'000; ++n) {
        const Bytes one = subscribe(sid, n, 1);
        all.insert(all.end(), one.begin(), one.end());
        if (n % 1000 == 999) {
            crowd.send(all);
            served.settle({&crowd});
            all.clear();
        }
    }
    for (int n = 0; n < 200; ++n) {
        served.post(n);
        served.turn();
    }
    served.settle({&crowd});
    CHECK(crowd.last.size() == 20'000u);
    bool all_have_it = true;
    for (const auto& [subid, value] : crowd.last) all_have_it &= value == 199;
    CHECK(all_have_it);
}

TEST_CASE("turns: a flood of requests leaves the others their turn") {
    Served served(1000);
    Client flood(served.loop), modest(served.loop);
    const std::uint32_t sid = served.channel(flood, "pv");
    const std::uint32_t other = served.channel(modest, "other");
    // Each is a conversion: some 10 us.
    flood.send(repeated(get(sid, DBR_STRING, 300), 2000));
    modest.send(get(other));
    served.turn();
    modest.receive();
    flood.receive();
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 1u);
    CHECK(flood.got[CA_PROTO_READ_NOTIFY] < 2000u);
    served.settle({&flood, &modest});
    CHECK(flood.got[CA_PROTO_READ_NOTIFY] == 2000u);
}

TEST_CASE("turns: a circuit with many subscriptions ends over several turns") {
    Served served;
    Client modest(served.loop);
    const std::uint32_t other = served.channel(modest, "other");
    {
        Client crowd(served.loop);
        const std::uint32_t sid = served.channel(crowd, "pv");
        for (std::uint32_t first = 0; first < 60'000; first += 1000) {
            Bytes all;
            for (std::uint32_t n = 0; n < 1000; ++n) {
                const Bytes one = subscribe(sid, first + n, 1);
                all.insert(all.end(), one.begin(), one.end());
            }
            crowd.send(all);
            served.settle({&crowd});
        }
    }
    CHECK(served.shared.counters.subscriptions == 60'000u);
    while (served.shared.counters.subscriptions == 60'000u) served.turn();
    CHECK(served.shared.counters.subscriptions > 0u);
    CHECK(LoopDriver::circuits(served.loop) == 2u);
    modest.send(get(other));
    served.post(1);  // for those that are left, who get it no more
    served.turn();
    modest.receive();
    CHECK(modest.got[CA_PROTO_READ_NOTIFY] == 1u);
    served.settle({&modest});
    CHECK(served.shared.counters.subscriptions == 0u);
    CHECK(served.shared.counters.channels == 1u);
    CHECK(LoopDriver::circuits(served.loop) == 1u);
}

TEST_CASE("turns: of the updates that wait when events are turned off one is kept") {
    Served served(5000);
    Client off(served.loop, 4096), on(served.loop, 4096);
    for (Client* client : {&off, &on}) {
        client->send(subscribe(served.channel(*client, "pv"), 1, 5000));
    }
    for (int n = 1; n <= 30; ++n) {
        served.post(n);
        served.turn();
    }
    off.send(message(CA_PROTO_EVENTS_OFF, 0, 0, 0, 0));
    off.send(message(CA_PROTO_EVENTS_ON, 0, 0, 0, 0));
    served.settle({&off, &on});
    CHECK(off.last[1] == 30);
    CHECK(on.last[1] == 30);
    CHECK(off.updates[1] + 10 <= on.updates[1]);
}
