// What libca calls, in its threads. Each copies what it is told into a queue.
#pragma once

#include "client/ca_api.hpp"
#include "client/export.hpp"

namespace aioca {

void on_connection(connection_handler_args args);
void on_access_rights(access_rights_handler_args args);
void on_reply(event_handler_args args);
void on_update(event_handler_args args);
void on_exception(exception_handler_args args);
// Answer to a read that only asks whether the server follows: nobody wants the value.
void on_probe(event_handler_args args);

// Lets libca tell on_exception what it would print.
AIOCA_API void install_exception_handler();

}  // namespace aioca
