// A descriptor that any thread writes to, so that the loop's sleep ends.
#pragma once

#include "base/export.hpp"
#include "net/poller.hpp"
#include "net/unique_fd.hpp"

namespace pcas {

class PCAS_API Waker final : public IoHandler {
  public:
    Waker();  // throws std::system_error
    SOCKET fd() const noexcept { return read_.get(); }
    void wake() noexcept;  // any thread
    void on_io(bool readable, bool writable) override;

  private:
    UniqueSocket read_;  // written to as well
};

}  // namespace pcas
