// PVs, the name table, and the queues between the loop and Python.
#include <caerr.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "base/instances.hpp"
#include "check.hpp"
#include "pv/pv.hpp"
#include "pv/pv_table.hpp"
#include "pv/request_queue.hpp"
#include "pv/serial_puts.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

MetadataPtr plain_metadata() { return MetadataPtr(new Metadata); }

PvPtr make_pv(const char* name = "x") {
    return Pv::create(name, DbfType::Long, 1, plain_metadata());
}

SnapshotPtr number(std::int32_t value) {
    Ref<Snapshot> s = Snapshot::create(DbfType::Long, 1);
    reinterpret_cast<std::int32_t*>(s->mutable_data())[0] = value;
    s->metadata = plain_metadata();
    return s;
}

std::int32_t value_of(const SnapshotPtr& s) { return s->elements<std::int32_t>()[0]; }

struct CountingQueue final : PostQueue {
    std::vector<PvClientsPtr> pushed;
    int pieces = 0;
    bool no_memory = false;
    void push(PvClientsPtr clients) override {
        if (no_memory) throw std::bad_alloc();
        pushed.push_back(std::move(clients));
        ++pieces;
    }
    void push_all(std::vector<PvClientsPtr>& clients) override {
        if (no_memory) throw std::bad_alloc();
        pushed.insert(pushed.end(), clients.begin(), clients.end());
        clients.clear();
        ++pieces;
    }
};

struct Clients final : PvClients {
    Clients(Pv& pv, std::shared_ptr<PostQueue> queue)
        : PvClients(pv, std::move(queue)) {}
};

// A subscription of the server that has this queue.
PvClients::Joined join(const PvPtr& pv, const std::shared_ptr<PostQueue>& queue) {
    if (!pv->clients_of(*queue)) pv->attach(PvClientsPtr(new Clients(*pv, queue)));
    return pv->clients_of(*queue)->join(kAllEvents);
}

std::vector<Event> events_of(const PvPtr& pv, const std::shared_ptr<PostQueue>& queue) {
    std::vector<Event> events;
    pv->clients_of(*queue)->take_events(events);
    return events;
}

struct WakeCounter {
    std::shared_ptr<int> wakes = std::make_shared<int>(0);
    std::shared_ptr<WakeGate> gate = std::make_shared<WakeGate>([n = wakes] { ++*n; });
};

}  // namespace

TEST_CASE("pv: a new one is UDF and INVALID with one zero") {
    const PvPtr pv = make_pv();
    const SnapshotPtr s = pv->snapshot();
    CHECK(value_of(s) == 0);
    CHECK(s->alarm.status == 17u);
    CHECK(s->alarm.severity == 3u);
}

TEST_CASE("pv: posts are queued only while somebody listens, once until taken") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    pv->post(number(1), kValueEvent);
    CHECK(queue->pushed.empty());
    const PvClients::Joined joined = join(pv, queue);
    CHECK(value_of(joined.current) == 1);

    pv->post(number(2), kValueEvent);
    pv->post(number(3), kAlarmEvent);
    CHECK(queue->pushed.size() == 1u);
    const std::vector<Event> events = events_of(pv, queue);
    REQUIRE(events.size() == 2u);
    CHECK(value_of(events[0].snapshot) == 2);
    CHECK(events[1].mask == kAlarmEvent);
    pv->post(number(4), kValueEvent);
    CHECK(queue->pushed.size() == 2u);
    CHECK(pv->clients_of(*queue)->no_subscriptions());
    CHECK(events_of(pv, queue).empty());
    queue->pushed.clear();
}

TEST_CASE("pv: a batch of posts is handed over once, at its end") {
    const PvPtr a = make_pv("a"), b = make_pv("b");
    const auto queue = std::make_shared<CountingQueue>();
    join(a, queue);
    join(b, queue);
    PostBatch::begin();
    a->post(number(1), kValueEvent);
    PostBatch::begin();
    b->post(number(1), kValueEvent);
    PostBatch::end();
    CHECK(queue->pieces == 0);
    PostBatch::end();
    CHECK(queue->pieces == 1);
    CHECK(queue->pushed.size() == 2u);
    events_of(a, queue);
    a->post(number(2), kValueEvent);
    CHECK(queue->pieces == 2);
    queue->pushed.clear();
}

