// The names of a namespace, as pvxs asks for them.
#pragma once

#include <pvxs/source.h>

#include <memory>

#include "pva/core.hpp"

namespace pcas::pva {

class NameSource final : public pvxs::server::Source {
  public:
    explicit NameSource(std::shared_ptr<Core> core) : core_(std::move(core)) {}

    // The worker, and pvxs' thread for UDP.
    void onSearch(Search& search) override;
    // The worker.
    void onCreate(std::unique_ptr<pvxs::server::ChannelControl>&& control) override;
    List onList() override;

  private:
    bool knows(const char* name, const char* client);
    void create(std::unique_ptr<pvxs::server::ChannelControl>&& control);

    const std::shared_ptr<Core> core_;
};

}  // namespace pcas::pva
