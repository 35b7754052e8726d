// The system gives what is sent to one address to the server that was bound last. That
// may be one that does not ask its neighbours. This looks twice a second whether one
// that does gets it, and has ours bound anew otherwise. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "net/sockets.hpp"
#include "server/services.hpp"

namespace pcas {

class UnicastWatch {
  public:
    // Asks from `socket`, which is bound to loopback, at the search port.
    UnicastWatch(Services& services, SOCKET socket, std::uint16_t port,
                 std::function<void()> bind_anew);
    void look();  // now, and then again and again
    // Something came that was sent to one address: ours is the one.
    void heard() noexcept { heard_ = true; }
    // True if it was an answer to a question like ours.
    bool is_answer(std::span<const std::byte> bytes) noexcept;

    // True if it is a question; it is answered.
    static bool answer(SOCKET socket, const Datagram& datagram,
                       std::span<const std::byte> bytes) noexcept;

  private:
    void judge();

    Services& services_;
    const SOCKET socket_;
    const std::function<void()> bind_anew_;
    sockaddr_in everybody_{};  // at an address that nobody binds
    std::uint32_t number_;     // of the question
    bool heard_ = false;
    unsigned failures_ = 0;  // in a row
};

}  // namespace pcas
