// What only Python can answer: made by a server, pulled by process(), completed once by
// any thread. It knows whom to tell of that, and no protocol: a server derives from it
// what it has to know when it is told.
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
#include "pv/put_log.hpp"
#include "pv/pv.hpp"

namespace pcas {

enum class RequestKind : std::uint8_t {
    Write,    // a put: carry out, then complete(status)
    Read,     // a get: complete(status, snapshot)
    Exists,   // a search: complete(ECA_NORMAL) if the name exists here
    Attach,   // a channel for a name: complete_attach(status, pv)
    Interest  // subscriptions on `pv` came or went; needs no completion
};

class Request;

// Whom a request tells how it goes.
class Answerer {
  public:
    virtual ~Answerer() = default;
    // Any thread: it was completed, or (once, before that) accepted for a later
    // completion. Must not wait. Throws std::bad_alloc.
    virtual void tell(Ref<Request> request, bool completed) = 0;
};

class PCAS_API Request : public RefCounted, public CountedInstance<Counted::Request> {
  public:
    // One that nobody has completed fails, so that its client does not wait for ever.
    static void destroy(const Request* r) noexcept;
    // `to` may be null: then nobody is told.
    Request(RequestKind request_kind, std::shared_ptr<Answerer> to) noexcept
        : kind(request_kind), answerer_(std::move(to)) {}

    // ---- filled by the server before it is queued, constant from then on ----
    const RequestKind kind;
    bool notify = false;     // Write: a put callback waits for the completion
    bool in_series = false;  // Write: one of the PV's serial_puts()
    bool trapped = false;    // Write: access security wants it logged
    bool interest = false;   // Interest: there are subscriptions; set when taken
    DbrType dbr_type{};      // Write, Read: the type and count that the client names
    std::uint32_t dbr_count = 0;
    // Those of a lane are taken in their order: who makes them has one of the
    // namespace's. 0 is for searches of whoever it may be.
    std::uint64_t lane = 0;
    std::uint32_t channel = 0;  // among those of the lane
    PvPtr pv;                   // Write, Read, Interest
    ClientPtr client;           // null for Exists before anyone is known
    SnapshotPtr value;          // Write: in the PV's type; no time, alarm or metadata
    std::string name;           // Exists, Attach
    // Write: its end is written down there, if there is such a log.
    void log_to(const PutLogPtr& log) {
        if (log) [[unlikely]]
            logged_ = std::make_unique<PutInProgress>(log);
    }

    // What it takes while it waits.
    std::size_t held_bytes() const noexcept {
        return sizeof(Request) + name.size() + (value ? value->size_bytes() : 0);
    }

    // ---- the queue that it is in ----
    Ref<Request> behind;     // the next one of its lane
    bool looked_at = false;  // Interest: whether there is some

    // ---- by whoever carries it out, before it is completed ----
    // Python turns to it now. What the log has to know of a put is noted.
    void begin() {
        if (logged_) [[unlikely]]
            note_before();
    }
    // Write: what the log says of it if it fails.
    void set_failure(PutOutcome outcome) noexcept {
        if (logged_) logged_->failure = outcome;
    }

    // ---- any thread ----
    // The first completion counts and returns true; later ones are no-ops.
    bool complete(EcaStatus status, SnapshotPtr result = {});
    bool complete_attach(EcaStatus status, PvPtr pv_found);
    // Write: the driver is being asked to do it, and may say by Pv::end_put() that it
    // is done.
    void carry_out();
    // Write: the driver has accepted it and completes it later. Reads of the same
    // client that came after it no longer wait for it.
    void defer();
    bool completed() const noexcept { return state_.load() != State::Open; }

    // ---- who is told, once it is completed ----
    EcaStatus status() const noexcept { return status_; }
    const SnapshotPtr& result() const noexcept { return result_; }
    const PvPtr& attached() const noexcept { return attached_; }

  protected:
    virtual ~Request() = default;

  private:
    enum class State : std::uint8_t { Open, Claimed };

    void note_before();
    void write_down();

    std::atomic<State> state_{State::Open};
    const std::shared_ptr<Answerer> answerer_;
    // written by the one that claimed, read by who is told
    EcaStatus status_ = 0;
    SnapshotPtr result_;
    PvPtr attached_;
    std::unique_ptr<PutInProgress> logged_;  // Write: null without a log
};

using RequestPtr = Ref<Request>;

}  // namespace pcas
