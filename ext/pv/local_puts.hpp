// Puts that come by no protocol of EPICS: of a program on this host that may ask the
// server to do them. They obey what those of other clients obey, and Python carries
// them out as it does those.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/export.hpp"
#include "pv/namespace.hpp"

namespace pcas {

// How far a put is.
struct PutProgress {
    std::uint64_t number;
    bool completed;  // false: the driver has accepted it, and completes it later
    EcaStatus status;
};

// Any thread.
class PCAS_API LocalPuts {
  public:
    // `tell` is called by any thread when there is progress to take. It must not wait.
    LocalPuts(std::shared_ptr<Namespace> names, std::function<void()> tell);
    ~LocalPuts();
    LocalPuts(const LocalPuts&) = delete;
    LocalPuts& operator=(const LocalPuts&) = delete;

    // A put of `value`, in the PV's type and made for this. Returns why it is refused,
    // or an empty text: progress of that number will come.
    std::string put(const PvPtr& pv, SnapshotPtr value, const ClientPtr& client,
                    std::uint64_t number);
    std::vector<PutProgress> take();

  private:
    class Answers;
    const std::shared_ptr<Namespace> names_;
    const std::uint64_t lane_;
    const std::shared_ptr<Answers> answers_;
};

// Who puts so: `user` on this host.
PCAS_API ClientPtr local_client(std::string user);

}  // namespace pcas
