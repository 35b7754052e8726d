#include "net/sockets.hpp"

#include <ellLib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#ifdef _WIN32
#include <ws2tcpip.h>
#else
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>
#endif

namespace pcas {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

bool would_block(int error) noexcept {
#ifdef _WIN32
    return error == WSAEWOULDBLOCK;
#else
    return error == EAGAIN || error == EWOULDBLOCK;
#endif
}

void bind_to(SOCKET fd, const in_addr& address, std::uint16_t port, const char* what) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr = address;
    to.sin_port = htons(port);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) {
        throw_socket_error(std::string(what) + " " + dotted(to));
    }
}

UniqueSocket make_socket(int type) {
    UniqueSocket fd(epicsSocketCreate(AF_INET, type, 0));
    if (!fd) throw_socket_error("socket");
    set_nonblocking(fd.get());
    return fd;
}

}  // namespace

void throw_socket_error(const std::string& what) {
#ifdef _WIN32
    throw std::system_error(SOCKERRNO, std::system_category(), what);
#else
    throw std::system_error(SOCKERRNO, std::generic_category(), what);
#endif
}

namespace {

#ifdef _WIN32
using SendSize = int;
#else
using SendSize = std::size_t;
#endif

SendResult send_piece(SOCKET fd, std::span<const std::byte> piece) noexcept {
    for (;;) {
        const auto n = ::send(fd, reinterpret_cast<const char*>(piece.data()),
                              static_cast<SendSize>(piece.size()), kSendFlags);
        if (n >= 0) return {static_cast<std::size_t>(n), false};
        if (SOCKERRNO != SOCK_EINTR) return {0, !would_block(SOCKERRNO)};
    }
}

}  // namespace

SendResult send_pieces(SOCKET fd,
                       std::span<const std::span<const std::byte>> pieces) noexcept {
    if (pieces.size() == 1) return send_piece(fd, pieces[0]);
#ifdef _WIN32
    std::array<WSABUF, 64> buffers;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        buffers[i].buf =
            reinterpret_cast<char*>(const_cast<std::byte*>(pieces[i].data()));
        buffers[i].len = static_cast<ULONG>(pieces[i].size());
    }
    DWORD sent = 0;
    if (::WSASend(fd, buffers.data(), static_cast<DWORD>(pieces.size()), &sent, 0,
                  nullptr, nullptr) == 0) {
        return {sent, false};
    }
    return {0, !would_block(SOCKERRNO)};
#else
    std::array<iovec, 64> buffers;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        buffers[i].iov_base = const_cast<std::byte*>(pieces[i].data());
        buffers[i].iov_len = pieces[i].size();
    }
    msghdr message{};
    message.msg_iov = buffers.data();
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(pieces.size());
    ssize_t n;
    do {
        n = ::sendmsg(fd, &message, kSendFlags);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return {static_cast<std::size_t>(n), false};
    return {0, !would_block(errno)};
#endif
}

ReceiveResult receive(SOCKET fd, std::span<std::byte> into) noexcept {
    for (;;) {
        const auto n = ::recv(fd, reinterpret_cast<char*>(into.data()),
                              static_cast<unsigned>(into.size()), 0);
        if (n > 0) return {static_cast<std::size_t>(n), ReceiveResult::Data};
        if (n == 0) return {0, ReceiveResult::Closed};
        if (SOCKERRNO == SOCK_EINTR) continue;
        return {
            0, would_block(SOCKERRNO) ? ReceiveResult::Blocked : ReceiveResult::Failed};
    }
}

void set_nonblocking(SOCKET fd) {
    osiSockIoctl_t yes = 1;
    if (socket_ioctl(fd, FIONBIO, &yes) < 0) throw_socket_error("FIONBIO");
}

UniqueSocket listen_tcp(const in_addr& address, std::uint16_t port) {
    UniqueSocket fd = make_socket(SOCK_STREAM);
    epicsSocketEnableAddressReuseDuringTimeWaitState(fd.get());
    bind_to(fd.get(), address, port, "bind TCP");
    // The system makes it as many as it allows. A client that finds no room is tried
    // again by its own system after one second, then two, four and so on.
    constexpr int kMostWaiting = 65535;
    if (::listen(fd.get(), kMostWaiting) < 0) throw_socket_error("listen");
    return fd;
}

