// What others use of the engine's shared library: the binding, and drivers in C++.
//
// All of them link one copy of it: its counters, rules and thread's state are those of
// the process. Everything else of the library is hidden.
#pragma once

#if defined(_WIN32) && defined(PCAS_BUILD)
#define PCAS_API __declspec(dllexport)
#elif defined(_WIN32)
#define PCAS_API __declspec(dllimport)
#else
#define PCAS_API __attribute__((visibility("default")))
#endif
