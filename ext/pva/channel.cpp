#include "pva/channel.hpp"

#include <caerr.h>
#include <pvxs/log.h>

#include <algorithm>
#include <new>
#include <utility>

#include "pv/serial_puts.hpp"

namespace pcas::pva {

namespace sv = pvxs::server;

namespace {

constexpr const char* kGone = "the PV is gone";

}  // namespace

Channel::Channel(std::shared_ptr<Core> core, Control control,
                 std::shared_ptr<Connection> client, std::uint32_t id)
    : core_(std::move(core)),
      control_(std::move(control)),
      client_(std::move(client)),
      id_(id) {
    core_->channels[id_] = this;
    ++client_->channels;
    Counters::add(core_->counters->pva_channels);
    Counters::add(core_->counters->pva_channels_created);
}

// The mutex is not held, unless it is dropped already.
Channel::~Channel() {
    if (dropped_) return;
    std::lock_guard turn(core_->turn);
    drop();
}

void Channel::serve() {
    const auto self = shared_from_this();
    control_->onOp([self](std::unique_ptr<sv::ConnectOp>&& operation) {
        self->on_operation(std::move(operation));
    });
    control_->onSubscribe([self](std::unique_ptr<sv::MonitorSetupOp>&& setup) {
        self->on_subscribe(std::move(setup));
    });
    control_->onClose([self](const std::string&) {
        std::lock_guard turn(self->core_->turn);
        self->drop();
    });
}

void Channel::attach(const PvPtr& pv) {
    if (dropped_) return;
    held_pv_ = pv;
    pv_ = PvaPvPtr(static_cast<PvaPv*>(pv->clients_of(*core_->posts).get()));
    if (!pv_) {
        pv_ = PvaPvPtr(new PvaPv(*pv, core_->posts));
        pv->attach(pv_);
    }
    pv_->channels.push_back(this);
    pv_->count_channel();
    const auto join = [&](const ClientPtr& who) {
        access_.push_back(std::make_unique<AccessClient>(
            pv->access(), who, core_->rights_changes, RightsQueue::Entry{id_, 0}));
    };
    join(client_->user);
    for (const ClientPtr& role : client_->roles) join(role);
}

void Channel::connect_waiting() {
    std::vector<std::unique_ptr<sv::ConnectOp>> operations;
    std::vector<std::unique_ptr<sv::MonitorSetupOp>> setups;
    pvxs::Value prototype;
    {
        std::lock_guard turn(core_->turn);
        if (!pv_) return;
        prototype = pv_->form.prototype;
        operations.swap(waiting_operations_);
        setups.swap(waiting_setups_);
    }
    for (const auto& operation : operations) connect(*operation, prototype);
    for (const auto& setup : setups) subscribe(*setup, prototype);
}

bool Channel::ask_for_pv(const std::string& name) {
    const PvaRequestPtr request = make_request(RequestKind::Attach);
    request->name = name;
    if (!core_->ask(request)) return false;
    core_->names->requests()->push(request);
    return true;
}

// Once; what is still to come of its operations finds nothing.
void Channel::drop() noexcept {
    if (std::exchange(dropped_, true)) return;
    core_->channels.erase(id_);
    --client_->channels;
    Counters::subtract(core_->counters->pva_channels);
    for (const auto& operation : waiting_operations_) operation->error(kGone);
    for (const auto& setup : waiting_setups_) setup->error(kGone);
    waiting_operations_.clear();
    waiting_setups_.clear();
    if (!pv_) return;
    left_.swap(monitors_);
    for (const auto& monitor : left_) end(*monitor);
    access_.clear();
    if (SerialPuts* puts = pv().serial_puts()) puts->withdraw(client_->lane, id_);
    std::erase(pv_->channels, this);
    pv_->uncount_channel();
    if (pv_->channels.empty()) pv().detach(*pv_);
    pv_.reset();
    held_pv_.reset();
}

std::uint32_t Channel::rights() const noexcept {
    std::uint32_t granted = 0;
    for (const auto& standing : access_) granted |= standing->rights();
    return granted;
}

bool Channel::traps_writes() const {
    return std::any_of(access_.begin(), access_.end(),
                       [](const auto& standing) { return standing->traps_writes(); });
}

void Channel::rights_changed() {
    for (const auto& standing : access_) standing->take_rights();
    const bool readable = may_read();
    for (const auto& monitor : monitors_) {
        if (!readable)
            monitor->mute();
        else if (monitor->muted())
            monitor->unmute(pv_->form, pv_->join(monitor->mask()));
    }
}

ChannelRow Channel::row() const {
    if (!pv_) return {};
    return {std::string(pv().name()), monitors_.size(), may_read(), may_write()};
}

// In the child of a fork the clients are the parent's, as is all of pvxs.
void Channel::forget() noexcept {
    if (pv_) pv_->no_subscriptions();
}

PvaRequestPtr Channel::make_request(RequestKind kind) {
    PvaRequestPtr request(new PvaRequest(kind, core_->answers));
    request->lane = client_->lane;
    request->channel = id_;
    request->client = client_->user;
    request->client_connection = client_;
    request->of = weak_from_this();
    if (pv_) {
        request->pv = held_pv_;
        request->dbr_type = plain_dbr(held_pv_->type());
    }
    return request;
}

// ---- gets, puts, information about the type ----

void Channel::on_operation(std::unique_ptr<sv::ConnectOp> operation) {
    pvxs::Value prototype;
    {
        std::lock_guard turn(core_->turn);
        // Of a PV that is gone it is not answered: the channel is about to close, and
        // then the client looks for the name again.
        if (!pv_) return waiting_operations_.push_back(std::move(operation));
        prototype = pv_->form.prototype;
    }
    connect(*operation, prototype);
}

void Channel::connect(sv::ConnectOp& operation, const pvxs::Value& prototype) {
    const auto self = shared_from_this();
    operation.onGet([self](ExecOp&& get) { self->on_get(std::move(get)); });
    if (operation.op() == sv::OpBase::Put) {
        operation.onPut([self](ExecOp&& put, pvxs::Value&& value) {
            self->on_put(std::move(put), value);
        });
    }
    try {
        operation.connect(prototype);
    } catch (const std::exception& error) {  // it asks for no field that there is
        operation.error(error.what());
    }
}

void Channel::on_get(ExecOp operation) {
    std::lock_guard turn(core_->turn);
    Counters::add(core_->counters->pva_reads);
    if (!pv_) return operation->error(kGone);
    if (!may_read()) return operation->error("Get not permitted");
    if (!pv().reads_by_request()) return reply_with_current(*operation);
    if (const SnapshotPtr now = pv().read_unasked()) {
        return operation->reply(value_of(pv_->form, now));
    }
    const PvaRequestPtr request = make_request(RequestKind::Read);
    if (!core_->ask(request)) return operation->error("too many requests wait");
    request->operation = std::move(operation);
    core_->names->requests()->push(request);
}

// Whatever happens, the client is answered.
void Channel::reply_with_current(sv::ExecOp& operation) {
    try {
        operation.reply(pv_->current());
    } catch (const std::exception& error) {  // no memory for a large one
        operation.error(error.what());
    }
}

void Channel::answer_read(PvaRequest& request) {
    const bool good = request.status() == ECA_NORMAL && request.result();
    if (const auto monitor = request.monitor.lock()) {
        monitor->first_value(pv_->form, good ? request.result() : pv().snapshot());
    }
    const ExecOp operation = std::move(request.operation);
    if (!operation) return;
    if (good)
        operation->reply(value_of(pv_->form, request.result()));
    else
        operation->error("the driver could not read the value");
}

// ---- what Python has answered ----

void Channel::on_answer(PvaRequest& request, bool completed) {
    if (request.kind == RequestKind::Write) {
        answer_write(request, completed);
    } else if (completed && request.kind == RequestKind::Read && pv_) {
        answer_read(request);
    } else if (completed && request.kind == RequestKind::Attach &&
               request.status() == ECA_NORMAL && request.attached()) {
        attach(request.attached());
    }
}

// ---- subscriptions ----

void Channel::on_subscribe(std::unique_ptr<sv::MonitorSetupOp> setup) {
    pvxs::Value prototype;
    {
        std::lock_guard turn(core_->turn);
        if (!pv_) return waiting_setups_.push_back(std::move(setup));  // the same
        prototype = pv_->form.prototype;
    }
    subscribe(*setup, prototype);
}

namespace {

// record._options.DBE, as a number or as names; without it all but the archive's.
EventMask mask_of(const pvxs::Value& request) {
    const pvxs::Value option = request["record._options.DBE"];
    std::uint32_t mask = 0;
    std::string names;
    if (!option.as(mask) && option.as(names)) {
        constexpr std::pair<const char*, EventMask> kNames[] = {
            {"VALUE", kValueEvent},
            {"ALARM", kAlarmEvent},
            {"ARCHIVE", kLogEvent},
            {"LOG", kLogEvent},
            {"PROPERTY", kPropertyEvent}};
        for (const auto& [name, event] : kNames) {
            if (names.find(name) != std::string::npos) mask |= event;
        }
    }
    if (!(mask & kAllEvents)) return kValueEvent | kAlarmEvent | kPropertyEvent;
    return static_cast<EventMask>(mask & kAllEvents);
}

void warn_of_queue(sv::MonitorSetupOp& setup) {
    std::int64_t size = 2;
    if (setup.pvRequest()["record._options.queueSize"].as(size) && size < 2) {
        setup.logRemote(pvxs::Level::Warn,
                        "queueSize is less than 2: updates may be merged");
    }
}

}  // namespace

// Its end may come as soon as it is connected, and ahead of add().
void Channel::subscribe(sv::MonitorSetupOp& setup, const pvxs::Value& prototype) {
    struct Place {  // under the mutex
        std::weak_ptr<Monitor> monitor;
        bool ended = false;
    };
    {
        std::lock_guard turn(core_->turn);
        if (pv_ && !may_read()) return setup.error("Get not permitted");
    }
    warn_of_queue(setup);
    const auto place = std::make_shared<Place>();
    setup.onClose([self = shared_from_this(), place](const std::string&) {
        std::lock_guard turn(self->core_->turn);
        place->ended = true;
        if (const auto gone = place->monitor.lock()) self->unsubscribe(gone);
    });
    std::unique_ptr<sv::MonitorControlOp> control;
    try {
        control = setup.connect(prototype);
    } catch (const std::exception& error) {  // it asks for no field that there is
        return setup.error(error.what());
    }
    const auto monitor =
        std::make_shared<Monitor>(mask_of(setup.pvRequest()), std::move(control));
    std::lock_guard turn(core_->turn);
    if (place->ended) return;
    place->monitor = monitor;
    if (dropped_)
        left_.push_back(monitor);
    else
        add(monitor);
}

void Channel::add(const std::shared_ptr<Monitor>& monitor) {
    if (!may_read()) monitor->mute();
    monitors_.push_back(monitor);
    pv_->monitors.push_back(monitor.get());
    Counters::add(core_->counters->pva_subscriptions);
    ++client_->subscriptions;
    const PvClients::Joined joined = pv_->join(monitor->mask());
    if (joined.first) {
        core_->names->tell_interest(held_pv_, client_->lane, client_->user);
    }
    first_value(monitor, joined);
}

void Channel::first_value(const std::shared_ptr<Monitor>& monitor,
                          const PvClients::Joined& joined) {
    if (pv().reads_by_request()) {
        if (const SnapshotPtr now = pv().read_unasked()) {
            return monitor->start(pv_->form, now, joined.number);
        }
        const PvaRequestPtr request = make_request(RequestKind::Read);
        request->monitor = monitor;
        if (core_->ask(request)) {
            monitor->wait(joined.number);
            core_->names->requests()->push(request);
            return;
        }
    }
    monitor->start(pv_->form, joined.current, joined.number);
}

void Channel::unsubscribe(const std::shared_ptr<Monitor>& monitor) noexcept {
    if (std::erase(monitors_, monitor) > 0) end(*monitor);
}

// It gets no more events.
void Channel::end(Monitor& monitor) noexcept {
    Counters::subtract(core_->counters->pva_subscriptions);
    --client_->subscriptions;
    Counters::add(core_->counters->pva_updates_merged, monitor.take_merged());
    std::erase(pv_->monitors, &monitor);
    if (!pv_->monitors.empty() || !pv_->no_subscriptions()) return;
    try {
        core_->names->tell_interest(held_pv_, client_->lane, client_->user);
    } catch (const std::bad_alloc& error) {  // the next change is told
        core_->log.add_caught("pva", "the end of a subscription", error);
    }
}

}  // namespace pcas::pva
