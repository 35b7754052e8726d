#include "pv/local_puts.hpp"

#include <caProto.h>
#include <caerr.h>

#include <utility>

#include "pv/refused_put.hpp"
#include "pv/serial_puts.hpp"

namespace pcas {
namespace {

class LocalRequest final : public Request {
  public:
    LocalRequest(std::shared_ptr<Answerer> to, std::uint64_t of) noexcept
        : Request(RequestKind::Write, std::move(to)), number(of) {}
    const std::uint64_t number;
};

// Its rights are asked for once.
class Deaf final : public RightsQueue {
  public:
    void push(Entry) noexcept override {}
};

}  // namespace

class LocalPuts::Answers final : public Answerer {
  public:
    explicit Answers(std::function<void()> tell) : tell_(std::move(tell)) {}
    void tell(Ref<Request> request, bool completed) override {
        const auto& done = static_cast<const LocalRequest&>(*request);
        std::lock_guard lock(mutex_);
        if (!tell_) return;
        progress_.push_back({done.number, completed, completed ? done.status() : 0});
        tell_();
    }
    std::vector<PutProgress> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(progress_, {});
    }
    // Nobody wants to know any more.
    void end() {
        std::lock_guard lock(mutex_);
        tell_ = {};
    }

  private:
    std::mutex mutex_;  // leaf; guards all below
    std::function<void()> tell_;
    std::vector<PutProgress> progress_;
};

LocalPuts::LocalPuts(std::shared_ptr<Namespace> names, std::function<void()> tell)
    : names_(std::move(names)),
      lane_(names_->new_lane()),
      answers_(std::make_shared<Answers>(std::move(tell))) {}

LocalPuts::~LocalPuts() { answers_->end(); }

std::string LocalPuts::put(const PvPtr& pv, SnapshotPtr value, const ClientPtr& client,
                           std::uint64_t number) {
    Deaf nobody;
    const AccessClient standing(pv->access(), client, nobody, {});
    const PutLogPtr& log = names_->put_log();
    const auto refuse = [&](PutOutcome outcome) {
        if (log) log->add_refused(pv, client, outcome, standing.traps_writes(), value);
    };
    if (!(standing.rights() & CA_PROTO_ACCESS_RIGHT_WRITE)) {
        refuse(pv->read_only() ? PutOutcome::ReadOnly : PutOutcome::NoAccess);
        return std::string(why_no_write(*pv));
    }
    if (pv->puts_disabled()) {
        refuse(PutOutcome::Disabled);
        return std::string(kPutsDisabled);
    }
    const RequestPtr request(new LocalRequest(answers_, number));
    request->pv = pv;
    request->client = client;
    request->lane = lane_;
    request->dbr_type = plain_dbr(wire_type(pv->type()));
    request->dbr_count = value->count();
    request->value = std::move(value);
    request->trapped = standing.traps_writes();
    request->log_to(log);
    request->in_series = pv->puts_in_series();
    if (request->in_series) {
        const auto turn = pv->serial_puts()->begin(request, names_->requests());
        if (turn == SerialPuts::Turn::Later) return {};
        if (turn == SerialPuts::Turn::Never) {
            request->complete(ECA_PUTFAIL);  // whose progress nobody knows
            return "too many puts wait";
        }
    }
    if (!names_->requests()->push(request)) {
        request->complete(ECA_PUTFAIL);
        return "too many requests wait for the driver";
    }
    return {};
}

std::vector<PutProgress> LocalPuts::take() { return answers_->take(); }

ClientPtr local_client(std::string user) {
    Ref<ClientIdentity> made(new ClientIdentity);
    made->user = std::move(user);
    made->host = "localhost";
    made->address = "127.0.0.1:0";
    made->protocol = Protocol::Control;
    return made;
}

}  // namespace pcas
