// This project's engine without Python: what the network side alone costs.
//
//   engine_server MODE COUNT
//
// MODE: plain | write (puts are completed by a C++ thread) | arrays. It knows the
// commands rounds, stamps and array of control.py.
#include <caerr.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../load/wire.h"
#include "server/server.hpp"

namespace {

using namespace pcas;

constexpr std::uint32_t kMonitored = 100'000;
constexpr std::uint32_t kRead = 1'000'000;

MetadataPtr metadata;
std::vector<PvPtr> pvs;

Ref<Snapshot> make_value(std::uint32_t count, double first) {
    Ref<Snapshot> value = Snapshot::create(DbfType::Double, count);
    value->metadata = metadata;
    value->alarm = {0, 0};
    std::memcpy(value->mutable_data(), &first, sizeof first);
    return value;
}

long resident_bytes() {
    long size = 0, resident = 0;
    FILE* statm = std::fopen("/proc/self/statm", "r");
    if (std::fscanf(statm, "%ld %ld", &size, &resident) != 2) resident = 0;
    std::fclose(statm);
    return resident * sysconf(_SC_PAGESIZE);
}

void add_pv(Server& server, const std::string& name, std::uint32_t count) {
    pvs.push_back(Pv::create(name, DbfType::Double, count, metadata));
    pvs.back()->set(make_value(count, 0));
    server.add(pvs.back());
}

// Carries out puts as a driver in C++ would.
void complete_writes(RequestQueue& requests) {
    for (;;) {
        for (const RequestPtr& request : requests.take(1000, std::chrono::seconds(1))) {
            if (request->kind == RequestKind::Write) {
                Ref<Snapshot> value = Snapshot::copy(*request->value);
                value->metadata = metadata;
                request->pv->post(value, kValueEvent);
            }
            request->complete(ECA_NORMAL);
        }
    }
}

// Returns a PV by whose posts the server was overrun, or null.
const Pv* post_round(int count, bool same) {
    const Pv* overrun = nullptr;
    for (int i = 0; i < count; ++i) {
        Pv& pv = *pvs[same ? 0 : static_cast<std::size_t>(i)];
        if (pv.post(make_value(1, now(CLOCK_REALTIME)), kValueEvent)) overrun = &pv;
    }
    return overrun;
}

long post_array(long round) {
    pvs[0]->post(make_value(kMonitored, static_cast<double>(round)), kValueEvent);
    return 1;
}

enum class How { Each, Same, Batch };

How how_of(const char* line) {
    if (std::strstr(line, "same")) return How::Same;
    return std::strstr(line, "batch") ? How::Batch : How::Each;
}

const Pv* post_batch(int count) {
    PostBatch::begin();
    const Pv* overrun = post_round(count, false);
    PostBatch::end();
    return overrun;
}

long post_values(int count, How how) {
    const Pv* overrun =
        how == How::Batch ? post_batch(count) : post_round(count, how == How::Same);
    if (overrun) overrun->wait_for_servers();
    return count;
}

// Rounds of `count` posts, or of one array post when `count` is 0, each `period`.
void post_for(double seconds, double period, int count, How how) {
    const double begin = now(CLOCK_MONOTONIC);
    double next = begin;
    long posts = 0, rounds = 0;
    while (now(CLOCK_MONOTONIC) < begin + seconds) {
        posts += count ? post_values(count, how) : post_array(rounds);
        ++rounds;
        next += period;
        const double rest = next - now(CLOCK_MONOTONIC);
        if (rest > 0)
            usleep(static_cast<useconds_t>(1e6 * rest));
        else
            next -= rest;
    }
    std::printf("{\"posts\": %ld, \"rounds\": %ld}\n", posts, rounds);
}

void run_command(const char* line) {
    double seconds, period;
    int count;
    if (std::sscanf(line, "rounds %lf %lf %d", &seconds, &period, &count) == 3)
        post_for(seconds, period, count, how_of(line));
    else if (std::sscanf(line, "stamps %d %lf", &count, &period) == 2)
        post_for(count * period, period, 1, How::Each);
    else if (std::sscanf(line, "array %lf", &seconds) == 1)
        post_for(seconds, 0, 0, How::Each);
    else
        std::printf("{}\n");
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const std::string mode = argv[1];
    const int count = std::atoi(argv[2]);
    std::vector<std::string> warnings;
    Server server(Config::from_environment(warnings));
    Ref<Metadata> made(new Metadata);
    made->units = "mA";
    made->precision = 3;
    metadata = made;
    const long before = resident_bytes();
    const double begin = now(CLOCK_MONOTONIC);
    if (mode == "arrays") {
        add_pv(server, "BENCH:ARRAYx100000", kMonitored);
        add_pv(server, "BENCH:ARRAYx1000000", kRead);
    }
    for (int i = 0; mode != "arrays" && i < count; ++i) {
        add_pv(server, "BENCH:" + std::to_string(i), 1);
    }
    const double seconds = now(CLOCK_MONOTONIC) - begin;
    const long grown = resident_bytes() - before;
    server.start();
    std::thread(complete_writes, std::ref(server.requests())).detach();
    std::printf("{\"create_s\": %.6f, \"grown_bytes\": %ld}\n", seconds, grown);
    std::fflush(stdout);
    char line[256];
    while (std::fgets(line, sizeof line, stdin)) run_command(line);
    _exit(0);
}
