"""One server and one client for each file of tests."""

import pytest
from pva_support import Client, ours


@pytest.fixture(scope="module")
def server():
    with ours() as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with Client(server) as running:
        yield running
