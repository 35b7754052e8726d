# distutils: language = c++
"""Binding of the C++ Channel Access server engine."""
