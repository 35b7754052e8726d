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

#include "client/export.hpp"

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
// A declaration has no place for parentheses.
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define AIOCA_MEMBER(name) decltype(&::name) name = nullptr;
    AIOCA_FUNCTIONS(AIOCA_MEMBER)
#undef AIOCA_MEMBER
    // Size of one element and its offset in the structure, by DBR code.
    const unsigned short* value_size = nullptr;
    const unsigned short* value_offset = nullptr;
};

// Opens libCom, then libca. Returns what went wrong, or an empty string.
AIOCA_API std::string load_api(CaApi& api, const char* com_path, const char* ca_path);

}  // namespace aioca
