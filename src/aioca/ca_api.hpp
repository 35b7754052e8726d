// The functions of libca that this client calls, looked up at run time.
//
// An extension linked against libca by its soname works with one exact release of
// epicscorelibs only. libca's C interface is stable, so the library is opened by path
// (the one that every other user of epicscorelibs in this process gets) and its
// functions are kept in a table. The headers give the types, nothing is linked.
#pragma once

#include <cadef.h>
#include <db_access.h>

#include <string>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace aioca {

// Every function is named once; the table and the look-up are made from this list.
#define AIOCA_FUNCTIONS(X)            \
    X(ca_context_create)              \
    X(ca_context_destroy)             \
    X(ca_current_context)             \
    X(ca_attach_context)              \
    X(ca_detach_context)              \
    X(ca_create_channel)              \
    X(ca_clear_channel)               \
    X(ca_replace_access_rights_event) \
    X(ca_add_exception_event)         \
    X(ca_array_get_callback)          \
    X(ca_array_put)                   \
    X(ca_array_put_callback)          \
    X(ca_create_subscription)         \
    X(ca_clear_subscription)          \
    X(ca_flush_io)                    \
    X(ca_field_type)                  \
    X(ca_element_count)               \
    X(ca_read_access)                 \
    X(ca_write_access)                \
    X(ca_get_host_name)               \
    X(ca_puser)                       \
    X(ca_name)                        \
    X(ca_message)                     \
    X(ca_version)                     \
    X(ca_client_status)

struct CaApi {
#define AIOCA_MEMBER(name) decltype(&::name) name = nullptr;
    AIOCA_FUNCTIONS(AIOCA_MEMBER)
#undef AIOCA_MEMBER
    // Size of one element and its offset in the structure, by DBR code.
    const unsigned short* value_size = nullptr;
    const unsigned short* value_offset = nullptr;
};

#ifdef _WIN32
using Library = HMODULE;

inline Library open_library(const char* path) {
    return LoadLibraryExA(path, nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
}

inline void* find_symbol(Library library, const char* name) {
    return reinterpret_cast<void*>(GetProcAddress(library, name));
}

inline std::string library_error() { return "error " + std::to_string(GetLastError()); }
#else
using Library = void*;

inline Library open_library(const char* path) {
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

inline void* find_symbol(Library library, const char* name) {
    return dlsym(library, name);
}

inline std::string library_error() {
    const char* text = dlerror();
    return text ? text : "unknown error";
}
#endif

// Opens libCom, then libca. Returns what went wrong, or an empty string.
inline std::string load_api(CaApi& api, const char* com_path, const char* ca_path) {
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
