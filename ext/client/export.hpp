// What the extension modules use of the client's shared library.
//
// All of them link one copy of it: its tables, queues and the context are those of the
// process. Everything else of the library is hidden.
#pragma once

#if defined(_WIN32) && defined(AIOCA_BUILD)
#define AIOCA_API __declspec(dllexport)
#elif defined(_WIN32)
#define AIOCA_API __declspec(dllimport)
#else
#define AIOCA_API __attribute__((visibility("default")))
#endif
