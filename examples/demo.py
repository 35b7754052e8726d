"""The oscilloscope and its clients together, on loopback and free ports.

The client with PVAccess needs p4p, and the server pvxslibs.
"""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program, env):
    return subprocess.Popen([sys.executable, HERE / program], env=env)


def has_pvaccess():
    return all(map(importlib.util.find_spec, ("pvxslibs", "p4p")))


def run(program, env):
    """The status of a program, when it has ended."""
    return start(program, env).wait()


if __name__ == "__main__":
    env = {
        **os.environ,
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(free_port()),
        "EPICS_CA_REPEATER_PORT": str(free_port()),
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_SERVER_PORT": str(free_port()),
        "EPICS_PVA_BROADCAST_PORT": str(free_port()),
        "PCASPY_PVA": "YES" if has_pvaccess() else "NO",
    }
    server = start("oscilloscope.py", env)
    try:
        print("Channel Access", flush=True)
        status = run("client.py", env)
        if has_pvaccess():
            print("PVAccess", flush=True)
            status = status or run("scope_pva.py", env)
    except KeyboardInterrupt:
        status = 0
    finally:
        server.terminate()
        server.wait()
    sys.exit(status)
