// A loop without its thread: the caller takes the turns, one at a time.
#pragma once

#include "server/loop.hpp"

namespace pcas {

struct LoopDriver {
    static void open(Loop& loop) { loop.open(); }
    // Looks at the sockets without waiting, then does all that is to be done.
    static void turn(Loop& loop) {
        loop.poller_->wait(std::chrono::nanoseconds(0));
        loop.turn();
    }
    static bool has_output(const Loop& loop) { return !loop.with_output_.empty(); }
    static std::size_t circuits(const Loop& loop) { return loop.circuits_.size(); }
    // Ends the second that closed circuits are given to be read to their end.
    static void end_lingering(Loop& loop) {
        for (auto& [id, circuit] : loop.circuits_) {
            if (circuit->closing()) circuit->on_linger_over();
        }
        loop.remove_discarded();
    }
    static void set_searches(Loop& loop) {
        loop.searches_ = std::make_unique<SearchService>(loop);
    }
};

}  // namespace pcas
