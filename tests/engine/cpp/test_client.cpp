// ext/client against a libca that only remembers.
#include <poll.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "check.hpp"
#include "client/dbr_fields.hpp"
#include "fake_libca.hpp"

using aioca::Batch;
using aioca::Monitor;
using fake::Client;

static std::size_t live() { return fake::process().nodes; }

TEST_CASE("client: a batch that is given up while it is queued is skipped") {
    Client client;
    client.connect();
    client.drain();
    Batch* batch = client.get(2);
    fake::reply(batch->slots[0], ECA_GETFAIL);  // a failure is told at once
    aioca::abandon(batch);
    CHECK(client.drain().size() == 0u);
    CHECK(live() == 2u);
    fake::reply(batch->slots[1]);  // the answer after the end deletes it
    CHECK(live() == 1u);
}

TEST_CASE("client: a batch that ended while it was queued is deleted by the drain") {
    Client client;
    client.connect();
    client.drain();
    Batch* batch = client.get();
    fake::reply(batch->slots[0]);
    aioca::abandon(batch);
    CHECK(live() == 2u);
    CHECK(client.drain().size() == 0u);
    CHECK(live() == 1u);
}

TEST_CASE("client: what is ready is named once and in order") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    fake::update(monitor);
    fake::update(monitor);
    const auto owners = client.drain();
    REQUIRE(owners.size() == 2u);
    CHECK((owners[0] == client.channel));
    CHECK((owners[1] == monitor));
    CHECK(monitor->dropped_updates() == 1u);
    aioca::close_monitor(monitor);
}

TEST_CASE("client: a loop is awake until it has taken what is ready") {
    Client client;
    const int descriptor = client.queue->waker.descriptor();
    const auto awake = [descriptor] {
        pollfd watched{descriptor, POLLIN, 0};
        return ::poll(&watched, 1, 0) == 1;
    };
    CHECK(!awake());
    client.connect();
    CHECK(awake());
    client.drain();
    CHECK(!awake());
}

TEST_CASE("client: a program that waits is woken, with a descriptor and without") {
    for (const bool has_descriptor : {true, false}) {
        Client client;
        aioca::Waker& waker = client.queue->waker;
        if (has_descriptor) REQUIRE(waker.descriptor() >= 0);
        waker.wait_at_most(std::chrono::milliseconds(1));  // until the time is over
        std::thread libca([&client] { client.connect(); });
        while (client.drain().size() == 0u) waker.wait_at_most(std::chrono::hours(1));
        libca.join();
    }
}

TEST_CASE("client: a lost channel can neither be read nor written") {
    Client client;
    client.connect();
    client.grant(true, true);
    CHECK(aioca::state_of(client.channel).readable);
    client.connect(false);
    const auto state = aioca::state_of(client.channel);
    CHECK(!state.readable);
    CHECK(!state.writable);
}

TEST_CASE("client: an owner that is gone is not named") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    fake::update(monitor);
    client.queue->disown(monitor);
    CHECK(client.drain().size() == 1u);
    aioca::close_monitor(monitor);
}

TEST_CASE("client: a channel goes when its last subscription has gone") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    aioca::close_channel(std::exchange(client.channel, nullptr));
    CHECK(fake::calls.take().size() == 0u);
    aioca::close_monitor(monitor);
    const auto calls = fake::calls.take();
    REQUIRE(calls.size() == 2u);
    CHECK(calls[0] == "clear subscription");
    CHECK(calls[1] == "clear channel");
    client.drain();
    CHECK(live() == 0u);
}

TEST_CASE("client: requests end with their channel") {
    Client client;
    client.connect();
    client.drain();
    Batch* batch = client.get(2);
    aioca::close_channel(std::exchange(client.channel, nullptr));
    CHECK(aioca::progress_of(batch).finished);
    CHECK(batch->slots[1].status == ECA_CHANDESTROY);
    CHECK(client.drain().size() == 1u);
    aioca::abandon(batch);
    CHECK(live() == 0u);
}

TEST_CASE("client: what libca did not take is submitted again if the loss is news") {
    Client client;
    client.connect();
    client.drain();
    aioca::state_of(client.channel);
    fake::status = ECA_DISCONN;
    Batch* batch = client.get();
    CHECK(aioca::progress_of(batch).lost);
    std::vector<std::size_t> lost;
    std::vector<std::uint8_t> now;
    aioca::take_lost(batch, lost, now);
    REQUIRE(lost.size() == 1u);
    CHECK((batch->slots[0].state == aioca::SlotState::Waiting));
    aioca::abandon(batch);

    client.connect(false);
    aioca::state_of(client.channel);  // the loop knows, and asks all the same
    batch = client.get();
    CHECK(!aioca::progress_of(batch).lost);
    CHECK(batch->slots[0].refused);
    aioca::abandon(batch);
}

TEST_CASE("client: plain puts are done when libca has them, but for a refused one") {
    Client client;
    client.connect();
    client.drain();
    for (const int refused : {-1, 0, 1, 2}) {
        fake::refused_put = refused;
        Batch* batch = client.put(3);
        for (int i = 0; i < 3; ++i) {
            const aioca::Slot& slot = batch->slots[static_cast<std::size_t>(i)];
            CHECK((slot.state == aioca::SlotState::Done));
            CHECK(slot.refused == (i == refused));
            CHECK(slot.status == (i == refused ? ECA_NOWTACCESS : ECA_NORMAL));
        }
        const auto progress = aioca::progress_of(batch);
        CHECK(progress.finished);
        CHECK(progress.failed == (refused >= 0));
        aioca::abandon(batch);
    }
    CHECK(fake::calls.take().size() == 12u);
    fake::status = ECA_DISCONN;  // the loss is news: nothing is done, all is sent again
    client.connect(false);
    Batch* batch = client.put(2);
    CHECK(aioca::progress_of(batch).lost);
    for (const aioca::Slot& slot : batch->slots)
        CHECK((slot.state == aioca::SlotState::Lost));
    aioca::abandon(batch);
}

