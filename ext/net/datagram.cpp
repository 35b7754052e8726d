// Datagrams with the address of ours that they came to, so that a host with several
// addresses answers from the one the client talked to.
#include <cerrno>
#include <cstring>

#include "net/sockets.hpp"

#ifndef _WIN32
#include <sys/uio.h>
#endif

namespace pcas {

#if defined(IP_PKTINFO) && !defined(_WIN32)

bool want_destination(SOCKET fd) noexcept {
    const int yes = 1;
    return ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) == 0;
}

bool receive_datagram(SOCKET fd, std::span<std::byte> into,
                      Datagram& datagram) noexcept {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))];
    iovec piece{into.data(), into.size()};
    msghdr message{};
    message.msg_name = &datagram.from;
    message.msg_namelen = sizeof datagram.from;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n;
    do {
        n = ::recvmsg(fd, &message, 0);
    } while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    if (n < 0) return false;
    datagram.size = static_cast<std::size_t>(n);
    datagram.to = datagram.sent_to = {};
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO) continue;
        in_pktinfo info;
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        datagram.to = info.ipi_spec_dst;
        datagram.sent_to = info.ipi_addr;
    }
    return true;
}

bool send_datagram(SOCKET fd, std::span<const std::byte> bytes, const sockaddr_in& to,
                   in_addr source) noexcept {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
    iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_name = const_cast<sockaddr_in*>(&to);
    message.msg_namelen = sizeof to;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (source.s_addr != 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        in_pktinfo info{};
        info.ipi_spec_dst = source;
        std::memcpy(CMSG_DATA(c), &info, sizeof info);
    }
    ssize_t n;
    do {
        n = ::sendmsg(fd, &message, 0);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

#else

bool want_destination(SOCKET) noexcept { return false; }

bool receive_datagram(SOCKET fd, std::span<std::byte> into,
                      Datagram& datagram) noexcept {
    osiSocklen_t size = sizeof datagram.from;
    const auto n = ::recvfrom(fd, reinterpret_cast<char*>(into.data()),
                              static_cast<int>(into.size()), 0,
                              reinterpret_cast<sockaddr*>(&datagram.from), &size);
    if (n < 0) return false;
    datagram.size = static_cast<std::size_t>(n);
    datagram.to = datagram.sent_to = {};
    return true;
}

bool send_datagram(SOCKET fd, std::span<const std::byte> bytes, const sockaddr_in& to,
                   in_addr) noexcept {
    return ::sendto(fd, reinterpret_cast<const char*>(bytes.data()),
                    static_cast<int>(bytes.size()), 0,
                    reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
}

#endif

}  // namespace pcas
