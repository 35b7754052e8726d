#include "net/waker.hpp"

#include <array>
#include <cstdint>

#include "net/sockets.hpp"

#ifdef __linux__
#include <sys/eventfd.h>
#include <unistd.h>
#endif

namespace pcas {

#ifdef __linux__

Waker::Waker() : read_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!read_) throw_socket_error("eventfd");
}

void Waker::wake() noexcept {
    const std::uint64_t one = 1;
    // It can only fail when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const auto n = ::write(read_.get(), &one, sizeof one);
}

void Waker::on_io(bool, bool) {
    std::uint64_t count;
    [[maybe_unused]] const auto n = ::read(read_.get(), &count, sizeof count);
}

#else

// A datagram socket that sends to itself: the one thing every platform can poll.
Waker::Waker() {
    in_addr loopback{};
    loopback.s_addr = htonl(INADDR_LOOPBACK);
    read_ = bind_udp(loopback, 0);
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr = loopback;
    self.sin_port = htons(local_port(read_.get()));
    if (::connect(read_.get(), reinterpret_cast<sockaddr*>(&self), sizeof self) < 0) {
        throw_socket_error("connect waker");
    }
}

void Waker::wake() noexcept {
    const char byte = 0;
    ::send(read_.get(), &byte, 1, 0);
}

void Waker::on_io(bool, bool) {
    std::array<std::byte, 64> bytes;
    while (receive(read_.get(), bytes).state == ReceiveResult::Data) {
    }
}

#endif

}  // namespace pcas
