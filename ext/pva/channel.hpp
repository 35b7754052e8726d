// A client's attachment to a PV: its rights, and the operations on it.
#pragma once

#include <caProto.h>
#include <pvxs/source.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "access/security.hpp"
#include "pva/core.hpp"
#include "pva/monitor.hpp"
#include "pva/pva_pv.hpp"
#include "pva/request.hpp"

namespace pcas::pva {

// Held by what pvxs calls. Under the turn mutex, but for what takes it.
class Channel final : public std::enable_shared_from_this<Channel> {
  public:
    using Control = std::shared_ptr<pvxs::server::ChannelControl>;

    Channel(std::shared_ptr<Core> core, Control control,
            std::shared_ptr<Connection> client, std::uint32_t id);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    const Control& control() const noexcept { return control_; }
    // For whoever looks inside.
    std::uint64_t lane() const noexcept { return client_->lane; }
    ChannelRow row() const;

    // The worker, without the mutex: tells pvxs whom to call.
    void serve();
    // Its PV is known; what waited for that is connected by connect_waiting().
    void attach(const PvPtr& pv);
    // Only Python knows it: operations wait. False: the client asks for too much.
    bool ask_for_pv(const std::string& name);
    // The client has gone, or the PV. What is left of its subscriptions ends with this:
    // a client that was told of their end would not look for the PV again.
    void drop() noexcept;
    // The child of a fork: no event is queued any more.
    void forget() noexcept;

    // ---- the feeder ----
    void on_answer(PvaRequest& request, bool completed);
    void rights_changed();
    // Behind attach(), without the mutex: pvxs has the worker do it, which may wait for
    // the mutex.
    void connect_waiting();

  private:
    using ExecOp = std::unique_ptr<pvxs::server::ExecOp>;

    // ---- the worker; these take the mutex ----
    void on_operation(std::unique_ptr<pvxs::server::ConnectOp> operation);
    void on_subscribe(std::unique_ptr<pvxs::server::MonitorSetupOp> setup);
    void on_get(ExecOp operation);
    void on_put(ExecOp operation, const pvxs::Value& value);

    // Both without the mutex.
    void connect(pvxs::server::ConnectOp& operation, const pvxs::Value& prototype);
    void subscribe(pvxs::server::MonitorSetupOp& setup, const pvxs::Value& prototype);
    void add(const std::shared_ptr<Monitor>& monitor);
    void unsubscribe(const std::shared_ptr<Monitor>& monitor) noexcept;
    void end(Monitor& monitor) noexcept;
    void first_value(const std::shared_ptr<Monitor>& monitor,
                     const PvClients::Joined& joined);
    void put(ExecOp& operation, const pvxs::Value& value, SnapshotPtr made);
    bool has_its_turn(const PvaRequestPtr& request);
    void answer_write(PvaRequest& request, bool completed);
    void reply_with_current(pvxs::server::ExecOp& operation);
    void answer_read(PvaRequest& request);
    void refuse_put(pvxs::server::ExecOp& operation, const pvxs::Value& value,
                    PutOutcome outcome, const std::string& why,
                    const std::string& told);
    PvaRequestPtr make_request(RequestKind kind);

    std::uint32_t rights() const noexcept;
    bool may_read() const noexcept { return rights() & CA_PROTO_ACCESS_RIGHT_READ; }
    bool may_write() const noexcept { return rights() & CA_PROTO_ACCESS_RIGHT_WRITE; }
    bool traps_writes() const;
    Pv& pv() const noexcept { return pv_->pv(); }

    const std::shared_ptr<Core> core_;
    const Control control_;
    const std::shared_ptr<Connection> client_;
    const std::uint32_t id_;
    PvPtr held_pv_;  // as long as pv_ is attached to it
    PvaPvPtr pv_;    // null before attach(), and after drop()
    bool dropped_ = false;
    bool warned_ = false;  // that process=false is of no use
    std::vector<std::unique_ptr<AccessClient>> access_;  // as user, and as each role
    std::vector<std::shared_ptr<Monitor>> monitors_;
    std::vector<std::shared_ptr<Monitor>> left_;  // see drop()
    std::vector<std::unique_ptr<pvxs::server::ConnectOp>> waiting_operations_;
    std::vector<std::unique_ptr<pvxs::server::MonitorSetupOp>> waiting_setups_;
};

}  // namespace pcas::pva
