#include "access/security.hpp"

#include <asLib.h>
#include <caProto.h>
#include <epicsFindSymbol.h>
#include <osiSock.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "access/libcom_messages.hpp"
#include "access/text.hpp"

#ifdef __GLIBC__
#include <unistd.h>
#endif

namespace pcas {
namespace {

constexpr std::uint32_t kAllRights =
    CA_PROTO_ACCESS_RIGHT_READ | CA_PROTO_ACCESS_RIGHT_WRITE;
constexpr const char* kDefaultGroup = "DEFAULT";
// As pcaspy's channels: rules of level 0 do not hold for them, so that a RULE(0, WRITE)
// for values that only experts may change grants nothing.
constexpr int kLevel = 1;

std::uint32_t rights_of(const asgClient& client) noexcept {
    if (client.access >= asWRITE) return kAllRights;
    return client.access >= asREAD ? CA_PROTO_ACCESS_RIGHT_READ : 0;
}

template <class F>
void for_each_group(F&& f) {
    if (!pasbase) return;
    auto* lists = const_cast<ASBASE*>(pasbase);
    for (ELLNODE* node = ellFirst(&lists->asgList); node; node = ellNext(node)) {
        f(*reinterpret_cast<ASG*>(node));  // the node is its first member
    }
}

// The address of a host by its name, as text; empty if it has none.
std::string address_of(const std::string& host) {
    constexpr std::size_t kLongest = 255;  // libCom copies it to its stack
    sockaddr_in address{};
    if (host.size() > kLongest || aToIPAddr(host.c_str(), 0, &address)) return {};
    const std::uint32_t ip = ntohl(address.sin_addr.s_addr);
    std::string out = std::to_string(ip >> 24);
    for (int shift = 16; shift >= 0; shift -= 8) {
        out += '.' + std::to_string(ip >> shift & 0xff);
    }
    return out;
}

// Ends this process, when it exits, before the exit handlers that were set so far run.
void leave_without_exit_handlers() {
#ifdef __GLIBC__
    ::on_exit(
        [](int status, void*) {
            std::fflush(nullptr);
            ::_exit(status);
        },
        nullptr);
#endif
}

}  // namespace

// What the process has of asLib. Never destroyed: asLib's threads may outlive `main`.
class AccessService {
  public:
    static AccessService& get() {
        static AccessService& service = *new AccessService;
        return service;
    }

    std::mutex& mutex() noexcept { return mutex_; }
    bool has_traps() const noexcept { return traps_; }

    // ---- mutex() held ----
    bool active() const noexcept { return active_; }
    bool knows(const std::string& group) const { return groups_.contains(group); }
    void join(AccessClient& client);
    void leave(AccessClient& client);
    void change_group(AccessMember& member, std::string name);

    std::vector<std::string> load(const std::string& text, const std::string& source,
                                  const std::string& definitions,
                                  access_security::HostIs host_is);
    void start_inputs(const std::string& library);
    void stop_inputs();
    void prepare_fork();
    void release_after_fork();
    void forget_inputs();

  private:
    static void on_change(asgClient* changed, asClientStatus);

    static const char* name_of(const std::unique_ptr<const std::string>& group) {
        return group ? group->c_str() : kDefaultGroup;
    }
    // A PV without a group is outside access security, unless the rules say what holds
    // for all PVs.
    bool is_outside(const std::unique_ptr<const std::string>& group) const noexcept {
        return !group && !for_all_;
    }
    // asLib would take a group that it does not know for DEFAULT: what a name that was
    // mistyped is about would be open.
    bool has_rules(const std::unique_ptr<const std::string>& group) const {
        return !is_outside(group) && groups_.contains(name_of(group));
    }
    void enter(AccessClient& client);
    void withdraw(AccessClient& client);
    void withdraw_all(AccessMember& member);
    void settle(AccessMember& member);
    void tell(AccessMember& member);
    void take_rules(const std::string& rules, access_security::HostIs host_is);
    long replace_rules(const std::string& rules, access_security::HostIs host_is);

    // Serialises loading, starting and stopping; taken before mutex_.
    std::mutex load_mutex_;
    struct Inputs {
        void (*start)() = nullptr;
        void (*stop)() = nullptr;
        std::string library;
        bool running = false;
        bool lost = false;  // their thread is that of the parent process
    } inputs_;
    bool forked_ = false;

    std::mutex mutex_;  // guards all below, and the lists of members and clients
    IntrusiveList<AccessMember> members_;  // those that have clients
    access_security::HostIs host_is_ = access_security::HostIs::Claimed;
    std::unordered_set<std::string> groups_;
    bool active_ = false;
    bool for_all_ = false;  // there is an ASG(DEFAULT)

    std::atomic<bool> traps_{false};  // some rule has TRAPWRITE

