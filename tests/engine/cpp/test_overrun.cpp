// Threads that post faster than a server delivers wait for it, and for no client.
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "base/instances.hpp"
#include "pv/current_request.hpp"
#include "served.hpp"
#include "server/server.hpp"

using namespace served;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 1ms;

Clock::duration waited(const Pv& pv) {
    const auto begin = Clock::now();
    pv.wait_for_servers();
    return Clock::now() - begin;
}

// A thread may be kept from running at any time, but not each time.
bool goes_on_at_once(const Pv& pv) {
    for (int i = 0; i < 1000; ++i) {
        if (waited(pv) < kPatience) return true;
    }
    return false;
}

SnapshotPtr number(double value, std::uint32_t count = 1) {
    static const MetadataPtr metadata(new Metadata);
    Ref<Snapshot> s = Snapshot::create(DbfType::Double, count);
    std::memcpy(s->mutable_data(), &value, sizeof value);
    s->metadata = metadata;
    return s;
}

bool post(const Served& served, double value) {
    return served.pv->post(number(value, served.pv->max_count()), kValueEvent);
}

// Subscribed to the PV of that name.
void join(Served& served, Client& client, const char* name = "pv") {
    client.send(subscribe(served.channel(client, name), 1, 0));
    served.settle({&client});
}

// As many posts as it takes until one replaces another: they are few.
int posts_until_overrun(const Served& served) {
    for (int n = 1; n <= 100'000; ++n) {
        if (post(served, n)) return n;
    }
    return 0;
}

}  // namespace

TEST_CASE("overrun: a post says that it has replaced one, until these are taken") {
    Served served;
    Client client(served.loop);
    join(served, client);
    CHECK(posts_until_overrun(served) == 4097);
    CHECK(post(served, 1));
    served.settle({&client});
    CHECK(!post(served, 2));
    served.settle({&client});
    CHECK(client.last[1] == 2);
}

TEST_CASE("overrun: nobody is told of a PV that nobody subscribes to") {
    Served served;
    Client client(served.loop);
    served.channel(client, "pv");
    CHECK(posts_until_overrun(served) == 0);
    CHECK(goes_on_at_once(*served.pv));
}

TEST_CASE("overrun: a thread waits while nothing is taken, but not for ever") {
    Served served;
    Client client(served.loop);
    join(served, client);
    CHECK(goes_on_at_once(*served.pv));
    CHECK(posts_until_overrun(served) > 0);
    for (int i = 0; i < 3; ++i) CHECK(waited(*served.pv) >= kPatience);
    served.turn();
    CHECK(goes_on_at_once(*served.pv));
}

TEST_CASE("overrun: other PVs are not waited for") {
    Served served;
    Client client(served.loop);
    join(served, client);
    join(served, client, "other");
    CHECK(posts_until_overrun(served) > 0);
    CHECK(!served.other->post(number(1), kValueEvent));
    CHECK(goes_on_at_once(*served.other));
}

TEST_CASE("overrun: who carries out a request does not wait") {
    Served served;
    Client client(served.loop);
    join(served, client);
    CHECK(posts_until_overrun(served) > 0);
    CHECK(waited(*served.pv) >= kPatience);
    const RequestPtr request(
        new CaRequest(RequestKind::Write, served.shared.completions));
    const Request* before = swap_current_request(request.get());
    CHECK(goes_on_at_once(*served.pv));
    swap_current_request(before);
    CHECK(waited(*served.pv) >= kPatience);
    request->complete(ECA_NORMAL);
}

TEST_CASE("overrun: clients that leave are not waited for") {
    Served served;
    Client cancels(served.loop);
    {
        Client client(served.loop);
        join(served, client);
        CHECK(posts_until_overrun(served) > 0);
    }
    served.settle({&cancels});
    CHECK(goes_on_at_once(*served.pv));
    CHECK(!post(served, 1));
    // The channel of one that cancels stays.
    const std::uint32_t sid = served.channel(cancels, "pv");
    cancels.send(subscribe(sid, 1, 0));
    served.settle({&cancels});
    CHECK(posts_until_overrun(served) > 0);
    cancels.send(message(CA_PROTO_EVENT_CANCEL, DBR_DOUBLE, 1, sid, 1));
    LoopDriver::look_at_sockets(served.loop);
    CHECK(goes_on_at_once(*served.pv));
    CHECK(!post(served, 1));
    served.settle({&cancels});
}

TEST_CASE("overrun: a client that does not read overruns nothing") {
    Served served(1000);
    Client stalled(served.loop, 4096), reader(served.loop);
    join(served, stalled);
    join(served, reader);
    for (int n = 1; n <= 2000; ++n) {
        REQUIRE(!post(served, n));
        served.turn();
        reader.receive();
    }
    CHECK(served.shared.counters.updates_merged > 0u);
    served.settle({&reader});
    CHECK(reader.last[1] == 2000);
    CHECK(goes_on_at_once(*served.pv));
}

