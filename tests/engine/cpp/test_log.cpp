// What is told to whoever reads the log: so much of one source, and so much in all.
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
