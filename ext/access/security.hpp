// Access security by EPICS' asLib: which client may read and write which PV.
//
// asLib is one for the process: one set of rules for all servers. Its words: a member
// is a PV in an access security group (ASG), a client is one channel on a member.
// Before the first rules are loaded everything is granted.
//
// Locks: this file's own guards its lists; asLib's is taken inside it and is also held
// by whoever changes an input. asLib's callback runs with asLib's lock held on any
// thread: it stores the rights and queues the channel for its loop, nothing else.
#pragma once

#include <caProto.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "access/client_identity.hpp"
#include "base/export.hpp"
#include "base/intrusive_list.hpp"

struct asgMember;  // asLib's
struct asgClient;  // asLib's

namespace pcas {

class AccessClient;
class AccessService;

// Where channels whose rights may have changed wait for their loop.
class RightsQueue {
  public:
    struct Entry {
        std::uint64_t circuit;
        std::uint32_t sid;
    };
    virtual ~RightsQueue() = default;
    // Any thread, asLib's lock held: must not block.
    virtual void push(Entry entry) noexcept = 0;
};

// A PV's place in a group. Any thread.
class PCAS_API AccessMember final : public ListNode<AccessMember> {
  public:
    // Empty: in no group. All is granted then, unless the rules have an ASG(DEFAULT),
    // which holds for such PVs. A group that the rules do not have gives no access.
    void set_group(std::string group);
    std::string group() const;
    // Nobody may write, whatever the rules say. Channels that there are get to know.
    void set_read_only(bool on);
    bool read_only() const noexcept { return read_only_.load(); }

  private:
    friend class AccessClient;
    friend class AccessService;
    // guarded by the service's mutex
    std::unique_ptr<const std::string> group_;  // null: none; asLib points into it
    asgMember* pvt_ = nullptr;                  // null while asLib does not know it
    IntrusiveList<AccessClient> clients_;

    std::atomic<bool> read_only_{false};
};

// A channel's standing with the member it is on. Made and destroyed by the loop thread;
// `member` and `changes` outlive it.
class PCAS_API AccessClient final : public ListNode<AccessClient> {
  public:
    AccessClient(AccessMember& member, ClientPtr who, RightsQueue& changes,
                 RightsQueue::Entry channel);
    ~AccessClient();
    AccessClient(const AccessClient&) = delete;
    AccessClient& operator=(const AccessClient&) = delete;

    // CA_PROTO_ACCESS_RIGHT_* bits that are granted now. Any thread.
    std::uint32_t rights() const noexcept {
        return member_.read_only()
                   ? rights_ & ~std::uint32_t{CA_PROTO_ACCESS_RIGHT_WRITE}
                   : rights_.load();
    }
    // The same for whom `changes` has told: the next change is told again.
    std::uint32_t take_rights() noexcept {
        queued_ = false;
        return rights();
    }
    // The rule that lets this client write asks for its writes to be logged.
    bool traps_writes() const;

  private:
    friend class AccessMember;
    friend class AccessService;
    void tell() noexcept {
        if (!queued_.exchange(true)) changes_.push(channel_);
    }

    // constant
    AccessMember& member_;
    const ClientPtr who_;
    RightsQueue& changes_;
    const RightsQueue::Entry channel_;
    // guarded by the service's mutex
    asgClient* pvt_ = nullptr;
    std::unique_ptr<char[]> host_;  // asLib keeps a pointer to it and changes its case

    std::atomic<std::uint32_t> rights_;
    std::atomic<bool> told_{false};    // the owner has got the first rights
    std::atomic<bool> queued_{false};  // in `changes_`, where once is enough
};

namespace access_security {

// How a client's host is known to the rules.
enum class HostIs : std::uint8_t {
    Claimed,  // the name that the client says it has
    Peer      // the address of its socket; names in a HAG are resolved at loading
};

// Replaces the rules by those in `text`, an access security file. `source` names it in
// messages; `definitions` are macros as "A=x,B=y" (none: text stays as it is). Inputs
// that were running are started again. Returns warnings, ready to print.
// Throws std::invalid_argument with source, line and reason; then the old rules stay.
PCAS_API std::vector<std::string> load(const std::string& text,
                                       const std::string& source,
                                       const std::string& definitions, HostIs host_is);

// Connects the inputs (INPA...) of the rules over Channel Access, with a client context
// that is made at the first call. Does nothing while running or without inputs.
// `library` is the path of EPICS' libdbCore, which is loaded when needed. Throws
// std::runtime_error.
PCAS_API void start_inputs(const std::string& library);
PCAS_API void stop_inputs();

bool active();               // rules were loaded
PCAS_API bool has_inputs();  // the rules in force have any
// There are rules, but none for that group: its PVs give no access.
PCAS_API bool lacks_group(const std::string& name);

// Around fork(), after the servers' own: no lock of this file is held in the child. Its
// inputs are gone, so that rules with inputs grant nothing there.
PCAS_API void prepare_fork();
PCAS_API void after_fork_in_parent();
PCAS_API void after_fork_in_child();

}  // namespace access_security
}  // namespace pcas
