"""Asyncio EPICS Channel Access client."""

__version__ = "3.0.0"
