"""lewis, a simulator of devices: its chopper and its example of changing limits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from program_sides import assert_refused, on_both

from support import dbr, wire
from support.peers import peer_python
from support.ports import LOOPBACK

pytestmark = pytest.mark.timeout(600)

CHOPPER = """
    Spd-RB Spd ActSpd Phs-RB Phs ActPhs ParkAng-RB ParkAng AutoPark State CmdS CmdL
""".split()
# lewis 1.4 asks for `inspect.getargspec`, which Python has no more.
LEWIS = """
import inspect, os, sys
inspect.getargspec = inspect.getfullargspec
from lewis.scripts.run import run_simulation
run_simulation(["-r", "127.0.0.1:" + os.environ["SPARE_PORT"], *sys.argv[1:]])
"""


def start(*device):
    """What starts a device with a control server beside the port of its PVs."""
    return ["-c", LEWIS, *device]


def control(program, *words):
    """`lewis-control`: an object, its member, and an argument."""
    tool = Path(peer_python("lewis")).parent / "lewis-control"
    address = f"{LOOPBACK}:{program.spare_port}"
    subprocess.run([tool, "-r", address, *words], check=True, timeout=60)


@pytest.fixture(scope="module", autouse=True)
def installed():
    peer_python("lewis")


def initialize(client):
    """Before its first cycle a device takes no commands, and its state is None."""
    client.wait_until_readable("SIM:State")
    seen = [client.put("SIM:Spd", 10.0), client.put("SIM:CmdS", "init")]
    if client.subscribe("SIM:State")["value"] != "stopped":
        client.reach("SIM:State", "stopped")
    return seen


def test_the_chopper_through_its_states():
    argv = start("chopper", "-p", "epics: {prefix: 'SIM:'}", "-e", "10")

    def drive(client, program):
        names = [f"SIM:{name}" for name in CHOPPER]
        seen = [client.connect(name) for name in names]
        seen += initialize(client)
        seen += [client.get(name, family) for name in names for family in (14, 28)]
        seen.append(client.put("SIM:Spd", 20.0))
        seen.append(client.put("SIM:Phs", 34.5))
        seen.append(client.put("SIM:CmdS", "start"))
        seen.append(client.reach("SIM:State", "phase_locked"))
        seen += [client.get(name) for name in names]
        assert_refused(client.put("SIM:ActSpd", 5.0), program)
        seen.append(client.get("SIM:ActSpd"))
        seen.append(client.put("SIM:AutoPark", "true", base=dbr.STRING))
        seen.append(client.get("SIM:AutoPark"))
        seen.append(client.put("SIM:CmdS", "stop"))
        seen.append(client.reach("SIM:State", "parked"))
        return seen

    seen = on_both("lewis", argv, drive)
    assert {"type": dbr.STRING, "count": 1, "rights": 3} in seen


def test_a_device_is_disconnected_and_connected_again():
    argv = start("chopper", "-p", "epics: {prefix: 'SIM:'}")

    def drive(client, program):
        seen = [*initialize(client), client.put("SIM:Spd", 15.0)]
        control(program, "interface", "disconnect")
        client.wait_for_end()
        control(program, "interface", "connect")
        seen += [client.connect("SIM:Spd"), client.value("SIM:Spd")]
        seen.append(client.subscribe("SIM:State"))
        seen += [
            client.put("SIM:CmdS", "start"),
            client.reach("SIM:State", "accelerating"),
        ]
        return seen

    seen = on_both("lewis", argv, drive)
    assert seen[-1]["value"] == "accelerating"


def test_limits_follow_the_device():
    options = ["-k", "lewis.examples", "-p", "epics: {prefix: 'SIM:'}"]
    argv = start("dual_device", *options)

    def drive(client, program):
        names = [
            f"SIM:{n}" for n in "Param-Raw Param Second Second-Int Constant".split()
        ]
        seen = [client.connect(name) for name in names]
        seen += [client.get(name, family) for name in names for family in (14, 28)]
        changes = wire.DBE_PROPERTY
        seen.append(client.subscribe("SIM:Second", dbr.CTRL, changes))
        seen.append(client.subscribe("SIM:Param"))
        seen.append(client.put("SIM:Param-Raw", 21))
        seen.append(client.updates_until("SIM:Param", 42))
        seen.append(client.put("SIM:Second", 60.0))
        seen.append(client.get("SIM:Second"))
        control(program, "device", "upper_limit", "50")
        seen.append(client.update("SIM:Second"))
        assert_refused(client.put("SIM:Second", 70.0), program)
        seen.append(client.get("SIM:Second"))
        assert_refused(client.put("SIM:Constant", 70.0), program)
        seen.append(client.get("SIM:Constant"))
        return seen

    on_both("lewis", argv, drive)
