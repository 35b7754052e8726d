// The accounts of a circuit's requests at Python.
#include <caProto.h>
#include <db_access.h>

#include "check.hpp"
#include "server/in_flight.hpp"

using namespace pcas;

namespace {

constexpr std::size_t kPut = 1000;

PvPtr make_pv() {
    static const PvPtr pv =
        Pv::create("pv", DbfType::Char, kPut, MetadataPtr(new Metadata));
    return pv;
}

CaRequestPtr make(RequestKind kind, std::uint32_t count = kPut) {
    CaRequestPtr request(new CaRequest(kind, nullptr));
    request->pv = make_pv();
    request->dbr_type = DbrType{DBR_CHAR};
    request->dbr_count = count;
    if (kind == RequestKind::Write)
        request->value = Snapshot::create(DbfType::Char, count);
    return request;
}

Header read_of(std::uint32_t sid, std::uint16_t command = CA_PROTO_READ_NOTIFY) {
    Header header;
    header.command = command;
    header.p1 = sid;
    header.p2 = 9;
    return header;
}

struct Fixture {
    Config config;
    InFlight in_flight{config};

    void check_empty() const {
        CHECK(in_flight.held_bytes() == 0u);
        CHECK(in_flight.promised_bytes() == 0u);
        CHECK(in_flight.left_behind().requests == 0u);
        CHECK(in_flight.left_behind().bytes == 0u);
        CHECK(!in_flight.answers_due());
        CHECK(!in_flight.reads_wait());
    }
};

}  // namespace

TEST_CASE("in flight: a put counts once on its way, whatever steps it takes") {
    for (const bool waits : {false, true}) {
        NOTE("waits", waits);
        for (const bool deferred : {false, true}) {
            NOTE("deferred", deferred);
            Fixture f;
            const CaRequestPtr put = make(RequestKind::Write);
            const std::size_t bytes = put->held_bytes();
            if (waits) {
                f.in_flight.wait(read_of(1), put);
                CHECK(f.in_flight.left_behind().bytes == bytes);
                CHECK(f.in_flight.take_waiting().write == put);
            }
            f.in_flight.open_write(*put);
            f.in_flight.open(*put);
            CHECK(f.in_flight.held_bytes() == bytes);
            CHECK(f.in_flight.open_bytes() == bytes);
            CHECK(f.in_flight.answers_due());
            CHECK(f.in_flight.writes_open());
            if (deferred) {
                f.in_flight.defer(*put);
                f.in_flight.defer(*put);
                CHECK(f.in_flight.open_bytes() == 0u);
                CHECK(f.in_flight.deferred_bytes() == bytes);
                CHECK(f.in_flight.held_bytes() == bytes);
                CHECK(f.in_flight.left_behind().requests == 1u);
                CHECK(f.in_flight.left_behind().bytes == bytes);
                CHECK(!f.in_flight.answers_due());
                CHECK(!f.in_flight.writes_open());
            }
            f.in_flight.complete(*put);
            f.check_empty();
            f.in_flight.defer(*put);  // told too late
            f.in_flight.complete(*put);
            f.check_empty();
        }
    }
}

TEST_CASE("in flight: reads promise their answers, puts and names do not") {
    Fixture f;
    const CaRequestPtr some = make(RequestKind::Read, 10);
    const CaRequestPtr all = make(RequestKind::Read, 0);
    const CaRequestPtr name = make(RequestKind::Attach);
    const CaRequestPtr put = make(RequestKind::Write);
    for (const auto& request : {some, all, name, put}) f.in_flight.open(*request);
    CHECK(f.in_flight.promised_bytes() == 10 + kPut);
    CHECK(f.in_flight.left_behind().requests == 4u);
    f.in_flight.complete(*all);
    CHECK(f.in_flight.promised_bytes() == 10u);
    f.in_flight.complete(*some);
    CHECK(f.in_flight.promised_bytes() == 0u);
    CHECK(f.in_flight.open_bytes() == name->held_bytes() + put->held_bytes());
    f.in_flight.complete(*put);
    f.in_flight.complete(*name);
    f.check_empty();
}

TEST_CASE("in flight: it is full by number, by bytes, and by what waits") {
    for (const int what : {0, 1, 2}) {
        NOTE("what", what);
        Fixture f;
        f.config.max_open_requests = what == 1 ? 1000 : 3;
        f.config.max_open_bytes = what == 1 ? 3000 : 1 << 30;
        for (int n = 0; n < 3; ++n) {
            CHECK(!f.in_flight.full());
            if (what == 2)
                f.in_flight.wait(read_of(1));
            else
                f.in_flight.open(*make(RequestKind::Write));
        }
        CHECK(f.in_flight.full());
    }
}

TEST_CASE("in flight: puts that the driver keeps are full by number and by bytes") {
    for (const bool by_bytes : {false, true}) {
        NOTE("by bytes", by_bytes);
        Fixture f;
        f.config.max_deferred_puts = by_bytes ? 1000 : 2;
        f.config.max_open_bytes = by_bytes ? 2000 : 1 << 30;
        const CaRequestPtr first = make(RequestKind::Write);
        f.in_flight.defer(*first);
        CHECK(!f.in_flight.full_of_deferred());
        f.in_flight.defer(*make(RequestKind::Write));
        CHECK(f.in_flight.full_of_deferred());
        CHECK(!f.in_flight.full());
        f.in_flight.complete(*first);
        CHECK(!f.in_flight.full_of_deferred());
    }
}

TEST_CASE("in flight: reads wait until the driver has had all writes") {
    Fixture f;
    const CaRequestPtr first = make(RequestKind::Write);
    const CaRequestPtr second = make(RequestKind::Write);
    f.in_flight.open_write(*first);
    const std::uint64_t of_first = f.in_flight.last_write();
    f.in_flight.open_write(*second);
    CHECK(f.in_flight.reads_wait());
    CHECK(!f.in_flight.driver_has_had(of_first));
    f.in_flight.defer(*first);
    CHECK(f.in_flight.driver_has_had(of_first));
    CHECK(!f.in_flight.driver_has_had(f.in_flight.last_write()));
    CHECK(f.in_flight.writes_open());
    f.in_flight.complete(*second);
    CHECK(!f.in_flight.writes_open());
    // A put that the PV keeps until its turn comes is nothing that reads wait for.
    const CaRequestPtr kept = make(RequestKind::Write);
    f.in_flight.defer(*kept);
    CHECK(!f.in_flight.reads_wait());
    f.in_flight.wait(read_of(1));
    CHECK(f.in_flight.reads_wait());
}

TEST_CASE("in flight: a channel that is gone takes its reads, not its puts") {
    Fixture f;
    const CaRequestPtr put = make(RequestKind::Write);
    f.in_flight.wait(read_of(1));
    f.in_flight.wait(read_of(1, CA_PROTO_WRITE_NOTIFY), put);
    f.in_flight.wait(read_of(2));
    f.in_flight.wait(read_of(1, CA_PROTO_EVENT_ADD), kValueEvent);
    f.in_flight.wait(read_of(2, CA_PROTO_EVENT_ADD), kLogEvent);
    f.in_flight.drop_event_add(2, 8);  // another one
    f.in_flight.drop_reads(1);
    CHECK(f.in_flight.take_waiting().write == put);
    CHECK(f.in_flight.take_waiting().header.command == CA_PROTO_READ_NOTIFY);
    CHECK(f.in_flight.first_waiting().mask == kLogEvent);
    f.in_flight.drop_event_add(2, 9);
    CHECK(!f.in_flight.any_waits());
    f.in_flight.complete(*put);
    f.check_empty();
}
