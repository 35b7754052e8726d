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
    X(max_circuits, 100'000, 1, 10'000'000, "circuits in total",                       \
      "a new one is closed at once")                                                   \
    X(max_circuits_per_host, 10'000, 1, 10'000'000, "circuits of one client address",  \
      "a new one is closed at once")                                                   \
    X(descriptor_reserve, 32, 0, 1'000'000,                                            \
      "descriptors of the process, an eighth of all at most, that no circuit gets",    \
      "new circuits wait until there are more")                                        \
    X(max_held_bytes, 512 << 20, 1, kAnySize,                                          \
      "bytes held for all clients: unsent, waiting, names and values at Python, "      \
      "puts not completed",                                                            \
      "who holds more than 16 kB waits, updates are replaced by newer ones, puts "     \
      "fail with ECA_ALLOCMEM")                                                        \
    X(max_held_bytes_per_host, 128 << 20, 1, kAnySize,                                 \
      "the same for one client address", "the same for its circuits")                  \
    X(max_channels, 1'000'000, 1, 10'000'000, "channels of one circuit",               \
      "the client is told that the channel cannot be made")                            \
    X(max_subscriptions, 1'000'000, 1, 10'000'000, "subscriptions of one circuit",     \
      "fails with ECA_ALLOCMEM")                                                       \
    X(max_request, 1 << 30, 16384, kLargestPayload, "bytes of data of a request",      \
      "fails with ECA_TOLARGE")                                                        \
    X(max_response, 1 << 30, 16384, kLargestPayload,                                   \
      "bytes of data of a reply or update", "fails with ECA_TOLARGE")                  \
    X(max_output, 1 << 20, 1, kAnySize,                                                \
      "bytes that a circuit has still to send, those that `Driver.read` is asked "     \
      "for included",                                                                  \
      "its requests wait, its updates are replaced by newer ones")                     \
    X(max_open_requests, 4096, 1, 10'000'000,                                          \
      "requests of one circuit that wait for Python", "its next requests wait")        \
    X(max_open_bytes, 64 << 20, 1, kAnySize,                                           \
      "bytes that they take, values and names included", "its next requests wait")     \
    X(max_deferred_puts, 4096, 1, 10'000'000,                                          \
      "puts of one circuit that a driver has not completed", "fails with ECA_PUTFAIL") \
    X(max_queued_requests, 100'000, 1, 10'000'000,                                     \
      "requests of all circuits that wait for Python", "fails")                        \
    X(max_queued_bytes, 256 << 20, 1, kAnySize,                                        \
      "bytes that they take, values and names included", "fails")                      \
    X(max_searches_per_turn, 20'000, 1, 10'000'000,                                    \
      "names looked up before others get their turn",                                  \
      "the rest of the datagram is dropped, the client asks again")                    \
    X(max_log_rate, 10, 0, 1'000'000, "log lines a second about one client, 0: any",   \
      "further ones are counted")                                                      \
    X(client_timeout, 60, 0, 86'400,                                                   \
      "seconds without any answer of a client's host, 0: as long as the system waits", \
      "its circuit is closed")

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
