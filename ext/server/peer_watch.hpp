// Finds circuits whose client's host does not answer while data for it is under way.
// The system's keepalive (tune_circuit) finds those with nothing under way. Loop thread
// only.
#pragma once

#include "base/intrusive_list.hpp"
#include "server/circuit.hpp"

namespace pcas {

class PeerWatch {
  public:
    explicit PeerWatch(Services& services) : services_(services) {}
    void add(Circuit& circuit);  // until it ends

  private:
    void plan();
    void look_at_some();

    Services& services_;
    IntrusiveList<Circuit, WatchTag> circuits_;  // the next to look at is in front
    bool planned_ = false;
};

}  // namespace pcas