TEST_CASE("client: the memory of an update serves for a later one") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    monitor->set_wishes(true, false);
    fake::update(monitor, '1');
    fake::update(monitor, '2');
    bool more = false;
    aioca::Block* first = monitor->take_oldest(more);
    CHECK(more);
    monitor->reuse(first);
    fake::update(monitor, '3');
    aioca::Block* second = monitor->take_oldest(more);
    CHECK(more);
    CHECK(second->data()[0] == '2');
    aioca::Block* third = monitor->take_oldest(more);
    CHECK(!more);
    CHECK((third == first));
    CHECK(third->data()[0] == '3');
    CHECK((third->next == nullptr));
    fake::value_size.fill(200);  // more than the spare one has room for
    monitor->reuse(second);
    monitor->reuse(third);
    std::array<char, 216> data{};
    data.back() = 'x';
    event_handler_args args{};
    args.usr = monitor;
    args.type = DBR_TIME_DOUBLE;
    args.count = 1;
    args.dbr = data.data();
    args.status = ECA_NORMAL;
    aioca::on_update(args);
    fake::value_size.fill(8);
    aioca::Block* big = monitor->take_oldest(more);
    CHECK(big->elements[199] == 'x');
    CHECK(big->capacity >= data.size());
    monitor->reuse(big);
    aioca::close_monitor(monitor);
}

TEST_CASE("client: a closed queue drops what is queued and what comes") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    Batch* batch = client.get();
    fake::update(monitor);
    fake::reply(batch->slots[0]);
    aioca::abandon(batch);
    client.queue->close();
    fake::update(monitor);
    client.connect(false);
    CHECK(client.drain().size() == 0u);
    aioca::close_monitor(monitor);
    CHECK(live() == 1u);
}

TEST_CASE("client: updates that are looked at go back before newer ones") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    monitor->set_wishes(true, false);
    fake::update(monitor);
    aioca::Block* first = monitor->take_all();
    fake::update(monitor);
    monitor->put_back(first);
    CHECK((monitor->take_oldest() == first));
    aioca::free_block(first);
    aioca::Block* second = monitor->take_oldest();
    CHECK((second != nullptr));
    aioca::free_block(second);
    CHECK((monitor->take_oldest() == nullptr));
    aioca::close_monitor(monitor);
}

TEST_CASE(
    "client: updates that nobody looks at are merged into the last, or all kept") {
    Client client;
    client.connect();
    Monitor* monitor = client.subscribe();
    for (const bool all : {false, true}) {
        monitor->set_wishes(all, false);
        for (const char n : {'1', '2', '3'}) fake::update(monitor, n);
        std::string seen;
        while (aioca::Block* block = monitor->take_oldest()) {
            seen += block->data()[0];
            aioca::free_block(block);
        }
        CHECK(seen == (all ? "123" : "3"));
        CHECK(monitor->dropped_updates() == 2u);
    }
    aioca::close_monitor(monitor);
}

TEST_CASE("client: threads of libca, the loop and a closer at the same time") {
    for (int round = 0; round < 200; ++round) {
        Client client;
        client.connect();
        Monitor* const monitor = client.subscribe();
        Monitor* const other = client.subscribe();
        Batch* const batch = client.get(3);
        std::thread answers([&] {
            for (aioca::Slot& slot : batch->slots) fake::reply(slot);
        });
        std::thread updates([&] {
            for (int i = 0; i < 20; ++i) fake::update(monitor);
        });
        std::thread connections([&] {
            client.connect(false);
            client.connect();
        });
        std::thread closer([other] { aioca::close_monitor(other); });
        for (int i = 0; i < 5; ++i) {
            client.drain();
            if (aioca::Block* block = monitor->take_oldest()) monitor->reuse(block);
            aioca::state_of(client.channel);
        }
        answers.join();
        aioca::abandon(batch);
        updates.join();
        connections.join();
        closer.join();
        std::thread last([monitor] { aioca::close_monitor(monitor); });
        aioca::close_channel(std::exchange(client.channel, nullptr));
        last.join();
    }
    CHECK(live() == 0u);
}

TEST_CASE("client: a batch is given up while its last answer comes") {
    for (int round = 0; round < 500; ++round) {
        Client client;
        client.connect();
        Batch* batch = client.get();
        std::thread answer([slot = &batch->slots[0]] { fake::reply(*slot); });
        aioca::abandon(batch);
        answer.join();
    }
    CHECK(live() == 0u);
}

TEST_CASE("client: texts of a server end with their memory") {
    dbr_ctrl_double limits{};
    std::memset(limits.units, 'x', sizeof limits.units);
    limits.precision = 3;
    aioca::ControlFields fields;
    REQUIRE(aioca::control_fields(DBR_CTRL_DOUBLE, &limits, fields));
    CHECK(fields.units == std::string_view("xxxxxxxx"));
    CHECK(fields.precision == 3);
    CHECK(!aioca::control_fields(DBR_CTRL_STRING, &limits, fields));
    dbr_ctrl_enum states{};
    std::memset(states.strs, 'y', sizeof states.strs);
    states.strs[1][2] = 0;
    for (const auto& [told, there] : {std::pair{-1, 0u}, {3, 3u}, {17, 16u}}) {
        states.no_str = static_cast<dbr_short_t>(told);
        CHECK(aioca::enum_states(&states) == there);
    }
    CHECK(aioca::enum_state(&states, 0).size() == sizeof states.strs[0]);
    CHECK(aioca::enum_state(&states, 1) == std::string_view("yy"));
}
