// How much clients get. A limit is one line of the table below: the members of Limits,
// the keywords of a server's constructor, the variables PCASPY_NAME and the
// documentation are made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/export.hpp"

namespace pcas {

// Clients compute sizes in 32 bits with a sign, and add headers to them.
inline constexpr std::uint64_t kLargestPayload = (std::uint64_t{1} << 31) - 64;
inline constexpr std::uint64_t kAnySize = std::uint64_t{1} << 40;

//  name, standard, least, most,
//  of what, what happens at it
#define PCAS_LIMITS(X)                                                                 \
    X(max_circuits, 100'000, 1, 10'000'000, "circuits",                                \
      "a new circuit is closed at once")                                               \
    X(max_circuits_per_host, 10'000, 1, 10'000'000, "circuits of one client address",  \
      "a new circuit is closed at once")                                               \
    X(descriptor_reserve, 32, 0, 1'000'000,                                            \
      "file descriptors kept free for the program, at most an eighth of all",          \
      "new circuits wait for a free descriptor")                                       \
    X(max_held_bytes, 512 << 20, 1, kAnySize,                                          \
      "bytes held for all clients: unsent output, waiting requests, values in "        \
      "Python, "                                                                       \
      "puts in progress",                                                              \
      "clients that hold more than 16 kB wait, newer updates replace older ones, "     \
      "puts "                                                                          \
      "fail with ECA_ALLOCMEM")                                                        \
    X(max_held_bytes_per_host, 128 << 20, 1, kAnySize,                                 \
      "the same for one client address", "the same for its circuits")                  \
    X(max_channels, 1'000'000, 1, 10'000'000, "channels of one circuit",               \
      "creating the channel fails")                                                    \
    X(max_subscriptions, 1'000'000, 1, 10'000'000, "subscriptions of one circuit",     \
      "the subscription fails with ECA_ALLOCMEM")                                      \
    X(max_request, 1 << 30, 16384, kLargestPayload, "bytes of data in a request",      \
      "the request fails with ECA_TOLARGE")                                            \
    X(max_response, 1 << 30, 16384, kLargestPayload,                                   \
      "bytes of data in a reply or update", "the request fails with ECA_TOLARGE")      \
    X(max_output, 1 << 20, 1, kAnySize,                                                \
      "unsent bytes of one circuit, including replies that `Driver.read` is making",   \
      "its requests wait, newer updates replace older ones")                           \
    X(max_open_requests, 4096, 1, 10'000'000,                                          \
      "requests of one circuit that wait for Python", "its next requests wait")        \
    X(max_open_bytes, 64 << 20, 1, kAnySize,                                           \
      "bytes of these requests, including values and names", "its next requests wait") \
    X(max_deferred_puts, 4096, 1, 10'000'000,                                          \
      "puts of one circuit that a driver has not completed",                           \
      "the put fails with ECA_PUTFAIL")                                                \
    X(max_queued_requests, 100'000, 1, 10'000'000,                                     \
      "requests of all circuits that wait for Python", "the request fails")            \
    X(max_queued_bytes, 256 << 20, 1, kAnySize,                                        \
      "bytes of these requests, including values and names", "the request fails")      \
    X(max_searches_per_turn, 20'000, 1, 10'000'000,                                    \
      "names looked up before other work",                                             \
      "the rest of the datagram is dropped; the client searches again")                \
    X(max_log_rate, 10, 0, 1'000'000,                                                  \
      "log lines per second about one client; 0: no limit",                            \
      "further lines are only counted")                                                \
    X(client_timeout, 60, 0, 86'400,                                                   \
      "seconds without an answer from a client's host; 0: no limit",                   \
      "its circuits are closed")

struct Limits {
#define PCAS_MEMBER(name, standard, least, most, of, then) \
    std::uint64_t name = standard;
    PCAS_LIMITS(PCAS_MEMBER)
#undef PCAS_MEMBER
};

struct LimitInfo {
    const char* name;
    std::uint64_t standard, least, most;
    const char* of;    // what it is a number of
    const char* then;  // what happens at it
    std::uint64_t Limits::* where;
};
PCAS_API std::span<const LimitInfo> limit_table() noexcept;
// Null if there is none of that name.
PCAS_API const LimitInfo* find_limit(std::string_view name) noexcept;

}  // namespace pcas
