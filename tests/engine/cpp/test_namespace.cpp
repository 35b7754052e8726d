// Names, their sources, and what servers share.
#include <caerr.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <vector>

#include "check.hpp"
#include "pv/namespace.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

PvPtr make_pv(const char* name) {
    return Pv::create(name, DbfType::Long, 1, MetadataPtr(new Metadata));
}

// Has every name that ends with `.VAL`, as the field of a record.
struct Fields final : Source {
    const PvPtr pv = make_pv("field");
    mutable int asked = 0;
    Found find(std::string_view name, NameUse use) const override {
        ++asked;
        if (!name.ends_with(".VAL")) return {};
        return {Where::Here, use == NameUse::Attach ? pv : PvPtr{}};
    }
};

std::shared_ptr<RemovedPvs> server_of(Namespace& names) {
    auto removed = std::make_shared<RemovedPvs>(std::make_shared<WakeGate>([] {}));
    names.tell_removed(removed);
    return removed;
}

std::vector<PvPtr> taken(RemovedPvs& removed) {
    std::vector<PvPtr> all;
    removed.take(all);
    return all;
}

struct NoPosts final : PostQueue {
    void push(PvClientsPtr) override {}
    void push_all(std::vector<PvClientsPtr>& all) override { all.clear(); }
};

struct Watchers final : PvClients {
    explicit Watchers(Pv& pv) : PvClients(pv, std::make_shared<NoPosts>()) {}
};

}  // namespace

TEST_CASE("namespace: sources are asked in their order, until one knows") {
    Namespace names(10, 1000);
    auto made = std::make_unique<Fields>();
    const Fields& fields = *made;
    names.add_source(std::move(made));
    const PvPtr pv = make_pv("pv");
    names.add(pv);
    names.add("table.VAL", pv);
    for (const NameUse use : {NameUse::Search, NameUse::Attach}) {
        CHECK(names.find("pv", use).where == Where::Here);
        CHECK(names.find("pv", use).pv == pv);
        CHECK(names.find("table.VAL", use).pv == pv);
    }
    CHECK(fields.asked == 0);
    CHECK(names.find("none", NameUse::Attach).where == Where::NotHere);
    CHECK(names.find("x.VAL", NameUse::Search).where == Where::Here);
    CHECK(names.find("x.VAL", NameUse::Attach).pv == fields.pv);
    CHECK(fields.asked == 3);
}

TEST_CASE("namespace: what Python is asked for goes ahead of all that is known") {
    Namespace names(10, 1000);
    names.add(make_pv("pv"));
    names.by_request().set_searches(true);
    CHECK(names.find("pv", NameUse::Search).where == Where::ByRequest);
    CHECK(names.find("none", NameUse::Search).where == Where::ByRequest);
    CHECK(names.find("pv", NameUse::Attach).where == Where::Here);
    names.by_request().set_searches(false);
    names.by_request().set_attaches(true);
    CHECK(names.find("pv", NameUse::Search).where == Where::Here);
    CHECK(names.find("none", NameUse::Attach).where == Where::ByRequest);
}

TEST_CASE("namespace: every server is told of a PV that is gone, and no other PV") {
    Namespace names(10, 1000);
    const auto one = server_of(names), two = server_of(names);
    auto gone = server_of(names);
    gone.reset();
    const PvPtr first = make_pv("pv"), second = make_pv("pv");
    names.add(first);
    names.add("alias", first);
    names.add("alias", first);  // as it is already
    CHECK(taken(*one).empty());
    names.add(second);
    CHECK(taken(*one) == std::vector{first});
    CHECK(names.remove("pv"));
    CHECK(!names.remove("pv"));
    CHECK(taken(*one) == std::vector{second});
    CHECK(taken(*two) == std::vector{first, second});
    CHECK(names.table().size() == 1u);
}

TEST_CASE("namespace: requests are taken until the last server has ended") {
    Namespace names(10, 1000);
    const auto push = [&] {
        return names.requests()->push(
            RequestPtr(new Request(RequestKind::Write, nullptr)));
    };
    names.open();
    names.open();
    names.close();
    CHECK(push());
    CHECK(names.requests()->size() == 1u);
    names.close();
    CHECK(names.requests()->size() == 0u);
    CHECK(!push());
    names.open();
    CHECK(push());
    names.close();
}

TEST_CASE("namespace: lanes are never used again") {
    Namespace names(10, 1000);
    const std::uint64_t first = names.new_lane();
    CHECK(first > 0u);
    CHECK(names.new_lane() > first);
}

TEST_CASE("namespace: interest that was dropped is told with the next change") {
    Namespace names(10, 1000);
    const PvPtr pv = make_pv("pv");
    const PvClientsPtr watchers(new Watchers(*pv));
    pv->attach(watchers);
    watchers->join(kAllEvents);
    names.tell_interest(pv, 1, {});
    CHECK(names.requests()->size() == 0u);  // nobody wants to know
    pv->set_wants_interest(true);
    names.open();
    names.tell_interest(pv, 1, {});
    names.tell_interest(pv, 1, {});
    CHECK(names.requests()->size() == 1u);
    names.close();
    names.tell_interest(pv, 1, {});  // nobody takes it
    names.open();
    names.tell_interest(pv, 1, {});
    const auto requests = names.requests()->take(10, 0s);
    REQUIRE(requests.size() == 1u);
    CHECK(requests[0]->interest);
    // One that was taken leaves the next one alone.
    watchers->no_subscriptions();
    names.tell_interest(pv, 1, {});
    CHECK(names.requests()->size() == 1u);
}

TEST_CASE("namespace: a child of a fork has the names, and requests of its own") {
    Namespace names(10, 1000);
    names.add(make_pv("pv"));
    names.open();
    names.prepare_fork();
    const pid_t child = ::fork();
    if (child == 0) {
        const RequestQueue* before = names.requests().get();
        names.after_fork_in_child();
        const bool anew = names.requests().get() != before;
        names.add(make_pv("other"));
        names.open();
        const bool pushed =
            names.requests()->push(RequestPtr(new Request(RequestKind::Read, nullptr)));
        names.close();
        const bool found = names.table().find("pv") && names.table().find("other");
        ::_exit(anew && pushed && found && names.requests()->size() == 0 ? 0 : 1);
    }
    names.after_fork_in_parent();
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    names.close();
}
