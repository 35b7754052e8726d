// Put callbacks of one PV, one at a time: a driver that answers them later (`asyn`)
// gets the next one when the one before is completed.
//
// A request is first waiting, then current: on its way to Python, and from carry_out()
// on in the driver's hands. Only from then on "done", said by the driver, means it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/export.hpp"
#include "pv/request.hpp"

namespace pcas {

class RequestQueue;

class PCAS_API SerialPuts {
  public:
    // Put callbacks that wait for the one before them.
    static constexpr std::size_t kMaxWaiting = 1000;

    enum class Turn { Now, Later, Never };
    // Any thread. Now: the caller pushes `request` to `queue`. Later: it is kept, and
    // pushed there when its turn comes. Never: too many wait.
    Turn begin(const RequestPtr& request, const std::shared_ptr<RequestQueue>& queue);
    // Any thread: the driver is being asked to do it.
    void carry_out(const Request& request);
    // Any thread: the driver is done with what it was asked to do; does nothing if
    // there is no such thing.
    void end(EcaStatus status);
    // Any thread: it was completed, however. Pushes the next.
    void on_completed(const Request& request);
    // Any thread: what waits of a channel that is gone fails.
    void withdraw(std::uint64_t lane, std::uint32_t channel);

  private:
    struct Waiting {
        RequestPtr request;
        std::shared_ptr<RequestQueue> queue;
    };

    std::mutex mutex_;                  // leaf; guards all below
    const Request* current_ = nullptr;  // to compare with; on_completed() ends it
    RequestPtr carried_out_;            // the current one, once the driver has it
    std::deque<Waiting> waiting_;
};

}  // namespace pcas
