#include "client/ca_api.hpp"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace aioca {

namespace {

#ifdef _WIN32
using Library = HMODULE;

Library open_library(const char* path) {
    return LoadLibraryExA(path, nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
}

void* find_symbol(Library library, const char* name) {
    return reinterpret_cast<void*>(GetProcAddress(library, name));
}

std::string library_error() { return "error " + std::to_string(GetLastError()); }
#else
using Library = void*;

Library open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }

void* find_symbol(Library library, const char* name) { return dlsym(library, name); }

std::string library_error() {
    // glibc keeps the text for each thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* text = dlerror();
    return text ? text : "unknown error";
}
#endif

}  // namespace

std::string load_api(CaApi& api, const char* com_path, const char* ca_path) {
    // libca names libCom by soname; an already opened one satisfies it.
    if (!open_library(com_path)) return library_error();
    Library library = open_library(ca_path);
    if (!library) return library_error();
#define AIOCA_LOOK_UP(name)                                                      \
    api.name = reinterpret_cast<decltype(&::name)>(find_symbol(library, #name)); \
    if (!api.name) return std::string(ca_path) + " has no function " #name;
    AIOCA_FUNCTIONS(AIOCA_LOOK_UP)
#undef AIOCA_LOOK_UP
    api.value_size =
        static_cast<const unsigned short*>(find_symbol(library, "dbr_value_size"));
    api.value_offset =
        static_cast<const unsigned short*>(find_symbol(library, "dbr_value_offset"));
    if (!api.value_size || !api.value_offset)
        return std::string(ca_path) + " has no table dbr_value_size";
    return {};
}

}  // namespace aioca
