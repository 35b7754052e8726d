"""The binding to libca: events loops' queues, channels, requests, subscriptions.

From the bottom to the top: `_context`, `_loop`, `_plan`, `_channel`, `_decode` and
`_encode`, `_request`, `_metadata` and `_monitor`. Their C++ is the shared library that
is next to them, made from ext/client; `_cpp` declares it, one file for each header.
"""
