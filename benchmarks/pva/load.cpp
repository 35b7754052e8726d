/* Load over PVAccess by pvxs' client: the same for every server.
 *
 *   load gets NAME... SECONDS     a get outstanding on each PV
 *   load puts NAME... SECONDS     a put outstanding on each PV
 *   load blocks NAME... SECONDS   the same with record[block=true]
 *   load slowest NAME SECONDS     a get after the other: the longest
 *   load monitor NAME...          updates until the end of stdin
 *
 * NAME may be PREFIX*COUNT. Prints a line of JSON when all PVs are connected, and at
 * the end another one; `monitor` one for each line of stdin. */
#define PVXS_ENABLE_EXPERT_API
#include <pvxs/client.h>
#include <pvxs/log.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using pvxs::Value;
using Clock = std::chrono::steady_clock;
namespace client = pvxs::client;

std::vector<std::string> names_of(int argc, char** argv, int end) {
    std::vector<std::string> names;
    for (int i = 2; i < argc - end; ++i) {
        const std::string text = argv[i];
        const std::size_t star = text.find('*');
        if (star == std::string::npos) {
            names.push_back(text);
            continue;
        }
        const int count = std::stoi(text.substr(star + 1));
        for (int k = 0; k < count; ++k) {
            names.push_back(text.substr(0, star) + std::to_string(k));
        }
    }
    return names;
}

std::atomic<long> done{0}, failed{0}, ready{0};
std::atomic<bool> stopped{false};

void wait_for(std::atomic<long>& what, std::size_t count) {
    while (what < static_cast<long>(count)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// One operation after the other on a PV; the callbacks run in pvxs' thread.
struct Loop {
    std::shared_ptr<client::Operation> operation;
    Value value;
    bool put = false;
    bool started = false;

    void next() {
        if (put)
            operation->reExecPut(value, [this](client::Result&& r) { ended(r); });
        else
            operation->reExecGet([this](client::Result&& r) { ended(r); });
    }
    void ended(client::Result& result) {
        try {
            result();
            ++done;
        } catch (const std::exception&) {
            ++failed;
        }
        if (!stopped) next();
    }
};

void start(client::Context& context, Loop& loop, const std::string& name, bool put,
           bool block) {
    loop.put = put;
    const auto initialised = [&loop](const Value& type) {
        loop.value = type.cloneEmpty();
        loop.value["value"] = 1.5;
        ++ready;
    };
    if (put) {
        loop.operation = context.put(name)
                             .autoExec(false)
                             .record("block", block)
                             .onInit(initialised)
                             .result([](client::Result&&) {})
                             .exec();
    } else {
        loop.operation = context.get(name)
                             .autoExec(false)
                             .onInit(initialised)
                             .result([](client::Result&&) {})
                             .exec();
    }
}

void operations(client::Context& context, const std::vector<std::string>& names,
                bool put, bool block, double seconds) {
    std::vector<Loop> loops(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        start(context, loops[i], names[i], put, block);
    }
    wait_for(ready, names.size());
    std::printf("{\"ready\": %zu}\n", names.size());
    std::fflush(stdout);
    const Clock::time_point begin = Clock::now();
    for (Loop& loop : loops) loop.next();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const long count = done;
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    stopped = true;
    std::printf("{\"done\": %ld, \"failed\": %ld, \"seconds\": %.3f}\n", count,
                failed.load(), took);
    std::fflush(stdout);
    context.close();
}

void slowest(client::Context& context, const std::string& name, double seconds) {
    context.get(name).exec()->wait(60);
    std::printf("{\"ready\": 1}\n");
    std::fflush(stdout);
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(seconds));
    double longest = 0;
    while (Clock::now() < end) {
        const Clock::time_point begin = Clock::now();
        context.get(name).exec()->wait(60);
        longest = std::max(longest,
                           std::chrono::duration<double>(Clock::now() - begin).count());
    }
    std::printf("{\"ms\": %.3f}\n", 1e3 * longest);
    std::fflush(stdout);
}

void monitor(client::Context& context, const std::vector<std::string>& names) {
    const Clock::time_point begin = Clock::now();
    std::vector<std::shared_ptr<client::Subscription>> subscriptions;
    std::vector<char> seen(names.size(), 0);
    for (std::size_t i = 0; i < names.size(); ++i) {
        subscriptions.push_back(context.monitor(names[i])
                                    .maskConnected(true)
                                    .event([&seen, i](client::Subscription& s) {
                                        try {
                                            while (s.pop()) {
                                                ++done;
                                                if (!seen[i]) {
                                                    seen[i] = 1;
                                                    ++ready;
                                                }
                                            }
                                        } catch (const std::exception&) {
                                            ++failed;
                                        }
                                    })
                                    .exec());
    }
    wait_for(ready, names.size());
    std::printf("{\"ready\": %zu, \"seconds\": %.3f}\n", names.size(),
                std::chrono::duration<double>(Clock::now() - begin).count());
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
        std::printf("{\"updates\": %ld}\n", done.load());
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    pvxs::logger_config_env();
    const std::string mode = argv[1];
    client::Context context = client::Context::fromEnv();
    if (mode == "monitor") {
        monitor(context, names_of(argc, argv, 0));
        return 0;
    }
    if (mode == "slowest") {
        slowest(context, argv[2], std::stod(argv[argc - 1]));
        return 0;
    }
    operations(context, names_of(argc, argv, 1), mode != "gets", mode == "blocks",
               std::stod(argv[argc - 1]));
}
