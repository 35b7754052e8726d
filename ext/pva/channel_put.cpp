// Puts: decoded here, carried out by Python.
#include <caerr.h>
#include <pvxs/log.h>

#include <utility>

#include "pv/refused_put.hpp"
#include "pv/serial_puts.hpp"
#include "pva/channel.hpp"
#include "pva/take.hpp"

namespace pcas::pva {
namespace {

// An option of the put's request, which may be text or of its own type.
bool option(const pvxs::Value& request, const char* name, bool otherwise) {
    const pvxs::Value field = request[std::string("record._options.") + name];
    std::string text;
    // Without the field pvxs would throw, and catch.
    if (!field || !field.as(text)) return otherwise;
    return text == "true" ? true : text == "false" ? false : otherwise;
}

}  // namespace

void Channel::on_put(ExecOp operation, const pvxs::Value& value) {
    std::lock_guard turn(core_->turn);
    Counters::add(core_->counters->pva_writes);
    if (!pv_) return operation->error("the PV is gone");
    if (!may_write()) {
        return refuse_put(
            *operation, value,
            pv().read_only() ? PutOutcome::ReadOnly : PutOutcome::NoAccess,
            std::string(why_no_write(pv())), "Put not permitted");
    }
    if (pv().puts_disabled()) {
        return refuse_put(*operation, value, PutOutcome::Disabled,
                          std::string(kPutsDisabled), std::string(kPutsDisabled));
    }
    SnapshotPtr made;
    try {
        const SnapshotPtr now = pv().snapshot();
        made = put_of(pv_->form, pv().max_count(), *now, value);
    } catch (const std::exception& error) {
        return refuse_put(*operation, value, PutOutcome::BadValue, error.what(),
                          error.what());
    }
    put(operation, value, std::move(made));
}

void Channel::put(ExecOp& operation, const pvxs::Value& value, SnapshotPtr made) {
    const pvxs::Value& options = operation->pvRequest();
    if (!option(options, "process", true) && !std::exchange(warned_, true)) {
        operation->logRemote(pvxs::Level::Warn,
                             "process=false has no effect: the driver is always asked");
    }
    const PvaRequestPtr request = make_request(RequestKind::Write);
    request->dbr_count = made->count();
    request->value = std::move(made);
    request->notify = option(options, "block", false);
    request->in_series = request->notify && pv().puts_in_series();
    request->trapped = traps_writes();
    request->log_to(core_->names->put_log());
    if (!core_->ask(request)) {
        Counters::add(core_->counters->pva_puts_refused);
        return refuse_put(*operation, value, PutOutcome::Busy, "too many puts wait",
                          "too many puts wait");
    }
    request->operation = std::move(operation);
    if (has_its_turn(request)) core_->names->requests()->push(request);
}

// False: the PV keeps the request until the put callback before it is completed, or has
// no room for it, and then it fails.
bool Channel::has_its_turn(const PvaRequestPtr& request) {
    if (!request->in_series) return true;
    return pv().serial_puts()->begin(request, core_->names->requests()) ==
           SerialPuts::Turn::Now;
}

void Channel::refuse_put(pvxs::server::ExecOp& operation, const pvxs::Value& value,
                         PutOutcome outcome, const std::string& why,
                         const std::string& told) {
    const std::string& address = client_->user->address;
    core_->log.add_made(LogLevel::Warning,
                        "puts of " + address.substr(0, address.rfind(':')),
                        LogTopic::Put, [&] {
                            return refused_put_text(put_text(pv_->form, value), pv(),
                                                    *client_->user, why);
                        });
    if (const PutLogPtr& log = core_->names->put_log()) {
        log->add_refused(held_pv_, client_->user, outcome, traps_writes(),
                         [&] { return put_text(pv_->form, value); });
    }
    operation.error(told);
}

// A put that does not block is answered when the driver has had it.
void Channel::answer_write(PvaRequest& request, bool completed) {
    if (!completed && request.notify) return;
    const ExecOp operation = std::move(request.operation);
    if (!operation) return;
    if (!completed || request.status() == ECA_NORMAL) return operation->reply();
    operation->error(request.status() == ECA_ALLOCMEM ? "too many puts wait"
                                                      : "refused by the driver");
}

}  // namespace pcas::pva
