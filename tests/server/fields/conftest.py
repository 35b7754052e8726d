"""Our server and the reference IOC, side by side, with equal records."""

from collections.abc import Iterator

import pytest
from fields_support import Side, side


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Iterator[Side]:
    """Our server."""
    rules = tmp_path_factory.mktemp("rules") / "rules.acf"
    yield from side("fields_server.py", "OURS:", str(rules))


@pytest.fixture(scope="module")
def ioc() -> Iterator[Side]:
    """The IOC."""
    yield from side("fields_ioc.py", "OURS:")