    // While rules are replaced, asLib passes through states that nobody may see.
    std::atomic<bool> loading_{false};
};

// asLib's lock is held; any thread.
void AccessService::on_change(asgClient* changed, asClientStatus) {
    if (get().loading_) return;
    auto* client = static_cast<AccessClient*>(asGetClientPvt(changed));
    client->rights_ = rights_of(*changed);
    if (client->told_) client->tell();
}

void AccessService::join(AccessClient& client) {
    AccessMember& member = client.member_;
    if (member.clients_.empty()) members_.push_back(member);
    member.clients_.push_back(client);
    if (active_) enter(client);
    client.told_ = true;
}

void AccessService::leave(AccessClient& client) {
    withdraw(client);
    AccessMember& member = client.member_;
    client.ListNode<AccessClient>::leave();
    if (!member.clients_.empty()) return;
    if (member.pvt_) asRemoveMember(&member.pvt_);
    member.ListNode<AccessMember>::leave();
}

// Makes it known to asLib, if there are rules for it.
void AccessService::enter(AccessClient& client) {
    AccessMember& member = client.member_;
    if (!member.pvt_ && has_rules(member.group_)) {
        asAddMember(&member.pvt_, name_of(member.group_));
    }
    client.rights_ = is_outside(member.group_) ? kAllRights : 0;
    if (!member.pvt_) return;
    const ClientIdentity& who = *client.who_;
    std::string_view host = who.host;
    if (host_is_ == access_security::HostIs::Peer) {
        host = std::string_view(who.address).substr(0, who.address.find(':'));
    }
    client.host_ = std::make_unique<char[]>(host.size() + 1);
    std::memcpy(client.host_.get(), host.data(), host.size());
    if (asAddClient(&client.pvt_, member.pvt_, kLevel, who.user.c_str(),
                    client.host_.get())) {
        return;
    }
    asPutClientPvt(client.pvt_, &client);
    asRegisterClientCallback(client.pvt_, &AccessService::on_change);
}

// Waits for a callback that runs.
void AccessService::withdraw(AccessClient& client) {
    if (client.pvt_) asRemoveClient(&client.pvt_);
    client.pvt_ = nullptr;
    client.host_.reset();
    client.rights_ = 0;
}

void AccessService::withdraw_all(AccessMember& member) {
    member.clients_.for_each([&](AccessClient& client) { withdraw(client); });
    if (member.pvt_) asRemoveMember(&member.pvt_);
    member.pvt_ = nullptr;
}

// Brings asLib's knowledge of the member in line with the rules.
void AccessService::settle(AccessMember& member) {
    if (!has_rules(member.group_)) withdraw_all(member);
    member.clients_.for_each([&](AccessClient& client) {
        if (!client.pvt_) enter(client);
    });
}

void AccessService::change_group(AccessMember& member, std::string name) {
    std::unique_ptr<const std::string> group;
    if (!name.empty()) group = std::make_unique<std::string>(std::move(name));
    if (!active_) {
        member.group_ = std::move(group);
    } else if (member.pvt_ && has_rules(group)) {
        asChangeGroup(&member.pvt_, name_of(group));
        member.group_ = std::move(group);  // the old name goes when asLib let go of it
    } else {
        withdraw_all(member);
        member.group_ = std::move(group);
        settle(member);
        tell(member);
    }
}

void AccessService::tell(AccessMember& member) {
    member.clients_.for_each([](AccessClient& client) { client.tell(); });
}

// asLib has new rules: it has moved its members by the names of their groups, and those
// whose group is gone to DEFAULT, which is not what we want.
void AccessService::take_rules(const std::string& rules,
                               access_security::HostIs host_is) {
    for_all_ = defines_group(rules, kDefaultGroup);
    groups_.clear();
    traps_ = false;
    for_each_group([&](const ASG& group) {
        groups_.insert(group.name);
        auto* list = const_cast<ELLLIST*>(&group.ruleList);
        for (ELLNODE* rule = ellFirst(list); rule; rule = ellNext(rule)) {
            if (reinterpret_cast<ASGRULE*>(rule)->trapMask) traps_ = true;
        }
    });
    if (host_is != host_is_) {
        members_.for_each([&](AccessMember& member) { withdraw_all(member); });
        host_is_ = host_is;
    }
    active_ = true;
    members_.for_each([&](AccessMember& member) {
        settle(member);
        member.clients_.for_each([&](AccessClient& client) {
            if (client.pvt_) client.rights_ = rights_of(*client.pvt_);
        });
        tell(member);
    });
}

long AccessService::replace_rules(const std::string& rules,
                                  access_security::HostIs host_is) {
    std::lock_guard lock(mutex_);
    loading_ = true;
    asCheckClientIP = 0;  // hosts are addresses already: nothing is to be looked up
    const long status = asInitMem(rules.c_str(), nullptr);
    if (status == 0) take_rules(rules, host_is);
    asCheckClientIP = host_is_ == access_security::HostIs::Peer;
    loading_ = false;
    return status;
}

std::vector<std::string> AccessService::load(const std::string& text,
                                             const std::string& source,
                                             const std::string& definitions,
                                             access_security::HostIs host_is) {
    std::string rules =
        definitions.empty() ? text : expand_macros(text, source, definitions);
    if (rules.find('\0') != std::string::npos) {
        throw std::invalid_argument(source + ": contains a NUL byte");
    }
    // Without any lock: it may take long.
    std::vector<std::string> unknown;
    if (host_is == access_security::HostIs::Peer) {
        rules = with_addresses(rules, source, address_of, unknown);
    }
    std::lock_guard load_lock(load_mutex_);
    const bool restart = inputs_.running;
    if (restart) {
        inputs_.stop();
        inputs_.running = false;
    }
    LibComMessages messages(!forked_);
    const long status = replace_rules(rules, host_is);
    messages.finish();
    if (restart) {
        inputs_.start();
        inputs_.running = true;
    }
    if (status) {
        throw std::invalid_argument(
            explain_refusal(rules, source, messages.printed(), messages.logged()));
    }
    std::vector<std::string> warnings = warnings_in(source, messages.printed());
    warnings.insert(warnings.begin(), unknown.begin(), unknown.end());
    return warnings;
}

void AccessService::start_inputs(const std::string& library) {
    std::lock_guard load_lock(load_mutex_);
    if (inputs_.running || !access_security::has_inputs()) return;
    if (inputs_.lost) {
        throw std::runtime_error(
            "inputs of access security cannot be used in a forked process");
    }
    if (!inputs_.start) {
        if (!epicsLoadLibrary(library.c_str())) {
            const char* why = epicsLoadError();
            throw std::runtime_error("cannot load " + library + ": " +
                                     (why ? why : ""));
        }
        inputs_.start = reinterpret_cast<void (*)()>(epicsFindSymbol("asCaStart"));
        inputs_.stop = reinterpret_cast<void (*)()>(epicsFindSymbol("asCaStop"));
        if (!inputs_.start || !inputs_.stop) {
            inputs_.start = nullptr;
            throw std::runtime_error(library + " has no asCaStart");
        }
    }
    inputs_.start();
    inputs_.running = true;
}

void AccessService::stop_inputs() {
    std::lock_guard load_lock(load_mutex_);
    if (!std::exchange(inputs_.running, false)) return;
    inputs_.stop();
}

void AccessService::prepare_fork() {
    load_mutex_.lock();
    mutex_.lock();
}

void AccessService::release_after_fork() {
    mutex_.unlock();
    load_mutex_.unlock();
}

// The thread of the inputs is the parent's; libCom's exit handlers would wait for it.
void AccessService::forget_inputs() {
    forked_ = true;
    if (inputs_.start && !inputs_.lost) {
        inputs_.lost = true;
        leave_without_exit_handlers();
    }
    inputs_.running = false;
    for_each_group([](ASG& group) {
        if (ellCount(&group.inpList) > 0) group.inpBad = ~0ul;
    });
}

// ---- members and clients
// -------------------------------------------------------------

void AccessMember::set_group(std::string group) {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    service.change_group(*this, std::move(group));
}

std::string AccessMember::group() const {
    std::lock_guard lock(AccessService::get().mutex());
    return group_ ? *group_ : std::string();
}

void AccessMember::set_read_only(bool on) {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    if (read_only_.exchange(on) == on) return;
    clients_.for_each([](AccessClient& client) { client.tell(); });
}

AccessClient::AccessClient(AccessMember& member, ClientPtr who, RightsQueue& changes,
                           RightsQueue::Entry channel)
    : member_(member),
      who_(std::move(who)),
      changes_(changes),
      channel_(channel),
      rights_(kAllRights) {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    service.join(*this);
}

AccessClient::~AccessClient() {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    service.leave(*this);
}

bool AccessClient::traps_writes() const {
    AccessService& service = AccessService::get();
    if (!service.has_traps()) return false;
    std::lock_guard lock(service.mutex());
    return pvt_ && pvt_->trapMask;
}

// ---- the process
// ---------------------------------------------------------------------

namespace access_security {

std::vector<std::string> load(const std::string& text, const std::string& source,
                              const std::string& definitions, HostIs host_is) {
    return AccessService::get().load(text, source, definitions, host_is);
}

void start_inputs(const std::string& library) {
    AccessService::get().start_inputs(library);
}

void stop_inputs() { AccessService::get().stop_inputs(); }

bool active() {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    return service.active();
}

bool lacks_group(const std::string& name) {
    AccessService& service = AccessService::get();
    std::lock_guard lock(service.mutex());
    return service.active() && !service.knows(name);
}

bool has_inputs() {
    std::lock_guard lock(AccessService::get().mutex());
    bool found = false;
    for_each_group([&](const ASG& group) {
        found = found || ellCount(const_cast<ELLLIST*>(&group.inpList)) > 0;
    });
    return found;
}

void prepare_fork() { AccessService::get().prepare_fork(); }
void after_fork_in_parent() { AccessService::get().release_after_fork(); }
void after_fork_in_child() {
    AccessService::get().forget_inputs();
    AccessService::get().release_after_fork();
}

}  // namespace access_security
}  // namespace pcas
