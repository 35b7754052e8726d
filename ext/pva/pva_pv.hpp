// What this server has of a PV while it has channels on it.
#pragma once

#include <pvxs/data.h>

#include <array>
#include <vector>

#include "pv/pv.hpp"
#include "pv/pv_clients.hpp"
#include "pva/fill.hpp"

namespace pcas::pva {

class Channel;
class Monitor;

// Under the turn mutex.
class PvaPv final : public PvClients {
  public:
    PvaPv(Pv& pv, std::shared_ptr<PostQueue> queue)
        : PvClients(pv, std::move(queue)),
          form(form_of(pv.type(), pv.max_count(), *pv.snapshot()->metadata)) {}

    const Form form;
    std::vector<Channel*> channels;
    std::vector<Monitor*> monitors;

    // The current value, whole. Gets of a value that stays share one.
    const pvxs::Value& current() {
        SnapshotPtr now = pv().snapshot();
        if (now != built_of_) {
            built_ = value_of(form, now);
            built_of_ = std::move(now);
        }
        return built_;
    }

  private:
    SnapshotPtr built_of_;
    pvxs::Value built_;
};

using PvaPvPtr = Ref<PvaPv>;

}  // namespace pcas::pva
