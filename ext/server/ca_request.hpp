// A request for Python as Channel Access asks it. All that this server's queue of
// completions brings are of this class.
#pragma once

#include <cstdint>

#include "pv/request.hpp"

namespace pcas {

class CaRequest final : public Request {
  public:
    using Request::Request;

    // Its lane is the circuit that it is of; 0 for a search over UDP.
    std::uint64_t circuit() const noexcept { return lane; }
    std::uint32_t sid() const noexcept { return channel; }

    // ---- loop thread ----
    bool first_update = false;   // Read: starts the subscription `ioid` of the channel
    std::uint32_t ioid = 0;      // Read, Write: ioid; Exists, Attach: the client's cid
    std::uint64_t sequence = 0;  // Write: position among the circuit's writes;
                                 // first_update: which one of its subscription's

    // How far it is, as InFlight counts it.
    enum class Stage : std::uint8_t { New, Open, Deferred, Done };
    Stage stage = Stage::New;
};

using CaRequestPtr = Ref<CaRequest>;

}  // namespace pcas
