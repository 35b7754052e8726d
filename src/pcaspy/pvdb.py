"""The type of a pvdb entry, for editors and type checkers."""

from __future__ import annotations

from .served.pvdb_types import PVSpec

__all__ = ["PVSpec"]
