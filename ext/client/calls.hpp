// Calls to libca. No Python here.
//
// Called without the GIL, mostly by the loop's thread, which is attached to the CA
// context; a closed loop's channels and subscriptions are given up by any thread. What
// might be held up by libca is passed on to another thread, see send_budget.hpp.
#pragma once

#include <vector>

#include "client/batch.hpp"
#include "client/channel.hpp"
#include "client/export.hpp"

namespace aioca {

AIOCA_API int open_channel(Channel* channel, const char* name);

// The Python object gives its channel up. What uses it goes on until it has ended.
AIOCA_API void close_channel(Channel* channel);

// One use of the channel less. With the last one libca forgets it, and it is deleted.
void end_use(Channel* channel);

// Hands requests to libca. Their slots must be Submitted and counted as outstanding,
// except plain puts: those are done when this returns, or become Submitted here.
AIOCA_API void submit(const std::vector<Slot*>& slots);

// Subscribes; a refusal arrives as a status-only Block.
AIOCA_API void subscribe(Monitor* monitor, long type, unsigned long count, long mask);

// Ends a subscription and gives the monitor up: nothing arrives any more.
AIOCA_API void close_monitor(Monitor* monitor);

}  // namespace aioca