namespace {

bool bound_last(SOCKET fd, const in_addr& address, std::uint16_t port) {
#ifdef __linux__
    // Without SO_REUSEPORT: sockets with it get every other datagram, not all.
    if (address.s_addr != htonl(INADDR_ANY) || port == 0) return false;
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    return ::bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
#else
    (void)fd, (void)address, (void)port;
    return false;
#endif
}

}  // namespace

UniqueSocket bind_udp(const in_addr& address, std::uint16_t port) {
    UniqueSocket fd = make_socket(SOCK_DGRAM);
    const int size = 4 << 20;  // a burst of searches; the kernel may grant less
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, reinterpret_cast<const char*>(&size),
                 sizeof size);
    if (bound_last(fd.get(), address, port)) return fd;
    if (port != 0) epicsSocketEnableAddressUseForDatagramFanout(fd.get());
    bind_to(fd.get(), address, port, "bind UDP");
    return fd;
}

bool replace_socket([[maybe_unused]] SOCKET fd,
                    [[maybe_unused]] UniqueSocket fresh) noexcept {
#ifdef __linux__
    return ::dup3(fresh.get(), fd, O_CLOEXEC) >= 0;
#else
    return false;
#endif
}

UniqueSocket open_udp() {
    UniqueSocket fd = make_socket(SOCK_DGRAM);
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_BROADCAST,
                 reinterpret_cast<const char*>(&yes), sizeof yes);
    return fd;
}

std::uint16_t local_port(SOCKET fd) {
    sockaddr_in address{};
    osiSocklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
        throw_socket_error("getsockname");
    }
    return ntohs(address.sin_port);
}

UniqueSocket accept_tcp(SOCKET listener, sockaddr_in& peer, bool& exhausted) noexcept {
    osiSocklen_t size = sizeof peer;
    UniqueSocket fd(
        epicsSocketAccept(listener, reinterpret_cast<sockaddr*>(&peer), &size));
#ifdef _WIN32
    exhausted = !fd && SOCKERRNO == WSAEMFILE;
#else
    exhausted = !fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                        errno == ENOMEM);
#endif
    return fd;
}

#ifdef _WIN32
bool descriptor_to_spare(SOCKET, std::size_t) noexcept { return true; }
std::uint64_t descriptor_limit() noexcept { return 0; }
#else
bool descriptor_to_spare(SOCKET any, std::size_t reserve) noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) {
        return true;
    }
    // The system gives the lowest number that is free.
    const int next = ::fcntl(any, F_DUPFD_CLOEXEC, 0);
    if (next < 0) return false;
    ::close(next);
    const auto kept = std::min<rlim_t>(reserve, limit.rlim_cur / 8);
    return static_cast<rlim_t>(next) + kept < limit.rlim_cur;
}

std::uint64_t descriptor_limit() noexcept {
    rlimit limit{};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : 0;
}
#endif

std::string dotted(const in_addr& address) {
    char text[32] = "";
    ::inet_ntop(AF_INET, &address, text, sizeof text);
    return text;
}

std::string dotted(const sockaddr_in& address) {
    return dotted(address.sin_addr) + ":" + std::to_string(ntohs(address.sin_port));
}

in_addr address_of(std::uint32_t number) noexcept {
    in_addr out{};
    out.s_addr = htonl(number);
    return out;
}

bool is_multicast(const in_addr& address) noexcept {
    return (ntohl(address.s_addr) >> 28) == 0xe;
}

bool is_loopback(const in_addr& address) noexcept {
    return (ntohl(address.s_addr) >> 24) == 127;
}

std::vector<in_addr> broadcast_addresses(SOCKET fd, const in_addr& interface) {
    ELLLIST list = ELLLIST_INIT;
    osiSockAddr match{};
    match.ia.sin_family = AF_INET;
    match.ia.sin_addr = interface;
    osiSockDiscoverBroadcastAddresses(&list, fd, &match);
    std::vector<in_addr> out;
    for (ELLNODE* node = ellFirst(&list); node; node = ellNext(node)) {
        out.push_back(reinterpret_cast<osiSockAddrNode*>(node)->addr.ia.sin_addr);
    }
    ellFree(&list);
    return out;
}

bool resolve(const std::string& text, std::uint16_t default_port, sockaddr_in& out) {
    constexpr std::size_t kLongest = 255 + 6;  // libCom copies it to its stack
    out = {};
    if (text.size() > kLongest) return false;
    return aToIPAddr(text.c_str(), default_port, &out) == 0;
}

}  // namespace pcas
