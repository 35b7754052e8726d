// Memory of the process.
#pragma once

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace pcas::py {

// What is free goes back to the system. It takes milliseconds where there is much.
inline void trim_memory() noexcept {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

}  // namespace pcas::py
