// What only Python can answer: made on the loop thread, pulled by process(), completed
// once by any thread. Completing after its circuit is gone has no effect.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "access/client_identity.hpp"
#include "base/export.hpp"
#include "base/instances.hpp"
#include "base/ref.hpp"
#include "dbr/snapshot.hpp"
#include "pv/pv.hpp"

namespace pcas {

enum class RequestKind : std::uint8_t {
    Write,    // a put: carry out, then complete(status)
    Read,     // a get: complete(status, snapshot)
    Exists,   // a search: complete(ECA_NORMAL) if the name exists here
    Attach,   // a channel for a name: complete_attach(status, pv)
    Interest  // subscriptions on `pv` came or went; needs no completion
};

class CompletionQueue;

class PCAS_API Request final : public RefCounted,
                               public CountedInstance<Counted::Request> {
  public:
    // One that nobody has completed fails, so that its client does not wait for ever.
    static void destroy(const Request* r) noexcept;
    Request(RequestKind request_kind, std::shared_ptr<CompletionQueue> queue) noexcept
        : kind(request_kind), completions_(std::move(queue)) {}

    // ---- filled by the loop before the request is queued, constant from then on ----
    const RequestKind kind;
    bool notify = false;        // Write: a put callback waits for the completion
    bool in_series = false;     // Write: one of the PV's serial_puts()
    bool trapped = false;       // Write: access security wants it logged
    bool first_update = false;  // Read: starts the subscription `ioid` of channel `sid`
    bool interest = false;      // Interest: there are subscriptions; set when taken
    DbrType dbr_type{};         // Write, Read: the request's type and count
    std::uint32_t dbr_count = 0;
    std::uint64_t circuit = 0;  // whom to answer (never reused)
    std::uint32_t sid = 0;
    std::uint32_t ioid = 0;      // Read, Write: ioid; Exists, Attach: the client's cid
    std::uint64_t sequence = 0;  // Write: position among the circuit's writes;
                                 // first_update: which one of its subscription's
    PvPtr pv;                    // Write, Read, Interest
    ClientPtr client;            // null for Exists over UDP before anyone is known
    SnapshotPtr value;           // Write: in the PV's type; no time, alarm or metadata
    std::string name;            // Exists, Attach

    // What it takes while it waits.
    std::size_t held_bytes() const noexcept {
        return sizeof(Request) + name.size() + (value ? value->size_bytes() : 0);
    }

    // ---- the queue that it is in ----
    Ref<Request> behind;  // the next one of its lane

    // ---- any thread ----
    // The first completion counts and returns true; later ones are no-ops.
    bool complete(EcaStatus status, SnapshotPtr result = {});
    bool complete_attach(EcaStatus status, PvPtr pv_found);
    // Write: the driver is being asked to do it, and may say by Pv::end_put() that it
    // is done.
    void carry_out();
    // Write: the driver has accepted it and completes it later. Reads of the same
    // circuit that came after it no longer wait for it.
    void defer();
    bool completed() const noexcept { return state_.load() != State::Open; }

    // ---- loop thread ----
    bool dispatched = false;  // the circuit knows that the driver has had it
    // once completed
    EcaStatus status() const noexcept { return status_; }
    const SnapshotPtr& result() const noexcept { return result_; }
    const PvPtr& attached() const noexcept { return attached_; }

  private:
    ~Request() = default;
    enum class State : std::uint8_t { Open, Claimed };

    std::atomic<State> state_{State::Open};
    const std::shared_ptr<CompletionQueue> completions_;
    // written by the one that claimed, read by the loop after it took the completion
    EcaStatus status_ = 0;
    SnapshotPtr result_;
    PvPtr attached_;
};

using RequestPtr = Ref<Request>;

}  // namespace pcas
