"""State files, and servers that keep values in them."""

import pytest
from state_support import Kept


@pytest.fixture
def path(tmp_path):
    return tmp_path / "axis.state"


@pytest.fixture
def saved(path):
    """Saves values: runs a server, sets them, and ends it."""

    def save(pvdb, **values):
        with Kept(path, pvdb) as driver:
            for reason, value in values.items():
                driver.setParam(reason, value)

    return save
