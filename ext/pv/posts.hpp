// A server's queue of PVs that have events: any thread pushes, the server's takes.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/mailbox.hpp"
#include "pv/pv_clients.hpp"

namespace pcas {

class Posts final : public PostQueue {
  public:
    explicit Posts(std::shared_ptr<WakeGate> gate) : pvs_(std::move(gate)) {}
    void push(PvClientsPtr pv) override { pvs_.push(std::move(pv)); }
    void push_all(std::vector<PvClientsPtr>& pvs) override { pvs_.push_all(pvs); }

    // ---- thread of the server ----
    // All there are; `into` is cleared first, and its memory used again.
    void take(std::vector<PvClientsPtr>& into) { pvs_.take(into); }
    // The server ends: what is pushed is dropped.
    void close() { pvs_.close(); }

  private:
    Mailbox<PvClientsPtr> pvs_;
};

}  // namespace pcas
