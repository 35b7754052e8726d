"""The oscilloscope and its client together, on loopback and a free port."""

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


if __name__ == "__main__":
    env = {
        **os.environ,
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(free_port()),
        "EPICS_CA_REPEATER_PORT": str(free_port()),
    }
    server = start("oscilloscope.py", env)
    try:
        status = start("client.py", env).wait()
    except KeyboardInterrupt:
        status = 0
    finally:
        server.terminate()
        server.wait()
    sys.exit(status)
