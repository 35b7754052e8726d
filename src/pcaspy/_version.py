"""The version of the distribution."""

__version__ = "3.0.0"
version_info = (3, 0, "0")
