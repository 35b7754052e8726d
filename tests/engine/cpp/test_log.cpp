// What is told to whoever reads the log: so much of one source, and so much in all.
#include <chrono>
#include <string>

#include "base/log.hpp"
#include "check.hpp"

using namespace pcas;

TEST_CASE(
    "log: what one source says is limited by its rate, and the others are heard") {
    Log log(5);
    for (int n = 0; n < 1000; ++n) log.add(LogLevel::Warning, "noisy", "again");
    log.add(LogLevel::Error, "quiet", "once");
    const auto records = log.drain();
    // Whatever second they were said in, and the next.
    CHECK(records.size() >= 6u);
    CHECK(records.size() <= 100u);
    CHECK(records.back().text == "once");
    CHECK(log.suppressed() == 1001 - records.size());
}

TEST_CASE("log: what nobody reads is limited") {
    Log log(0);
    for (int n = 0; n < 5000; ++n) {
        log.add(LogLevel::Warning, "source", std::to_string(n));
    }
    const auto records = log.drain();
    CHECK(records.size() == 1000u);
    CHECK(records.back().text == "999");  // the first ones say what began it
    CHECK(log.suppressed() == 4000u);
    log.add(LogLevel::Warning, "source", "after");
    CHECK(log.drain().size() == 1u);
}

TEST_CASE("log: the text of what is not kept is never made") {
    Log log(5);
    int made = 0;
    for (int n = 0; n < 1000; ++n) {
        log.add_made(LogLevel::Warning, "noisy", LogTopic::Put, [&made] {
            ++made;
            return std::string("again");
        });
    }
    CHECK(static_cast<std::size_t>(made) == log.drain().size());
    CHECK(made < 1000);
}

TEST_CASE("log: how much was left out is told, and when it was long enough ago") {
    Log late(1, std::chrono::hours(1)), soon(1, std::chrono::seconds(0));
    for (Log* log : {&late, &soon}) {
        log->add(LogLevel::Error, "quiet", "once");
        for (int n = 0; n < 1000; ++n) {
            log->add(LogLevel::Info, "noisy", "again", LogTopic::Put);
        }
    }
    const std::size_t kept = late.drain().size();  // as long as it is not due: alone
    CHECK(late.drain().empty());
    const auto last = late.drain(true), due = soon.drain();
    CHECK(last.size() == 1u);
    CHECK(due.size() > 2u);
    if (last.empty() || due.empty()) return;
    CHECK(last[0].text ==
          "noisy: ... and " + std::to_string(1001 - kept) + " more like it");
    CHECK(last[0].level == LogLevel::Info);
    CHECK(last[0].topic == LogTopic::Put);
    CHECK(due.back().text.starts_with("noisy: ... and "));
    CHECK(late.drain(true).empty());
    CHECK(soon.drain().empty());
}
