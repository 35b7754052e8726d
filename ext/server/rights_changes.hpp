// Channels whose rights may have changed: access security tells of them in any thread,
// with asLib's lock held; the loop looks at them at the beginning of its next turn.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "access/security.hpp"
#include "base/mailbox.hpp"

namespace pcas {

class Circuits;

class RightsChanges final : public RightsQueue {
  public:
    explicit RightsChanges(std::shared_ptr<WakeGate> gate)
        : changes_(std::move(gate)) {}
    void push(Entry entry) noexcept override;
    // Loop thread.
    void apply(Circuits& circuits);

  private:
    Mailbox<Entry> changes_;
    std::atomic<bool> any_{false};  // there was no memory to say which
    std::vector<Entry> taken_;
};

}  // namespace pcas
