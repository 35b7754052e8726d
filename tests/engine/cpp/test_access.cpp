// Access security: members, clients, rights, and what is said about a bad file.
#include <caProto.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "access/security.hpp"
#include "access/text.hpp"
#include "check.hpp"

// asLib keeps what it has allocated for a file that it refuses then.
extern "C" const char* __lsan_default_suppressions() {
    return "leak:callocMustSucceed";
}

using namespace pcas;
using access_security::HostIs;

namespace {

constexpr std::uint32_t kNone = 0, kRead = CA_PROTO_ACCESS_RIGHT_READ,
                        kAll = kRead | CA_PROTO_ACCESS_RIGHT_WRITE;

struct Changes final : RightsQueue {
    std::mutex mutex;
    std::vector<Entry> entries;
    void push(Entry entry) noexcept override {
        std::lock_guard lock(mutex);
        entries.push_back(entry);
    }
    std::size_t taken() {
        std::lock_guard lock(mutex);
        const std::size_t n = entries.size();
        entries.clear();
        return n;
    }
};

ClientPtr person(const char* user, const char* host = "desk",
                 const char* address = "127.0.0.1:40000") {
    Ref<ClientIdentity> who(new ClientIdentity);
    who->user = user;
    who->host = host;
    who->address = address;
    return who;
}

void load(const std::string& rules, HostIs host_is = HostIs::Claimed) {
    access_security::load(rules, "test.acf", "", host_is);
}

std::string refusal(const std::string& rules, const std::string& definitions = "") {
    try {
        access_security::load(rules, "test.acf", definitions, HostIs::Claimed);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

bool starts(const std::string& text, const char* with) {
    return text.rfind(with, 0) == 0;
}

struct Grouped {
    explicit Grouped(const char* group = "") { member.set_group(group); }
    AccessMember member;
    Changes changes;
};

// Leaves asLib as the tests of other files want it.
struct OpenAfterwards {
    ~OpenAfterwards() { load("ASG(DEFAULT) { RULE(1, WRITE) }"); }
};

}  // namespace

TEST_CASE("access: the first rules also take hold of channels that were there before") {
    const OpenAfterwards open;
    Grouped pv("ops"), other("nobody has heard of it");
    const AccessClient mary(pv.member, person("mary"), pv.changes, {1, 1});
    const AccessClient john(pv.member, person("john"), pv.changes, {1, 2});
    const AccessClient lost(other.member, person("mary"), other.changes, {1, 3});
    if (!access_security::active()) CHECK(mary.rights() == kAll);
    load(
        "UAG(op) {mary}\n"
        "ASG(DEFAULT) { RULE(1, WRITE) }\n"
        "ASG(ops) { RULE(1, READ) RULE(1, WRITE) { UAG(op) } }\n");
    CHECK(access_security::active());
    CHECK(mary.rights() == kAll);
    CHECK(john.rights() == kRead);
    CHECK(lost.rights() == kNone);
    CHECK(pv.changes.taken() >= 2u);
    CHECK(other.changes.taken() >= 1u);
}

TEST_CASE("access: a client that comes later has its rights at once and quietly") {
    const OpenAfterwards open;
    load("UAG(op) {mary}\nASG(ops) { RULE(1, READ) { UAG(op) } }\nASG(DEFAULT)\n");
    Grouped pv("ops"), plain;
    const AccessClient mary(pv.member, person("mary"), pv.changes, {1, 1});
    const AccessClient john(pv.member, person("john"), pv.changes, {1, 2});
    const AccessClient any(plain.member, person("mary"), plain.changes, {1, 3});
    CHECK(mary.rights() == kRead);
    CHECK(john.rights() == kNone);
    CHECK(any.rights() == kNone);
    CHECK(pv.changes.taken() == 0u);
}

TEST_CASE("access: hosts are compared without case, by name or by address") {
    const OpenAfterwards open;
    const std::string by_name =
        "HAG(h) {Desk}\nASG(DEFAULT) { RULE(1, READ) {HAG(h)} }";
    load(by_name);
    Grouped pv;
    const AccessClient client(pv.member, person("a", "DESK"), pv.changes, {1, 1});
    const AccessClient far(pv.member, person("a", "desk2"), pv.changes, {1, 2});
    CHECK(client.rights() == kRead);
    CHECK(far.rights() == kNone);
    const std::string by_peer =
        "HAG(h) {127.0.0.1}\nASG(DEFAULT) { RULE(1, READ) {HAG(h)} }";
    load(by_peer, HostIs::Peer);
    CHECK(client.rights() == kRead);
    CHECK(far.rights() == kRead);  // what it claims no longer counts
    load(by_peer);
    CHECK(client.rights() == kNone);
}

TEST_CASE("access: reloading moves rights, a group may come and go") {
    const OpenAfterwards open;
    Grouped pv("late");
    AccessClient client(pv.member, person("a"), pv.changes, {7, 9});
    load("ASG(DEFAULT) { RULE(1, WRITE) }");
    CHECK(client.take_rights() == kNone);
    pv.changes.taken();
    load("ASG(DEFAULT)\nASG(late) { RULE(1, READ) }");
    CHECK(client.rights() == kRead);
    REQUIRE(!pv.changes.entries.empty());
    CHECK(pv.changes.entries[0].circuit == 7u);
    CHECK(pv.changes.entries[0].sid == 9u);
    load("ASG(DEFAULT) { RULE(1, WRITE) }");
    CHECK(client.rights() == kNone);
}

TEST_CASE("access: changing the group of a PV changes the rights of its channels") {
    const OpenAfterwards open;
    load("ASG(DEFAULT)\nASG(r) { RULE(1, READ) }\nASG(w) { RULE(1, WRITE) }");
    Grouped pv("r");
    AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    for (const auto& [group, rights] :
         std::vector<std::pair<const char*, std::uint32_t>>{
             {"w", kAll}, {"missing", kNone}, {"r", kRead}, {"", kNone}, {"w", kAll}}) {
        NOTE("group", group);
        pv.changes.taken();
        pv.member.set_group(group);
        CHECK(client.take_rights() == rights);
        CHECK(pv.changes.taken() >= 1u);
        CHECK(pv.member.group() == group);
    }
}

TEST_CASE("access: a channel whose rights change again and again is queued once") {
    const OpenAfterwards open;
    load("ASG(r) { RULE(1, READ) }\nASG(w) { RULE(1, WRITE) }");
    Grouped pv("r");
    AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    for (int i = 0; i < 100; ++i) pv.member.set_group(i % 2 ? "r" : "w");
    CHECK(pv.changes.taken() == 1u);
    CHECK(client.take_rights() == kRead);
    pv.member.set_group("w");
    CHECK(pv.changes.taken() == 1u);
}

TEST_CASE("access: hosts of a HAG become addresses, nothing else does") {
    const std::string rules =
        "# HAG(no) {desk}\n"
        "HAG(HAG) {desk, \"far.away\" , 10.0.0.1}\n"
        "HAG(none) {}\n"
        "UAG(desk) {desk}\n"
        "ASG(desk) { RULE(1, READ) { UAG(desk) HAG(HAG) } }\n"
        "HAG(b) {\n lost,\n desk\n}\n";
    std::vector<std::string> asked, warnings;
    const std::string made = with_addresses(
        rules, "f",
        [&](const std::string& host) {
            asked.push_back(host);
            return host == "lost" ? std::string()
                                  : "1.2.3." + std::to_string(host.size());
        },
        warnings);
    CHECK(made ==
          "# HAG(no) {desk}\n"
          "HAG(HAG) {\"1.2.3.4\", \"1.2.3.8\" , \"1.2.3.8\"}\n"
          "HAG(none) {}\n"
          "UAG(desk) {desk}\n"
          "ASG(desk) { RULE(1, READ) { UAG(desk) HAG(HAG) } }\n"
          "HAG(b) {\n lost,\n \"1.2.3.4\"\n}\n");
    CHECK((asked ==
           std::vector<std::string>{"desk", "far.away", "10.0.0.1", "lost", "desk"}));
    CHECK((warnings == std::vector<std::string>{"f:7: host lost is unknown"}));
    for (const char* broken : {"HAG", "HAG(", "HAG(a", "HAG(a)", "HAG(a) {",
                               "HAG(a) {b", "HAG(a) {\"b", "HAG(a) {,,"}) {
        with_addresses(broken, "f", [](const std::string&) { return "1"; }, warnings);
    }
}

TEST_CASE("access: a host that is unknown or too long is told, and is nobody") {
    const OpenAfterwards open;
    const std::string host(1200, 'x');
    const auto warnings = access_security::load(
        "HAG(h) {" + host + ", 127.0.0.1}\nASG(DEFAULT) { RULE(1, READ) {HAG(h)} }",
        "test.acf", "", HostIs::Peer);
    REQUIRE(warnings.size() == 1u);
    CHECK(starts(warnings[0], "test.acf:1: host xxx"));
    Grouped pv;
    const AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    CHECK(client.rights() == kRead);
}

TEST_CASE("access: TRAPWRITE is per rule") {
    const OpenAfterwards open;
    load(
        "UAG(op) {mary}\nASG(DEFAULT) {\n"
        "RULE(1, WRITE, NOTRAPWRITE)\n"
        "RULE(1, WRITE, TRAPWRITE) { UAG(op) } }");
    Grouped pv;
    const AccessClient mary(pv.member, person("mary"), pv.changes, {1, 1});
    const AccessClient john(pv.member, person("john"), pv.changes, {1, 2});
    CHECK(john.rights() == kAll);
    CHECK(!john.traps_writes());
    load("ASG(DEFAULT) { RULE(1, WRITE, TRAPWRITE) }");
    CHECK(mary.traps_writes());
    CHECK(john.traps_writes());
    load("ASG(DEFAULT) { RULE(1, WRITE) }");
    CHECK(!mary.traps_writes());
}

TEST_CASE("access: rules of level 0 are for fields that a PV here does not have") {
    const OpenAfterwards open;
    load("ASG(r) { RULE(1, READ) RULE(0, WRITE) }\nASG(two) { RULE(2, WRITE) }");
    Grouped readback("r"), two("two");
    const AccessClient one(readback.member, person("a"), readback.changes, {1, 1});
    const AccessClient other(two.member, person("a"), two.changes, {1, 2});
    CHECK(one.rights() == kRead);
    CHECK(other.rights() == kAll);
}

TEST_CASE("access: a PV without a group asks the rules only if they have a DEFAULT") {
    const OpenAfterwards open;
    Grouped pv, named("DEFAULT");
    const AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    const AccessClient other(named.member, person("a"), named.changes, {1, 2});
    struct Case {
        const char* rules;
        std::uint32_t without, of_default;
    };
    for (const Case& c : {
             Case{"ASG(x) { RULE(1, READ) }", kAll, kNone},
             Case{"ASG(DEFAULT) { RULE(1, READ) }", kRead, kRead},
             Case{"# ASG(DEFAULT)\nUAG(u) {\"ASG\"}\nASG(x)", kAll, kNone},
             Case{"ASG(x)\nASG ( \"DEFAULT\" )", kNone, kNone},
             Case{"ASG(\"x#y\") ASG # of all\n(DEFAULT){RULE(1,WRITE)}", kAll, kAll},
             Case{"ASG(x) { INPA(\"ASG\") RULE(1, READ) { CALC(\"A&&1\") } }", kAll,
                  kNone},
         }) {
        NOTE("rules", c.rules);
        load(c.rules);
        CHECK(client.rights() == c.without);
        CHECK(other.rights() == c.of_default);
    }
}

TEST_CASE("access: inputs that are not connected grant nothing") {
    const OpenAfterwards open;
    load(
        "ASG(DEFAULT) { INPA(nowhere) RULE(1, READ)\n"
        "RULE(1, WRITE) { CALC(\"A<5\") } }");
    CHECK(access_security::has_inputs());
    Grouped pv;
    const AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    CHECK(client.rights() == kRead);
    bool refused = false;
    try {
        access_security::start_inputs("/nowhere/libdbCore.so");
    } catch (const std::runtime_error& error) {
        refused = starts(error.what(), "cannot load /nowhere/libdbCore.so");
    }
    CHECK(refused);
    access_security::stop_inputs();
    load("ASG(DEFAULT)");
    CHECK(!access_security::has_inputs());
    access_security::start_inputs("/nowhere/libdbCore.so");  // nothing to do
}

TEST_CASE("access: a bad file is refused with line and reason, and changes nothing") {
    const OpenAfterwards open;
    load("ASG(DEFAULT) { RULE(1, READ) }");
    Grouped pv;
    const AccessClient client(pv.member, person("a"), pv.changes, {1, 1});
    struct Bad {
        const char* rules;
        const char* said;
    };
    for (const Bad& bad : {
             Bad{"", "test.acf:1: syntax error"},
             Bad{"ASG(DEFAULT) {\n RULE(1, READ)\n RULE(1, WRITE {\n}\n",
                 "test.acf:3: syntax error"},
             Bad{"UAG(a) {x}\nASG(D) { RULE(1, WRITE) { UAG(nope) } }",
                 "test.acf:2: No User Access Group named 'nope' defined"},
             Bad{"\n\nASG(D) { INPA(x)\nRULE(1, WRITE) { CALC(\"A<<<\") } }",
                 "test.acf:4: Syntax error, unknown operator/operand in CALC"},
             Bad{"UAG(a) {x}\nUAG(a) {y}\n", "test.acf:2: Duplicate User Access Group"},
             Bad{"ASG(D) { RULE(1, READ) \"x\n",
                 "test.acf:1: Newline in quoted string"},
         }) {
        NOTE("rules", bad.rules);
        const std::string said = refusal(bad.rules);
        NOTE("said", said);
        CHECK(starts(said, bad.said));
        CHECK(client.rights() == kRead);
    }
    CHECK(starts(refusal(std::string("ASG(D)\0 ", 8)), "test.acf: contains a NUL"));
}

TEST_CASE("access: macros are put in line by line, and one that is missing is named") {
    CHECK(expand_macros("a $(P)x\n${P}\n", "f", "P=T:,Q=2") == "a T:x\nT:\n");
    CHECK(expand_macros("$(P=d)$(Q)", "f", "Q=\"1,2\"") == "d1,2");
    const std::string value(200, 'x');
    std::string line, longer;
    for (int i = 0; i < 20; ++i) {
        line += "$(L)";
        longer += value;
    }
    CHECK(expand_macros(line, "f", "L=" + value) == longer);
    CHECK(starts(refusal("ASG(D) {\n INPA($(P)LEVEL)\n}", "Q=1"),
                 "test.acf:2: a macro is not defined: INPA($(P)LEVEL)"));
}

TEST_CASE("access: what is not understood in a rule is a warning") {
    const OpenAfterwards open;
    const std::vector<std::string> warnings = access_security::load(
        "ASG(DEFAULT) {\nRULE(1, FROB)\nRULE(1, READ) }", "f.acf", "", HostIs::Claimed);
    REQUIRE(warnings.size() == 1u);
    CHECK(starts(warnings[0], "f.acf:2: Ignoring RULE that contains an unsupported"));
    CHECK(access_security::load("ASG(DEFAULT)", "f", "", HostIs::Claimed).empty());
}
