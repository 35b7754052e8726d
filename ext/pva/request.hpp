// A request for Python as PVAccess asks it. All that this server's answers are told of
// are of this class.
#pragma once

#include <pvxs/source.h>

#include <cstddef>
#include <memory>

#include "base/mailbox.hpp"
#include "pv/request.hpp"
#include "pv/request_queue.hpp"
#include "pva/connection.hpp"
#include "pva/counters.hpp"

namespace pcas::pva {

class Channel;
class Monitor;

class PvaRequest final : public Request {
  public:
    using Request::Request;

    // Read, Write: the operation to answer; null once it is. Under the turn mutex.
    std::unique_ptr<pvxs::server::ExecOp> operation;
    std::weak_ptr<Channel> of;       // Read, Attach
    std::weak_ptr<Monitor> monitor;  // Read: its first value
    // Whose request it counts as, until it is completed.
    std::shared_ptr<Connection> client_connection;
    std::shared_ptr<Counters> counts_for;  // null: it does not count
    std::size_t bytes = 0;

    // It counts no more. Once; the completions of a server that is closed go nowhere.
    void end() noexcept {
        if (!counts_for) return;
        --client_connection->open;
        client_connection->open_bytes -= bytes;
        Counters::subtract(counts_for->pva_requests_open);
        counts_for.reset();
        client_connection.reset();
    }

  private:
    ~PvaRequest() override { end(); }
};

using PvaRequestPtr = Ref<PvaRequest>;

// Python -> the feeder. Each is answered at once: its client waits.
class Answers final : public Mailbox<Completion>, public Answerer {
  public:
    void tell(RequestPtr request, bool completed) override {
        push({std::move(request), completed});
        flush();
    }
};

}  // namespace pcas::pva
