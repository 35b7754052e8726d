"""Users' classes may have names that the classes of pcaspy did not have."""

from __future__ import annotations

import pytest
from program_sides import SERVERS, on_both

from support import dbr

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("attributes", ["0", "1"])
@pytest.mark.parametrize("layer", ["low", "simple"])
def test_names_of_a_program_are_its_own(layer, attributes):
    def drive(client, program):
        seen = []
        for name in ("OWN:0", "OWN:1"):
            seen.append(client.connect(name))
            seen.append(client.get(name, dbr.CTRL))
            client.subscribe(name)
            for value in (2.5, 12.0, 7.0):
                seen.append(client.put(name, value))
                seen.append(client.reach(name, value)["value"])
                seen.append(client.get(name))
            client.write(name, 3.5)
            seen.append(client.reach(name, 3.5)["value"])
        return seen

    on_both("pcaspy", [str(SERVERS / "own_names.py"), layer, attributes], drive)
