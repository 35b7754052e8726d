// What is asked of the loop by other threads, which wait for the answer. Only the loop
// holds it: when that ends, whoever waits is told by the future.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <vector>

#include "pv/client_row.hpp"

namespace pcas {

class Circuits;

class Inquiry {
  public:
    Inquiry() = default;
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;
    virtual ~Inquiry() = default;
    // Loop thread, for a slice of time. True: it is answered.
    virtual bool go_on(Circuits& circuits) = 0;
};

// All circuits.
class CircuitList final : public Inquiry {
  public:
    std::future<std::vector<ClientRow>> answer() { return answer_.get_future(); }
    bool go_on(Circuits& circuits) override;

  private:
    std::promise<std::vector<ClientRow>> answer_;
    std::vector<ClientRow> rows_;
    std::size_t next_ = 0, buckets_ = 0;
};

// Channels of one, from `offset` on.
class ChannelList final : public Inquiry {
  public:
    ChannelList(std::uint64_t circuit, std::size_t offset, std::size_t limit) noexcept
        : circuit_(circuit), offset_(offset), limit_(limit) {}
    std::future<ChannelRows> answer() { return answer_.get_future(); }
    bool go_on(Circuits& circuits) override;

  private:
    const std::uint64_t circuit_;
    const std::size_t offset_, limit_;
    std::promise<ChannelRows> answer_;
};

}  // namespace pcas
