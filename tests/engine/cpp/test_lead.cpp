// A thread that leads takes the turns in place of the reactor's own; nobody waits for
// it when it has left, whatever it left behind.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "net/reactor.hpp"
#include "net/unique_fd.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

constexpr auto kGuard = 60s;  // against hanging only

template <class F>
bool comes(F&& f) {
    const auto end = std::chrono::steady_clock::now() + kGuard;
    while (!f()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

struct Work final : ReactorWork {
    void begin() override {}
    void end() noexcept override { ended = true; }
    void before_io(std::size_t) override {}
    void after_io() override {
        by = std::this_thread::get_id();
        ++turns;
        if (more > 0) --more;
        if (fails.exchange(false)) throw std::runtime_error("on purpose");
    }
    bool has_more() const noexcept override { return more > 0; }
    void on_exception(const char*, const std::exception&) noexcept override {
        ++exceptions;
    }
    std::atomic<std::thread::id> by;  // who took the last turn
    std::atomic<int> turns{0}, exceptions{0}, more{0};
    std::atomic<bool> ended{false}, fails{false};
};

// What the leader waits for.
struct Call final : Awaited {
    bool may_sleep() override { return !here; }
    bool has_come() noexcept override { return here; }
    std::atomic<bool> here{false};
};

// One end of a connection, on the reactor.
class Line final : public IoHandler {
  public:
    explicit Line(Reactor& reactor) : reactor_(reactor) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) ==
                0);
        mine_ = UniqueSocket(ends[0]);
        theirs_ = UniqueSocket(ends[1]);
    }
    void add() { reactor_.poller().add(mine_.get(), *this, {true, false}); }
    void remove() { reactor_.poller().remove(mine_.get(), *this); }
    void send() const { REQUIRE(::write(theirs_.get(), "x", 1) == 1); }
    void on_io(bool, bool) override {
        std::array<char, 16> bytes;
        const auto n = ::read(mine_.get(), bytes.data(), bytes.size());
        by = std::this_thread::get_id();
        if (on_input) on_input();
        got += static_cast<int>(n > 0 ? n : 0);
        ++told;
    }
    std::function<void()> on_input;
    std::atomic<std::thread::id> by;
    std::atomic<int> got{0}, told{0};

  private:
    Reactor& reactor_;
    UniqueSocket mine_, theirs_;
};

// A reactor that runs, with a line on it.
class Running {
  public:
    Running() : line(reactor) {
        line.add();
        thread = std::thread([this] { reactor.run(work); });
    }
    ~Running() { stop(); }
    void stop() {
        if (!thread.joinable()) return;
        reactor.stop();
        thread.join();
    }
    bool begins_to_lead() {
        return comes([this] { return reactor.begin_to_lead(); });
    }
    void lead(Reactor::Clock::duration time) {
        reactor.lead(work, call, Reactor::Clock::now() + time);
    }

    Reactor reactor;
    Work work;
    Line line;
    Call call;
    std::thread thread;
};

}  // namespace

TEST_CASE("lead: what comes for the leader is received by its own thread") {
    Running running;
    running.line.on_input = [&] { running.call.here = true; };
    REQUIRE(running.begins_to_lead());
    running.line.send();
    running.lead(kGuard);
    CHECK(running.line.got == 1);
    CHECK((running.line.by.load() == std::this_thread::get_id()));
    CHECK((running.work.by.load() == std::this_thread::get_id()));
    CHECK(running.reactor.in_loop() == false);
}

TEST_CASE("lead: as soon as the leader has left, the reactor's own thread receives") {
    Running running;
    REQUIRE(running.begins_to_lead());
    running.call.here = true;
    running.lead(kGuard);
    for (int n = 1; n <= 3; ++n) {
        running.line.send();
        REQUIRE(comes([&] { return running.line.got == n; }));
        CHECK((running.line.by.load() == running.thread.get_id()));
    }
    // And so it does when nobody has led for long.
    for (int n = 4; n <= 150; ++n) {
        running.line.send();
        REQUIRE(comes([&] { return running.line.got == n; }));
    }
    running.call.here = false;
    REQUIRE(running.begins_to_lead());
    running.line.on_input = [&] { running.call.here = true; };
    running.line.send();
    running.lead(kGuard);
    CHECK((running.line.by.load() == std::this_thread::get_id()));
}

TEST_CASE("lead: one thread at a time") {
    Running running;
    REQUIRE(running.begins_to_lead());
    CHECK(!running.reactor.begin_to_lead());
    running.call.here = true;
    running.lead(kGuard);
    REQUIRE(running.reactor.begin_to_lead());
    running.lead(kGuard);
}

