// What is noted of puts, how much of it, and what makes one record of many.
#include <caerr.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "pv/put_bursts.hpp"
#include "pv/put_log.hpp"
#include "pv/request.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

constexpr auto kAll = PutLog::Which::All;

PvPtr pv_of(DbfType type, std::uint32_t max_count = 1) {
    return Pv::create("X", type, max_count, MetadataPtr(new Metadata));
}

ClientPtr somebody() { return ClientPtr(new ClientIdentity); }

SnapshotPtr number(double value) {
    const Ref<Snapshot> made = Snapshot::create(DbfType::Double, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    return made;
}

double number_in(const SnapshotPtr& value) { return value->elements<double>()[0]; }

PutRecord record(const PvPtr& pv, const ClientPtr& client, SnapshotPtr value) {
    PutRecord made;
    made.pv = pv;
    made.client = client;
    made.count = value->count();
    made.value = std::move(value);
    made.outcome = PutOutcome::Accepted;
    return made;
}

// A put that is carried out, and completed with a status.
void put(const PutLogPtr& log, const PvPtr& pv, SnapshotPtr value, EcaStatus status,
         bool trapped = false, bool begun = true) {
    const RequestPtr request(new Request(RequestKind::Write, nullptr));
    request->pv = pv;
    request->client = somebody();
    request->value = std::move(value);
    request->dbr_type = plain_dbr(pv->type());
    request->trapped = trapped;
    request->log_to(log);
    if (begun) request->begin();
    request->complete(status);
}

}  // namespace

TEST_CASE("put log: value before and after, and how it ended") {
    const PutLogPtr log(new PutLog(kAll, 0s));
    log->open();
    const PvPtr pv = pv_of(DbfType::Double);
    pv->set(number(1));
    put(log, pv, number(2), ECA_NORMAL);
    put(log, pv, number(3), ECA_PUTFAIL);
    put(log, pv, number(4), ECA_PUTFAIL, false, false);
    const auto records = log->take(10, 0s);
    CHECK(records.size() == 3u);
    CHECK(number_in(records[0].before) == 1);
    CHECK(number_in(records[0].value) == 2);
    CHECK(records[0].outcome == PutOutcome::Accepted);
    CHECK(records[0].time.seconds > 0u);
    CHECK(records[1].outcome == PutOutcome::Failed);
    CHECK(records[2].outcome == PutOutcome::NotDone);
    CHECK(log->dropped() == 0u);
}

TEST_CASE("put log: which puts it wants") {
    const PvPtr pv = pv_of(DbfType::Double);
    for (const auto which : {PutLog::Which::Accepted, PutLog::Which::Trapped}) {
        const PutLogPtr log(new PutLog(which, 0s));
        log->open();
        put(log, pv, number(1), ECA_NORMAL);
        put(log, pv, number(2), ECA_PUTFAIL);
        put(log, pv, number(3), ECA_PUTFAIL, true);
        log->add_refused(pv, somebody(), PutOutcome::NoAccess, false,
                         [] { return std::string("4"); });
        const auto records = log->take(10, 0s);
        CHECK(records.size() == 1u);
        const double wanted = which == PutLog::Which::Accepted ? 1 : 3;
        CHECK(number_in(records[0].value) == wanted);
    }
}

