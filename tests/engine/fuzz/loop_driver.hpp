// A loop without its thread: the caller takes the turns, one at a time.
#pragma once

#include "server/loop.hpp"

namespace pcas {

struct LoopDriver {
    static void open(Loop& loop) { loop.begin(); }
    // Looks at the sockets without waiting, then does all that is to be done.
    static void turn(Loop& loop) {
        ReadySockets ready;
        loop.reactor_.poller().wait(std::chrono::nanoseconds(0), ready);
        loop.reactor_.turn(loop, ready);
    }
    // The sockets alone.
    static void look_at_sockets(Loop& loop) {
        ReadySockets ready;
        loop.reactor_.poller().wait(std::chrono::nanoseconds(0), ready);
        loop.reactor_.poller().deliver(ready);
    }
    static Services& services(Loop& loop) { return loop.services_; }
    static void adopt(Loop& loop, UniqueSocket socket, const sockaddr_in& peer = {}) {
        loop.circuits_.adopt(std::move(socket), peer);
    }
    static Circuit* find(Loop& loop, std::uint64_t id) {
        return loop.circuits_.find(id);
    }
    static std::size_t held_bytes(const Loop& loop) {
        return loop.circuits_.held_bytes();
    }
    // Sockets are ready: the next turn is told of them.
    static bool ready(Loop& loop) {
        ReadySockets ready;
        loop.reactor_.poller().wait(std::chrono::nanoseconds(0), ready);
        return !ready.empty();
    }
    static bool has_more(const Loop& loop) { return loop.has_more(); }
    static std::size_t circuits(const Loop& loop) { return loop.circuits_.size(); }
    // Ends the second that closed circuits are given to be read to their end.
    static void end_lingering(Loop& loop) {
        loop.circuits_.for_each([](Circuit& circuit) {
            if (circuit.closing()) circuit.on_linger_over();
        });
        loop.circuits_.remove_discarded();
    }
    static void set_searches(Loop& loop) {
        loop.searches_ = std::make_unique<SearchService>(loop.services_);
    }
};

}  // namespace pcas