TEST_CASE("lead: it ends when the time is over") {
    Running running;
    REQUIRE(running.begins_to_lead());
    const auto before = Reactor::Clock::now();
    running.lead(20ms);
    CHECK((Reactor::Clock::now() - before >= 20ms));
}

TEST_CASE("lead: the end of the reactor ends it, and waits for it") {
    for (int n = 0; n < 50; ++n) {
        Running running;
        REQUIRE(running.begins_to_lead());
        std::thread leader([&] { running.lead(kGuard); });
        running.stop();
        CHECK(running.work.ended.load());
        CHECK(!running.reactor.begin_to_lead());
        leader.join();
    }
}

TEST_CASE("lead: commands and signals wake the leader") {
    Running running;
    REQUIRE(running.begins_to_lead());
    std::atomic<std::thread::id> by;
    std::thread other([&] {
        for (int n = 1; n <= 200; ++n) {
            std::atomic<bool> done{false};
            running.reactor.call([&] {
                by = std::this_thread::get_id();
                done = true;
            });
            REQUIRE(comes([&] { return done.load(); }));
        }
        running.call.here = true;
        running.reactor.wake();
    });
    running.lead(kGuard);
    other.join();
    CHECK((by.load() == std::this_thread::get_id()));
}

TEST_CASE("lead: what a leader leaves undone is gone on with") {
    Running running;
    std::atomic<int> done{0};
    // In its last turn, each on its own: more to do, a timer, a command.
    const std::array<std::function<void()>, 3> leave_behind{
        [&] { running.work.more = 5; },
        [&] { running.reactor.timers().after(5ms, [&] { ++done; }); },
        [&] { running.reactor.call([&] { ++done; }); }};
    for (std::size_t i = 0; i < leave_behind.size(); ++i) {
        NOTE("left behind", i);
        done = i == 0 ? 1 : 0;
        running.call.here = false;
        REQUIRE(running.begins_to_lead());
        running.line.on_input = [&] {
            running.call.here = true;
            leave_behind[i]();
        };
        running.line.send();
        running.lead(kGuard);
        CHECK(comes([&] { return running.work.more == 0 && done == 1; }));
    }
}

TEST_CASE("lead: a turn that is broken off is taken up again") {
    Running running;
    REQUIRE(running.begins_to_lead());
    running.line.on_input = [&] { running.call.here = running.line.told > 0; };
    running.work.fails = true;
    running.line.send();
    std::thread sender([&] {
        REQUIRE(comes([&] { return running.work.exceptions == 1; }));
        running.line.send();
    });
    running.lead(kGuard);
    sender.join();
    CHECK(running.line.told.load() >= 2);
}

TEST_CASE("lead: a turn that another thread takes when it is free") {
    Running running;
    std::atomic<bool> done{false};
    {
        // The reactor's own thread waits for the turn.
        const std::lock_guard turn(running.reactor.turn_mutex());
        running.reactor.call([&] { done = true; });
        std::thread other([&] { CHECK(!running.reactor.try_turn(running.work)); });
        other.join();
        CHECK(!done.load());
    }
    CHECK(comes([&] { return done.load(); }));
    done = false;
    REQUIRE(comes([&] { return running.reactor.try_turn(running.work); }));
}

// Two sockets are ready; the first one's handler closes the second, and a third gets
// its descriptor.
TEST_CASE("poller: what was found of a socket is not told to the next one") {
    const std::unique_ptr<Poller> poller = Poller::create();
    struct Handler final : IoHandler {
        void on_io(bool, bool) override {
            ++told;
            if (then) then();
        }
        int told = 0;
        std::function<void()> then;
    };
    std::array<std::array<int, 2>, 2> ends{};
    std::array<Handler, 2> handlers;
    Handler next;
    for (std::size_t i = 0; i < 2; ++i) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i].data()) ==
                0);
        REQUIRE(::write(ends[i][1], "x", 1) == 1);
        poller->add(ends[i][0], handlers[i], {true, false});
    }
    ReadySockets ready;
    poller->wait(0ns, ready);
    REQUIRE(ready.size() == 2u);
    std::optional<std::size_t> gone;
    for (std::size_t i = 0; i < 2; ++i) {
        handlers[i].then = [&, i] {
            if (gone) return;
            gone = 1 - i;
            const int fd = ends[*gone][0];
            poller->remove(fd, handlers[*gone]);
            ::close(fd);
            REQUIRE(::dup2(ends[*gone][1], fd) == fd);
            poller->add(fd, next, {true, false});
        };
    }
    poller->deliver(ready);
    REQUIRE(gone.has_value());
    CHECK(handlers[*gone].told == 0);
    CHECK(handlers[1 - *gone].told == 1);
    CHECK(next.told == 0);
    for (const auto& pair : ends)
        for (const int fd : pair) ::close(fd);
}
