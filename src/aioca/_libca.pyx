# distutils: language = c++
"""Binding of EPICS' libca."""
