"""Portable EPICS Channel Access server for Python."""

from ._version import __version__, version_info

__all__ = ["__version__", "version_info"]
