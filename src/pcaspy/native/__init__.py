"""The binding to the engine, which is the shared library that lies beside it."""
