"""The binding to the engine: what a PV is, its value, requests, the server.

From the bottom to the top: `_time` and `_fields`; `_handle`, a served PV and its links;
`_value` and `_data`, its value, with `_policy`, which says what a new one is worth;
`_request`, `_server`. `_access` and `_tables` stand alone. The engine is the shared
library that is next to them, made from ext; `_cpp` declares it, one file for each
header. The C++ here is what knows both the engine and Python: how values and text
become one another's, and exceptions of C++ those of Python.
"""
