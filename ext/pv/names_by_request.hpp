// Names that only Python knows: an overridden pvExistTest or pvAttach.
#pragma once

#include <atomic>

#include "pv/source.hpp"

namespace pcas {

class NamesByRequest final : public Source {
  public:
    // Any thread. Every search is answered by an Exists request, whatever other
    // sources have.
    void set_searches(bool on) noexcept { searches_ = on; }
    // The same for channels, by an Attach request.
    void set_attaches(bool on) noexcept { attaches_ = on; }

    Found find(std::string_view, NameUse use) const override {
        const auto& asks = use == NameUse::Search ? searches_ : attaches_;
        const bool ask = asks.load(std::memory_order_relaxed);
        return {ask ? Where::ByRequest : Where::NotHere, {}};
    }

  private:
    std::atomic<bool> searches_{false}, attaches_{false};
};

}  // namespace pcas