TEST_CASE("pv: a very large batch is handed over in several pieces") {
    std::vector<PvPtr> pvs;
    const auto queue = std::make_shared<CountingQueue>();
    for (int i = 0; i < 3000; ++i) {
        pvs.push_back(make_pv());
        join(pvs.back(), queue);
    }
    PostBatch::begin();
    for (const PvPtr& pv : pvs) pv->post(number(1), kValueEvent);
    CHECK(queue->pieces == 2);
    PostBatch::end();
    CHECK(queue->pieces == 3);
    CHECK(queue->pushed.size() == 3000u);
    queue->pushed.clear();
}

TEST_CASE("pv: a batch for two servers goes to both") {
    const PvPtr a = make_pv("a"), b = make_pv("b");
    const auto first = std::make_shared<CountingQueue>();
    const auto second = std::make_shared<CountingQueue>();
    join(a, first);
    join(b, second);
    PostBatch::begin();
    a->post(number(1), kValueEvent);
    b->post(number(1), kValueEvent);
    PostBatch::end();
    CHECK(first->pushed == std::vector{a->clients_of(*first)});
    CHECK(second->pushed == std::vector{b->clients_of(*second)});
    first->pushed.clear();
    second->pushed.clear();
}

TEST_CASE("pv: a post that found no memory to be queued goes with the next one") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    join(pv, queue);
    queue->no_memory = true;
    bool thrown = false;
    try {
        pv->post(number(1), kValueEvent);
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    CHECK(thrown);
    queue->no_memory = false;
    pv->post(number(2), kValueEvent);
    CHECK(queue->pushed.size() == 1u);
    CHECK(value_of(events_of(pv, queue).back().snapshot) == 2);
    queue->pushed.clear();
}

TEST_CASE("pv: who joins later gets the current value, the others what came before") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    join(pv, queue);
    pv->post(number(1), kValueEvent);
    pv->post(number(2), kValueEvent);
    const PvClients::Joined second = join(pv, queue);
    CHECK(value_of(second.current) == 2);
    pv->post(number(3), kValueEvent);
    const std::vector<Event> events = events_of(pv, queue);
    REQUIRE(events.size() == 3u);
    CHECK(events[1].number == second.number);  // it has this value
    CHECK(events[2].number > second.number);
    queue->pushed.clear();
}

TEST_CASE("pv: few events are kept while the loop is behind, the last one among them") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    join(pv, queue);
    queue->set_behind(true);
    for (int i = 0; i < 1000; ++i) pv->post(number(i), kValueEvent);
    const std::vector<Event> events = events_of(pv, queue);
    CHECK(events.size() == 8u);
    CHECK(value_of(events.back().snapshot) == 999);
    CHECK(events.back().number == 1000u);
    queue->pushed.clear();
}