TEST_CASE("put log: what nobody takes is bounded, and so are its bytes") {
    const PvPtr pv = pv_of(DbfType::Double, 10'000);
    const PutLogPtr few(new PutLog(kAll, 0s, 100));
    few->open();
    for (int n = 0; n < 250; ++n) put(few, pv, number(n), ECA_NORMAL);
    CHECK(few->dropped() == 150u);
    const auto kept = few->take(1000, 0s);
    CHECK(kept.size() == 100u);
    CHECK(number_in(kept.back().value) == 99);  // the first ones stay
    put(few, pv, number(1), ECA_NORMAL);        // and there is room again
    CHECK(few->take(1000, 0s).size() == 1u);

    const PutLogPtr small(new PutLog(kAll, 0s, 1000, 10'000));
    small->open();
    for (int n = 0; n < 100; ++n) {
        put(small, pv, Snapshot::create(DbfType::Double, 10'000), ECA_NORMAL);
    }
    const auto cut = small->take(1000, 0s);
    CHECK(small->dropped() == 100 - cut.size());
    CHECK(cut.size() > 5u);
    CHECK(cut.size() < 30u);
    CHECK(cut[0].count == 10'000u);
    CHECK(cut[0].value->size_bytes() == 400u);
}

TEST_CASE("put log: puts that are refused leave room for the others") {
    const PvPtr pv = pv_of(DbfType::Double);
    const PutLogPtr log(new PutLog(kAll, 0s, 100));
    log->open();
    int made = 0;
    for (int n = 0; n < 1000; ++n) {
        log->add_refused(pv, somebody(), PutOutcome::NoAccess, false, [&made] {
            ++made;
            return std::string("1");
        });
    }
    CHECK(made == 50);  // the text of what is not kept is never made
    for (int n = 0; n < 50; ++n) put(log, pv, number(n), ECA_NORMAL);
    CHECK(log->take(1000, 0s).size() == 100u);
    CHECK(log->dropped() == 950u);
}

TEST_CASE("put log: closed, it takes nothing in and gives all there is") {
    const PvPtr pv = pv_of(DbfType::Double);
    const PutLogPtr log(new PutLog(kAll, 1h));
    put(log, pv, number(1), ECA_NORMAL);
    CHECK(log->dropped() == 1u);
    log->open();
    put(log, pv, number(1), ECA_NORMAL);
    CHECK(log->take(10, 0s).empty());  // its burst is open
    log->close();
    put(log, pv, number(2), ECA_NORMAL);
    CHECK(log->dropped() == 2u);
    CHECK(log->take(10, 1h).size() == 1u);
    CHECK(log->take(10, 1h).empty());
}

TEST_CASE("put log: many threads put while one takes") {
    const PutLogPtr log(new PutLog(kAll, 1ms, 5'000));
    log->open();
    const PvPtr pv = pv_of(DbfType::Double);
    std::atomic<std::uint64_t> puts{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int n = 0; n < 3'000; ++n) {
                put(log, pv, number(n), ECA_NORMAL);
                ++puts;
            }
        });
    }
    std::uint64_t taken = 0;
    std::thread taker([&] {
        for (bool closed = false;;) {
            const auto records = log->take(64, 1s);
            for (const PutRecord& found : records) taken += found.more + 1;
            if (records.empty() && closed) break;
            if (puts < 9'000 || closed) continue;
            log->close();
            closed = true;
        }
    });
    for (std::thread& thread : threads) thread.join();
    taker.join();
    CHECK(taken + log->dropped() == 9'000u);
}

TEST_CASE("put log: in the child of a fork it is empty and works") {
    const PutLogPtr log(new PutLog(kAll, 1h));
    log->open();
    const PvPtr pv = pv_of(DbfType::Double);
    put(log, pv, number(1), ECA_NORMAL);
    CHECK(log->take(10, 0s).empty());
    put(log, pv, number(2), ECA_NORMAL);
    const pid_t child = ::fork();
    if (child == 0) {
        log->after_fork_in_child();
        bool good = log->take(10, 0s).empty();
        log->open();
        put(log, pv, number(3), ECA_NORMAL);
        log->close();
        const auto records = log->take(10, 0s);
        good = good && records.size() == 1 && number_in(records[0].value) == 3;
        ::_exit(good ? 0 : 1);
    }
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    log->close();
    const auto records = log->take(10, 0s);
    CHECK(records.size() == 2u);
    CHECK(number_in(records[1].value) == 2);
}

// ---- bursts ----

TEST_CASE("put bursts: the first value before, the last after, and the extremes") {
    PutBursts bursts(10s, 100);
    const PvPtr pv = pv_of(DbfType::Double), other = pv_of(DbfType::Double);
    const ClientPtr client = somebody(), second = somebody();
    const PutBursts::Time begin{};
    for (const double value : {8.0, -1.0, std::nan(""), 7.0, 6.0}) {
        PutRecord made = record(pv, client, number(value));
        made.before = number(value - 100);
        CHECK(bursts.add(std::move(made), begin));
    }
    CHECK(bursts.add(record(other, client, number(1)), begin + 1s));
    CHECK(bursts.add(record(pv, second, number(2)), begin + 2s));
    CHECK(!bursts.has_complete());
    CHECK(bursts.next_end() == begin + 10s);
    std::vector<PutRecord> out;
    bursts.end_until(begin + 11s);
    bursts.take(out, 10);
    CHECK(out.size() == 2u);
    CHECK(number_in(out[0].before) == -92);
    CHECK(number_in(out[0].value) == 6);
    CHECK(number_in(out[0].least) == -1);
    CHECK(number_in(out[0].most) == 8);
    CHECK(out[0].more == 4u);
    CHECK(out[1].more == 0u);
    CHECK(!out[1].least);
    CHECK(bursts.add(record(pv, second, number(3)), begin + 11s));  // still open
    bursts.end_all();
    out.clear();
    bursts.take(out, 10);
    CHECK(out.size() == 1u);
    CHECK(out[0].more == 1u);
}

TEST_CASE("put bursts: text and outcomes apart, arrays together without extremes") {
    PutBursts bursts(10s, 100);
    const ClientPtr client = somebody();
    const PvPtr text = pv_of(DbfType::String), array = pv_of(DbfType::Double, 10);
    for (int n = 0; n < 3; ++n) {
        bursts.add(record(text, client, Snapshot::create(DbfType::String, 1)), {});
        bursts.add(record(array, client, Snapshot::create(DbfType::Double, 3)), {});
    }
    PutRecord failed = record(array, client, Snapshot::create(DbfType::Double, 3));
    failed.outcome = PutOutcome::Failed;
    bursts.add(std::move(failed), {});
    bursts.end_all();
    std::vector<PutRecord> out;
    bursts.take(out, 10);
    CHECK(out.size() == 5u);
    CHECK(out[3].more == 2u);
    CHECK(!out[3].least);
    CHECK(out[4].outcome == PutOutcome::Failed);
}

TEST_CASE("put bursts: there is room for so many, but always for one that goes on") {
    PutBursts bursts(10s, 2);
    const ClientPtr client = somebody();
    std::vector<PvPtr> pvs;
    for (int n = 0; n < 3; ++n) pvs.push_back(pv_of(DbfType::Double));
    CHECK(bursts.add(record(pvs[0], client, number(1)), {}));
    CHECK(bursts.add(record(pvs[1], client, number(1)), {}));
    CHECK(!bursts.add(record(pvs[2], client, number(1)), {}));
    CHECK(bursts.add(record(pvs[0], client, number(2)), {}));
    bursts.end_all();
    CHECK(!bursts.add(record(pvs[2], client, number(1)), {}));
    std::vector<PutRecord> out;
    bursts.take(out, 1);
    CHECK(out.size() == 1u);
    CHECK(out[0].more == 1u);
    CHECK(bursts.add(record(pvs[2], client, number(1)), {}));
}
