"""Temporary: replaced by the support package's own."""

import os
from pathlib import Path


def peer_python(name: str) -> Path:
    return Path(os.environ.get("PEER_PYTHON", "/nonexistent"))
