"""The oscilloscope over PVAccess, with p4p as its client."""

import re
import subprocess

from support.environment import server_environment
from support.example_program import EXAMPLES, Program
from support.peers import peer_python
from support.ports import free_port


def test_client_over_pvaccess():
    udp = str(free_port())
    env = server_environment(
        free_port(),
        EPICS_PVAS_BROADCAST_PORT=udp,
        EPICS_PVA_ADDR_LIST="127.0.0.1",
        EPICS_PVA_AUTO_ADDR_LIST="NO",
        EPICS_PVA_BROADCAST_PORT=udp,
        PCASPY_PVA="YES",
    )
    server = Program("oscilloscope", env=env)
    try:
        client = [peer_python("p4p"), EXAMPLES / "scope_pva.py"]
        ended = subprocess.run(
            client, env=env, capture_output=True, text=True, timeout=55
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        server.interrupt()
        assert server.wait()[0] == 0
    finally:
        server.close()
    get, _, rest = ended.stdout.partition("monitor\n")
    monitor, _, put = rest.partition("put\n")
    assert re.search(r"testAPD:scope1:Run +Run\n", get)
    assert re.search(r"testAPD:scope1:NoiseAmplitude +0.100 V\n", get)
    assert len(re.findall(r"^  \d\d:\d\d:\d\d  [▁-█]{64}$", monitor, re.M)) >= 2
    assert re.search(r"NoiseAmplitude +0.200 V\n", put)
    assert re.search(r"VoltsPerDivSelect +0.10\n", put)
