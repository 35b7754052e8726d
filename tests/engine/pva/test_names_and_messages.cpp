// Names that Python is asked for, and lines of pvxs in EPICS' error log.
#include <errlog.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

#include "check.hpp"
#include "pva/names_asked.hpp"
#include "pva/pvxs_messages.hpp"

using namespace pcas;
using namespace pcas::pva;
using std::chrono::seconds;

namespace {

// Ends the program if it takes longer than a minute: threads that wait for each other
// cannot be joined.
template <class Do>
void within_a_minute(Do work) {
    std::packaged_task<void()> task(work);
    std::future<void> done = task.get_future();
    std::thread thread(std::move(task));
    if (done.wait_for(seconds(60)) != std::future_status::ready) std::abort();
    thread.join();
}

}  // namespace

TEST_CASE("pva: a name is asked for once, and its answer believed for a while") {
    NamesAsked asked;
    const NamesAsked::Clock::time_point now{seconds(1000)};
    using Answer = NamesAsked::Answer;
    CHECK(asked.look_up("A", now) == Answer::Ask);
    CHECK(asked.look_up("A", now + seconds(1)) == Answer::Unknown);
    asked.answered("A", true, now + seconds(2));
    CHECK(asked.look_up("A", now + seconds(3)) == Answer::Exists);
    CHECK(asked.look_up("A", now + seconds(60)) == Answer::Ask);
    asked.answered("A", false, now + seconds(60));
    CHECK(asked.look_up("A", now + seconds(60)) == Answer::Unknown);
    CHECK(asked.look_up("A", now + seconds(62)) == Answer::Ask);
    asked.answered("B", true, now);  // nobody has asked for it
    CHECK(asked.look_up("B", now) == Answer::Ask);
}

TEST_CASE("pva: a flood of names does not grow without end") {
    NamesAsked asked;
    const NamesAsked::Clock::time_point now{seconds(1000)};
    int asks = 0;
    for (int i = 0; i < 20'000; ++i) {
        asks += asked.look_up(std::to_string(i), now) == NamesAsked::Answer::Ask;
    }
    CHECK(asks == 10'000);
    CHECK(asked.look_up("later", now + seconds(20)) == NamesAsked::Answer::Ask);
}

TEST_CASE("pva: lines of pvxs are told from those of others") {
    const std::string time = "2026-11-28T01:48:40.910577921 ";
    const PvxsLine fault = parse_pvxs(time + "CRIT pvxs.tcp.io Client broke it");
    CHECK(fault.is_pvxs);
    CHECK(fault.level == LogLevel::Warning);  // a client's doing
    CHECK(std::string(parse_pvxs(time + "ERR pvxs.server no port").text) ==
          "pvxs.server no port");
    CHECK(parse_pvxs(time + "ERR pvxs.server no port").level == LogLevel::Error);
    CHECK(parse_pvxs(time + "INFO pvxs.loop x").level == LogLevel::Info);
    CHECK(parse_pvxs("0000 : 67617262 61676521  ").is_pvxs);
    CHECK(parse_pvxs("0000 : 67617262 61676521  ").text.empty());
    for (const char* other :
         {"", "CAC: Undecipherable UDP message", "ERROR in access rules", "0000",
          "2026-11-28 INFO text", "2026-11-28T01:48:40.910577921 LOUD pvxs.x y"}) {
        NOTE("line", other);
        CHECK(!parse_pvxs(other).is_pvxs);
    }
}

TEST_CASE("pva: servers start and end while pvxs logs") {
    std::atomic<bool> ends{false};
    std::thread logger([&] {
        while (!ends) {
            errlogPrintf("2026-11-28T01:48:40.910577921 WARN pvxs.x y\n");
        }
    });
    const auto start_and_end = [] {
        Log log(0);
        for (int i = 0; i < 300; ++i) {
            const PvxsMessages messages(log);
            log.drain();
        }
    };
    within_a_minute([&] {
        std::thread other(start_and_end);
        start_and_end();
        other.join();
    });
    ends = true;
    logger.join();
}
