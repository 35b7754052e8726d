#include <map>
#include <random>
#include <string>

#include "base/instances.hpp"
#include "check.hpp"
#include "pv/name_set.hpp"

using namespace pcas;

namespace {

PvPtr make_pv(const std::string& name) {
    return Pv::create(name, DbfType::Double, 1, MetadataPtr(new Metadata));
}

}  // namespace

TEST_CASE("name set: an empty one") {
    NameSet set;
    CHECK(!set.find("a"));
    CHECK(!set.take("a"));
    CHECK(set.size() == 0u);
    set.for_each([](const PvPtr&) { CHECK(false); });
}

TEST_CASE("name set: finds what is there, whatever came and went") {
    std::mt19937 random(7);
    NameSet set;
    std::map<std::string, PvPtr> expected;
    for (int step = 0; step < 30'000; ++step) {
        // Few names: most come and go often. It grows, is full, and is empty again.
        const unsigned names = step / 10'000 == 1 ? 40 : 1500;
        std::string name = "PV:" + std::to_string(random() % names);
        NOTE("step", step);
        const auto known = expected.find(name);
        const PvPtr* found = set.find(name);
        CHECK((found ? *found : PvPtr()) ==
              (known == expected.end() ? PvPtr() : known->second));
        if (known != expected.end()) {
            CHECK(set.take(name) == known->second);
            expected.erase(known);
        } else {
            PvPtr pv = make_pv(name);
            expected.emplace(name, pv);
            set.insert(std::move(pv));
        }
        CHECK(set.size() == expected.size());
    }
    std::size_t seen = 0;
    set.for_each([&](const PvPtr& pv) {
        ++seen;
        CHECK(expected.at(std::string(pv->name())) == pv);
    });
    CHECK(seen == expected.size());
    for (const auto& [name, pv] : expected) CHECK(set.take(name) == pv);
    CHECK(set.size() == 0u);
}

TEST_CASE("name set: holds a reference to each, and to none that was taken") {
    const std::int64_t before = living(Counted::Pv);
    {
        NameSet set;
        for (int i = 0; i < 100; ++i) set.insert(make_pv(std::to_string(i)));
        CHECK(living(Counted::Pv) == before + 100);
        for (int i = 0; i < 100; i += 2) set.take(std::to_string(i));
        CHECK(living(Counted::Pv) == before + 50);
    }
    CHECK(living(Counted::Pv) == before);
}
