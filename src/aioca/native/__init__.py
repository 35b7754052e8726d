"""The binding to libca: event loops' queues, channels, requests, subscriptions.

From the bottom to the top: `_context`, `_loop`, `_fields`, `_plan`, `_channel`,
`_decode` and `_encode`, `_request`, `_metadata` and `_monitor`. The command line has
`_plain_values` and `_plain` instead, on `_context` and `_fields`. Their C++
is the shared library that is next to them, made from ext/client; `_cpp` declares it,
one file for each header.
"""
