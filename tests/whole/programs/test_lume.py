"""lume-pva and its successor serve a model: puts end when it has been evaluated."""

from __future__ import annotations

import pytest
from program_sides import SERVERS, assert_refused, on_both

from support.peers import unavailable
from support.ports import LOOPBACK, free_port

WHY_NOT = unavailable("lume-pva")
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
]

# They serve PVAccess as well: on loopback, at ports that nobody else has.
PVACCESS = {
    "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
    "EPICS_PVA_ADDR_LIST": LOOPBACK,
    "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
    "EPICS_PVAS_SERVER_PORT": "0",
}


def drive(client, program):
    seen = [client.connect(name) for name in ("a", "b", "total")]
    client.subscribe("total")
    for name, value, total in (("a", 4.0, 2.0), ("b", 3.25, 7.25), ("a", 0.0, 3.25)):
        seen += [client.put(name, value), client.get(name)]
        seen.append(client.reach("total", total))
        seen.append(client.get("total"))
    assert_refused(client.put("total", 1.0), program)
    seen.append(client.value("total"))
    return seen


@pytest.mark.parametrize("package", ["lume_pva", "lume_pva_apg"])
def test_a_model(package):
    port = str(free_port())
    argv = [str(SERVERS / "lume_model.py"), package]
    on_both("lume-pva", argv, drive, EPICS_PVAS_BROADCAST_PORT=port, **PVACCESS)
