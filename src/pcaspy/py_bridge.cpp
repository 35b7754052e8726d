// Python objects <-> engine values. The only C++ file here that may include Python.h.
