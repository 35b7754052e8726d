// A server without Python: NATIVE:COUNTER counts, and goes on from what a client puts.
//
// The engine's own thread answers searches, gets and monitors. main() does what is a
// driver's: it posts new values, and carries out the puts that wait in a queue for it.
#include <caerr.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "pv/clock.hpp"
#include "pv/event_mask.hpp"
#include "server/server.hpp"

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kPeriod{100};

volatile std::sig_atomic_t ended = 0;

class Counter {
  public:
    Counter() {
        pcas::Ref<pcas::Metadata> metadata(new pcas::Metadata);
        metadata->units = "counts";
        metadata_ = metadata;
        pv = pcas::Pv::create("NATIVE:COUNTER", pcas::DbfType::Long, 1, metadata_);
        set(0);
    }

    void count() { set(value_ + 1); }

    // The engine has converted what the client sent to the type of the PV.
    void carry_out(pcas::Request& put) {
        set(static_cast<std::uint32_t>(put.value->elements<std::int32_t>()[0]));
        put.complete(ECA_NORMAL);
    }

    pcas::PvPtr pv;

  private:
    // A value is an immutable snapshot with its time and alarm: a new one each time.
    void set(std::uint32_t value) {
        value_ = value;
        pcas::Ref<pcas::Snapshot> made = pcas::Snapshot::create(pcas::DbfType::Long, 1);
        std::memcpy(made->mutable_data(), &value_, sizeof value_);
        made->time = pcas::now();
        made->alarm = {0, 0};
        made->metadata = metadata_;
        pv->post(std::move(made), pcas::kValueEvent | pcas::kLogEvent);
    }

    std::uint32_t value_ = 0;  // wraps around
    pcas::MetadataPtr metadata_;
};

void handle(pcas::Server& server, Counter& counter, std::chrono::nanoseconds patience) {
    for (const pcas::RequestPtr& request : server.requests().take(100, patience)) {
        if (request->kind == pcas::RequestKind::Write) counter.carry_out(*request);
    }
    server.completions().flush();
}

}  // namespace

int main() {
    std::signal(SIGINT, [](int) { ended = 1; });
    std::signal(SIGTERM, [](int) { ended = 1; });
    std::vector<std::string> warnings;
    pcas::Server server(pcas::Config::from_environment(warnings));
    for (const std::string& warning : warnings) std::cerr << warning << '\n';
    Counter counter;
    server.add(counter.pv);
    server.start();
    std::cout << "serving NATIVE:COUNTER on port " << server.tcp_port() << std::endl;
    Clock::time_point next = Clock::now() + kPeriod;
    while (!ended) {
        const Clock::time_point now = Clock::now();
        if (now < next) {
            handle(server, counter, next - now);
        } else {
            counter.count();
            next += kPeriod;
        }
    }
}