namespace {

// A server with a thread, to which threads post, each to its own PV.
struct Flooded {
    explicit Flooded(int posters) : server(on_loopback()) {
        for (int i = 0; i < posters; ++i) {
            pvs.push_back(Pv::create("pv" + std::to_string(i), 1, number(0)));
            server.add(pvs.back());
            sent.emplace_back(0);
        }
        server.start();
        server.requests().open();
    }
    static Config on_loopback() {
        Config config;
        config.interfaces = {"127.0.0.1"};
        config.udp_port = config.tcp_port = 0;
        config.auto_beacon_addresses = false;
        return config;
    }
    void flood(std::size_t which, unsigned seed, const std::atomic<bool>& ended) {
        std::mt19937 random(seed);
        double value = 0;
        while (!ended) {
            const auto posts = static_cast<int>(1 + random() % 2000);
            const bool batch = random() % 2 == 0;
            bool overrun = false;
            if (batch) PostBatch::begin();
            for (int i = 0; i < posts; ++i) {
                if (!pvs[which]->post(number(++value), kValueEvent)) continue;
                overrun = true;
                if (!batch) pvs[which]->wait_for_servers();
            }
            if (batch) PostBatch::end();
            if (batch && overrun) pvs[which]->wait_for_servers();
            sent[which] = value;
        }
    }
    Server server;
    std::vector<PvPtr> pvs;
    std::deque<std::atomic<double>> sent;
};

// Reads until `done()`, and fails after a minute.
template <class Done>
void read_until(std::vector<std::unique_ptr<Client>>& clients, Done&& done) {
    const auto limit = Clock::now() + 60s;
    while (!done()) {
        REQUIRE(Clock::now() < limit);
        for (const auto& client : clients) client->receive();
        std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("overrun: posters in threads, clients that read and that do not, the end") {
    constexpr int kPosters = 3, kReaders = 5;
    std::atomic<bool> ended{false};
    std::vector<std::unique_ptr<Client>> readers, stalled;
    std::vector<std::thread> posters;
    {
        Flooded flooded(kPosters);
        const std::uint16_t port = flooded.server.tcp_port();
        for (int i = 0; i < kReaders + 2; ++i) {
            auto& kind = i < kReaders ? readers : stalled;
            kind.push_back(std::make_unique<Client>(port));
            for (int pv = 0; pv < kPosters; ++pv)
                kind.back()->send(create(("pv" + std::to_string(pv)).c_str()));
        }
        const auto all_joined = [&](auto& clients) {
            for (auto& client : clients) {
                if (client->sids.size() < kPosters) return false;
            }
            return true;
        };
        read_until(readers, [&] { return all_joined(readers); });
        read_until(stalled, [&] { return all_joined(stalled); });
        for (auto* kind : {&readers, &stalled}) {
            for (auto& client : *kind) {
                for (std::size_t i = 0; i < kPosters; ++i)
                    client->send(
                        subscribe(client->sids[i], static_cast<std::uint32_t>(i), 1));
            }
        }
        for (std::size_t i = 0; i < kPosters; ++i)
            posters.emplace_back([&, i] { flooded.flood(i, 7, ended); });
        // Each of the readers gets new values, whoever does not read.
        read_until(readers, [&] {
            for (auto& client : readers) {
                for (std::uint32_t i = 0; i < kPosters; ++i) {
                    if (client->updates[i] < 1000) return false;
                }
            }
            return true;
        });
        ended = true;
        for (std::thread& poster : posters) poster.join();
        posters.clear();
        const auto have_the_last = [&](auto& clients) {
            for (auto& client : clients) {
                for (std::uint32_t i = 0; i < kPosters; ++i) {
                    if (client->last[i] != flooded.sent[i]) return false;
                }
            }
            return true;
        };
        read_until(readers, [&] { return have_the_last(readers); });
        read_until(stalled, [&] { return have_the_last(stalled); });
        for (auto* kind : {&readers, &stalled}) {
            for (auto& client : *kind) CHECK(!client->went_back);
        }
        // The server ends while they post.
        ended = false;
        for (std::size_t i = 0; i < kPosters; ++i)
            posters.emplace_back([&, i] { flooded.flood(i, 8, ended); });
        const std::size_t before = readers[0]->updates[0];
        read_until(readers, [&] { return readers[0]->updates[0] > before; });
        flooded.server.close();
        ended = true;
        for (std::thread& poster : posters) poster.join();
    }
}