TEST_CASE("pv: posting without end keeps a bounded queue and the last value") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    join(pv, queue);
    pv->post(number(-1), kPropertyEvent);
    for (int i = 0; i < 100'000; ++i) pv->post(number(i), kValueEvent);
    const std::vector<Event> events = events_of(pv, queue);
    CHECK(events.size() <= 4096u);
    CHECK(value_of(events.front().snapshot) == -1);
    CHECK(value_of(events.back().snapshot) == 99'999);
    CHECK(queue->pushed.size() == 1u);
    queue->pushed.clear();
}

TEST_CASE("pv: large events are limited by their bytes, and lose no mask") {
    constexpr std::uint32_t kLarge = 300'000;
    const PvPtr pv = Pv::create("x", DbfType::Char, kLarge, plain_metadata());
    const auto queue = std::make_shared<CountingQueue>();
    join(pv, queue);
    for (int round = 0; round < 2; ++round) {
        NOTE("round", round);
        for (std::uint8_t n = 0; n < 10; ++n) {
            Ref<Snapshot> s = Snapshot::create(DbfType::Char, kLarge);
            s->mutable_data()[0] = std::byte{n};
            s->metadata = plain_metadata();
            pv->post(std::move(s), n == 9 ? kAlarmEvent : kValueEvent);
        }
        const std::vector<Event> events = events_of(pv, queue);
        REQUIRE(events.size() == 4u);  // the first with which they are 1 MB, or more
        CHECK(events[2].snapshot->data()[0] == std::byte{2});
        CHECK(events[2].mask == kValueEvent);
        CHECK(events[3].snapshot->data()[0] == std::byte{9});
        CHECK(events[3].mask == (kValueEvent | kAlarmEvent));
    }
    queue->pushed.clear();
}

TEST_CASE("pv: each server has a queue of its own, and none waits for another") {
    const PvPtr pv = make_pv();
    const auto stalled = std::make_shared<CountingQueue>();
    const auto quick = std::make_shared<CountingQueue>();
    CHECK(join(pv, stalled).first);
    CHECK(!join(pv, quick).first);
    stalled->set_behind(true);
    for (int i = 0; i < 100; ++i) {
        pv->post(number(i), i == 50 ? kAlarmEvent : kValueEvent);
        const std::vector<Event> events = events_of(pv, quick);
        REQUIRE(events.size() == 1u);
        CHECK(value_of(events[0].snapshot) == i);
        CHECK(events[0].number == static_cast<std::uint64_t>(i) + 1);
    }
    CHECK(quick->pushed.size() == 100u);
    CHECK(stalled->pushed.size() == 1u);
    const std::vector<Event> late = events_of(pv, stalled);
    REQUIRE(late.size() == 8u);
    CHECK(value_of(late.back().snapshot) == 99);
    CHECK(late.back().mask == (kValueEvent | kAlarmEvent));
    stalled->pushed.clear();
    quick->pushed.clear();
}

TEST_CASE("pv: posts of a batch go to each server in one piece") {
    const PvPtr a = make_pv("a"), b = make_pv("b");
    const std::array queues{std::make_shared<CountingQueue>(),
                            std::make_shared<CountingQueue>()};
    for (const auto& queue : queues) {
        join(a, queue);
        join(b, queue);
    }
    for (std::size_t round = 1; round <= 2; ++round) {
        PostBatch::begin();
        for (const PvPtr& pv : {a, b}) pv->post(number(1), kValueEvent);
        PostBatch::end();
        for (const auto& queue : queues) {
            CHECK(queue->pieces == static_cast<int>(round));
            CHECK(queue->pushed.size() == 2 * round);
            for (const PvPtr& pv : {a, b}) CHECK(events_of(pv, queue).size() == 1u);
        }
    }
    for (const auto& queue : queues) queue->pushed.clear();
}

TEST_CASE(
    "pv: a post that one server has no memory for goes to all with the next one") {
    const PvPtr pv = make_pv();
    const auto poor = std::make_shared<CountingQueue>();
    const auto other = std::make_shared<CountingQueue>();
    join(pv, other);
    join(pv, poor);  // it is told first
    poor->no_memory = true;
    bool thrown = false;
    try {
        pv->post(number(1), kValueEvent);
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    CHECK(thrown);
    poor->no_memory = false;
    pv->post(number(2), kValueEvent);
    for (const auto& queue : {poor, other}) {
        CHECK(queue->pushed.size() == 1u);
        CHECK(events_of(pv, queue).size() == 2u);
        queue->pushed.clear();
    }
}

TEST_CASE("pv: clients that have left get nothing more, and hold nothing") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    const auto other = std::make_shared<CountingQueue>();
    join(pv, queue);
    join(pv, other);
    pv->post(number(1), kValueEvent);
    const PvClientsPtr left = pv->clients_of(*queue);
    pv->detach(*left);
    CHECK(!pv->clients_of(*queue));
    CHECK(pv->has_subscriptions());
    pv->post(number(2), kValueEvent);
    std::vector<Event> events;
    left->take_events(events);
    CHECK(events.empty());
    CHECK(events_of(pv, other).size() == 2u);
    // A new one starts anew, whatever the queue still has.
    CHECK(value_of(join(pv, queue).current) == 2);
    CHECK(events_of(pv, queue).empty());
    pv->detach(*pv->clients_of(*other));
    pv->detach(*pv->clients_of(*queue));
    CHECK(!pv->has_subscriptions());
    queue->pushed.clear();
    other->pushed.clear();
}

TEST_CASE("pv: interest is that of all servers together") {
    const PvPtr pv = make_pv();
    const auto one = std::make_shared<CountingQueue>();
    const auto two = std::make_shared<CountingQueue>();
    bool now = false;
    CHECK(join(pv, one).first);
    CHECK(pv->take_interest(now));
    CHECK(!join(pv, two).first);
    CHECK(!pv->take_interest(now));
    CHECK(!pv->clients_of(*one)->no_subscriptions());
    CHECK(!pv->take_interest(now));
    CHECK(now);
    CHECK(pv->clients_of(*two)->no_subscriptions());
    CHECK(pv->take_interest(now));
    CHECK(!now);
}

TEST_CASE("pv: interest is told when it has changed") {
    const PvPtr pv = make_pv();
    const auto queue = std::make_shared<CountingQueue>();
    bool now = true;
    CHECK(!pv->take_interest(now));
    CHECK(!now);
    for (int round = 0; round < 2; ++round) {
        join(pv, queue);
        CHECK(pv->take_interest(now));
        CHECK(now);
        CHECK(!pv->take_interest(now));
        pv->clients_of(*queue)->no_subscriptions();
        CHECK(pv->take_interest(now));
        CHECK(!now);
        CHECK(!pv->take_interest(now));
    }
}

TEST_CASE("pv table: replacing and removing hand back the old one") {
    PvTable table;
    const PvPtr first = make_pv("a"), second = make_pv("a");
    CHECK(!table.add(first));
    CHECK(table.add(second) == first);
    CHECK(table.find("a") == second);
    CHECK(!table.find("b"));
    CHECK(!table.add("b", second));
    CHECK(table.find("b") == second);
    CHECK(table.size() == 2u);
    CHECK(table.add("b", first) == second);
    CHECK(table.remove("b") == first);
    CHECK(table.remove("a") == second);
    CHECK(!table.remove("a"));
    CHECK(table.size() == 0u);
}

namespace {

std::vector<Completion> all_of(CompletionQueue& completions) {
    std::vector<Completion> all;
    completions.take(all);
    return all;
}

}  // namespace

TEST_CASE("request: only the first completion counts") {
    const auto completions = std::make_shared<CompletionQueue>();
    const WakeCounter counter;
    completions->open(counter.gate);
    const RequestPtr request(new Request(RequestKind::Write, completions));
    CHECK(request->complete(ECA_NORMAL));
    CHECK(!request->complete(ECA_PUTFAIL));
    CHECK(request->status() == static_cast<EcaStatus>(ECA_NORMAL));
    CHECK(all_of(*completions).size() == 1u);
    completions->close();
    const RequestPtr late(new Request(RequestKind::Write, completions));
    CHECK(late->complete(ECA_NORMAL));
    CHECK(all_of(*completions).empty());
}

TEST_CASE("request: one that nobody completed fails, and is gone then") {
    const std::int64_t before = living(Counted::Request);
    const auto completions = std::make_shared<CompletionQueue>();
    completions->open(std::make_shared<WakeGate>([] {}));
    RequestPtr(new Request(RequestKind::Write, completions)).reset();
    {
        const auto entries = all_of(*completions);
        CHECK(entries.size() == 1u);
        CHECK(entries[0].request->status() == EcaStatus{ECA_PUTFAIL});
    }
    CHECK(living(Counted::Request) == before);
    completions->close();
    RequestPtr(new Request(RequestKind::Read, completions)).reset();
    CHECK(living(Counted::Request) == before);
}

TEST_CASE("completions: a burst wakes once, flush wakes for the rest") {
    CompletionQueue completions;
    const WakeCounter counter;
    completions.open(counter.gate);
    const auto begin = WakeGate::Clock::now();
    for (int i = 0; i < 50; ++i) {
        completions.tell(RequestPtr(new Request(RequestKind::Read, nullptr)), true);
    }
    if (WakeGate::Clock::now() - begin < WakeGate::kInterval)
        CHECK(*counter.wakes == 1);
    const int before = *counter.wakes;
    completions.tell(RequestPtr(new Request(RequestKind::Read, nullptr)), true);
    completions.flush();
    CHECK(*counter.wakes > before);
    const int after = *counter.wakes;
    completions.flush();
    CHECK(*counter.wakes == after);
    CHECK(all_of(completions).size() == 51u);
}

TEST_CASE("wake gate: the time to look again covers what did not wake") {
    const WakeCounter counter;
    counter.gate->signal();
    CHECK(*counter.wakes == 1);
    counter.gate->signal();
    CHECK(counter.gate->sleep_until() < WakeGate::Clock::now() + 1ms);
}

TEST_CASE("wake gate: no long sleep over work that came in the last interval") {
    const WakeCounter counter;
    counter.gate->signal();
    counter.gate->taken();
    counter.gate->signal();  // too soon to wake: the loop has to look
    std::this_thread::sleep_for(2 * WakeGate::kInterval);  // a turn that took long
    CHECK(counter.gate->sleep_until() <= WakeGate::Clock::now());
}

TEST_CASE("wake gate: a loop that sleeps is woken once") {
    const WakeCounter counter;
    counter.gate->taken();
    CHECK(counter.gate->sleep_until() == WakeGate::Clock::time_point::max());
    for (int i = 0; i < 20; ++i) counter.gate->signal();
    CHECK(*counter.wakes == 1);
}

TEST_CASE("wake gate: work that comes one at a time makes no short sleeps") {
    const WakeCounter counter;
    counter.gate->taken();
    CHECK(counter.gate->sleep_until() == WakeGate::Clock::time_point::max());
    counter.gate->signal();
    counter.gate->taken();
    CHECK(counter.gate->sleep_until() == WakeGate::Clock::time_point::max());
    CHECK(*counter.wakes == 1);
    counter.gate->signal();
    CHECK(*counter.wakes == 2);
}

TEST_CASE("wake gate: what is hushed wakes when it is flushed") {
    const WakeCounter counter, other;
    counter.gate->hush();
    for (int i = 0; i < 3; ++i) counter.gate->signal();
    CHECK(*counter.wakes == 0);
    CHECK(counter.gate->unwoken());
    other.gate->signal();
    CHECK(*other.wakes == 1);
    std::thread([&] { counter.gate->signal(); }).join();
    CHECK(*counter.wakes == 1);
    WakeGate::end_hush();
    counter.gate->flush();
    CHECK(*counter.wakes == 2);
    CHECK(!counter.gate->unwoken());
}

TEST_CASE("wake gate: who leaves the work to one that sleeps has it woken") {
    const WakeCounter counter;
    counter.gate->taken();
    CHECK(counter.gate->sleep_until() == WakeGate::Clock::time_point::max());
    counter.gate->signal();
    counter.gate->taken();  // by another thread
    CHECK(!counter.gate->leave());
    counter.gate->signal();
    CHECK(*counter.wakes == 2);
    counter.gate->taken();
    counter.gate->note();
    CHECK(counter.gate->leave());
}

TEST_CASE("request queue: who waits elsewhere is called, once") {
    RequestQueue queue;
    int calls = 0;
    const std::function<void()> call = [&] { ++calls; };
    const auto push = [&queue] {
        queue.push(RequestPtr(new Request(RequestKind::Write, nullptr)));
    };
    REQUIRE(queue.go_elsewhere(call));
    CHECK(queue.waiting() == 1u);
    CHECK(!queue.back_from_elsewhere());
    push();  // while it is back
    CHECK(calls == 0);
    CHECK(!queue.go_elsewhere(call));
    CHECK(queue.take(10, 0s).size() == 1u);
    REQUIRE(queue.go_elsewhere(call));
    push();
    push();
    CHECK(calls == 1);
    CHECK(queue.back_from_elsewhere());
    CHECK(queue.take(10, 0s).size() == 2u);
    REQUIRE(queue.go_elsewhere(call));
    queue.interrupt();
    CHECK(calls == 2);
    CHECK(queue.back_from_elsewhere());
    REQUIRE(queue.go_elsewhere(call));
    queue.close();
    CHECK(calls == 3);
    CHECK(queue.back_from_elsewhere());
    CHECK(!queue.go_elsewhere(call));
}

TEST_CASE("request queue: order is kept and a waiting thread is woken") {
    RequestQueue queue;
    std::thread pusher([&] {
        for (int i = 0; i < 1000; ++i) {
            RequestPtr request(new Request(RequestKind::Write, nullptr));
            request->channel = static_cast<std::uint32_t>(i);
            queue.push(std::move(request));
        }
    });
    std::uint32_t next = 0;
    while (next < 1000) {
        for (const RequestPtr& request : queue.take(100, 10s)) {
            CHECK(request->channel == next++);
        }
    }
    pusher.join();
    CHECK(queue.take(1, 0s).empty());
}

namespace {

RequestPtr numbered(std::uint64_t lane, std::uint32_t number) {
    RequestPtr request(new Request(RequestKind::Write, nullptr));
    request->lane = lane;
    request->channel = number;
    return request;
}

}  // namespace

TEST_CASE("request queue: lanes take turns, each in its own order") {
    RequestQueue queue;
    for (std::uint32_t n = 0; n < 1000; ++n) queue.push(numbered(1, n));
    CHECK(queue.take(2, 0s).size() == 2u);
    for (std::uint32_t n = 0; n < 3; ++n) queue.push(numbered(2, n));
    queue.push(numbered(3, 0));
    const std::vector<RequestPtr> taken = queue.take(8, 0s);
    REQUIRE(taken.size() == 8u);
    std::vector<std::uint64_t> order;
    for (const RequestPtr& request : taken) {
        order.push_back(request->lane * 1000 + request->channel);
    }
    CHECK((order ==
           std::vector<std::uint64_t>{1002, 2000, 3000, 1003, 2001, 1004, 2002, 1005}));
    CHECK(queue.size() == 994u);
    CHECK(queue.take(10'000, 0s).size() == 994u);
    CHECK(queue.size() == 0u);
}

TEST_CASE("request queue: one that is full has room for who has nothing in it") {
    RequestQueue queue(10);
    for (std::uint32_t n = 0; n < 10; ++n) CHECK(queue.push(numbered(1, n)));
    CHECK(!queue.push(numbered(1, 10)));
    CHECK(queue.push(numbered(2, 0)));
    CHECK(!queue.push(numbered(2, 1)));
    CHECK(queue.dropped() == 2u);
    CHECK(queue.size() == 11u);
}

TEST_CASE("request queue: large ones are limited by their bytes while they are in it") {
    RequestQueue queue(1000, 30'000);
    const auto large = [](std::uint64_t lane) {
        RequestPtr request = numbered(lane, 0);
        request->name.assign(10'000, 'x');
        return request;
    };
    for (int round = 0; round < 3; ++round) {
        NOTE("round", round);
        for (int n = 0; n < 3; ++n) CHECK(queue.push(large(1)));
        CHECK(!queue.push(large(1)));
        CHECK(!queue.push(large(2)));
        CHECK(queue.push(numbered(2, 0)));
        CHECK(queue.take(100, 0s).size() == 4u);
    }
}

TEST_CASE("request queue: a long lane that is never taken ends without a word") {
    RequestQueue queue(1'000'000);
    for (std::uint32_t n = 0; n < 300'000; ++n) queue.push(numbered(1, n));
    queue.close();
    CHECK(queue.size() == 0u);
}

TEST_CASE("request queue: interrupt and close end the wait") {
    RequestQueue queue;
    std::thread waiter([&] { CHECK(queue.take(1, 60s).empty()); });
    while (queue.waiting() == 0) std::this_thread::yield();
    queue.interrupt();
    waiter.join();
    queue.close();
    queue.push(RequestPtr(new Request(RequestKind::Write, nullptr)));
    CHECK(queue.take(1, 60s).empty());
    queue.open();
    queue.push(RequestPtr(new Request(RequestKind::Write, nullptr)));
    CHECK(queue.take(1, 0s).size() == 1u);
}

TEST_CASE("serial puts: one that is withdrawn when nobody takes completions") {
    const auto before = living(Counted::Request);
    const auto completions = std::make_shared<CompletionQueue>();  // never opened
    const auto queue = std::make_shared<RequestQueue>(10, 1 << 20);
    const PvPtr pv = make_pv();
    pv->set_puts_in_series(true);
    const auto put = [&] {
        RequestPtr made(new Request(RequestKind::Write, completions));
        made->pv = pv;
        made->lane = 1;
        made->channel = 7;
        made->in_series = true;
        return made;
    };
    RequestPtr first = put();
    CHECK(pv->serial_puts()->begin(first, queue) == SerialPuts::Turn::Now);
    CHECK(pv->serial_puts()->begin(put(), queue) == SerialPuts::Turn::Later);
    pv->serial_puts()->withdraw(1, 7);
    first.reset();
    CHECK(living(Counted::Request) == before);
}
