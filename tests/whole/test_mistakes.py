"""What a newcomer gets wrong, and the words that say how to mend it.

Each program runs as its author would run it; what counts is what it prints.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.environment import client_environment, server_environment
from support.ports import free_port

BEGIN = """\
import asyncio
from pcaspy import Alarm, Driver, Severity, SimpleServer
from pcaspy.tools import ServerThread
server = SimpleServer()
"""
PVS = """\
server.createPV('P:', {
    'TEMP': {'value': 20.0, 'hilim': 100, 'enforce_limits': True},
    'MODE': {'type': 'enum', 'enums': ['Off', 'On']},
    'LIST': {'count': 3},
    'FIXED': {'readonly': True},
})
"""
DRIVER = PVS + "driver = Driver()\n"
CLIENT = (
    DRIVER
    + """
from aioca import *
def client(call):
    async def main():
        with ServerThread(server):
            try:
                return await call()
            finally:
                purge_channel_caches()
    return asyncio.run(main())
"""
)


def entry(fields: str) -> str:
    return f"server.createPV('P:', {{'A': {fields}}})"


PVDB = {
    "unknown field": (entry("{'units': 'V'}"), ["'units'", "did you mean 'unit'"]),
    "unknown type": (entry("{'type': 'integer'}"), ["'type' is 'integer'", "'int'"]),
    "Python's type": (entry("{'type': float}"), ["'type' is <class", "'float'"]),
    "count as text": (entry("{'count': '10'}"), ["'count' is '10'", "an integer"]),
    "limit as text": (entry("{'hihi': '10'}"), ["'hihi' is '10'", "a number"]),
    "scan as in EPICS": (
        entry("{'scan': '1 second'}"),
        ["'scan' is '1 second'", "a period in seconds"],
    ),
    "labels in one text": (
        entry("{'type': 'enum', 'enums': 'Off On'}"),
        ["'enums' is 'Off On'", "a sequence of str"],
    ),
    "labels without type": (
        entry("{'enums': ['Off', 'On']}"),
        ["'enums' has no effect", "'enum' and 'bool'"],
    ),
    "value that is no label": (
        entry("{'type': 'enum', 'enums': ['Off', 'On'], 'value': 'ON'}"),
        ["'value' is 'ON'", "one of the labels 'Off', 'On'"],
    ),
    "three labels of a bool": (
        entry("{'type': 'bool', 'enums': ['a', 'b', 'c']}"),
        ["'enums'", "two labels", "'enum'"],
    ),
    "severities as text": (
        entry("{'type': 'enum', 'enums': ['a'], 'states': ['MAJOR']}"),
        ["'states' is ['MAJOR']", "0 to 3"],
    ),
    "a long string": (
        entry("{'type': 'string', 'count': 80, 'value': 'hello'}"),
        ["one text for an array of 80", "'text'"],
    ),
    "limits in the wrong order": (
        entry("{'low': 5, 'high': 1}"),
        ["'low' is 5", "above 'high' 1", "neither raises an alarm"],
    ),
    "limits that are not there": (
        entry("{'enforce_limits': True}"),
        ["'enforce_limits' has no effect", "'hilim' 0.0 is not above"],
    ),
    "a flag as text": (
        entry("{'readonly': 'no'}"),
        ["'readonly' is 'no'", "a bool"],
    ),
    "asyn as text": (entry("{'asyn': 'False'}"), ["'asyn' is 'False'", "True"]),
    "an alias that is a PV": (
        "server.createPV('P:', {'A': {'alias': 'B'}, 'B': {}})",
        ["PV 'A'", "'alias' has 'B'", "a name of PV 'B' already"],
    ),
    "fields are no dict": (entry("5"), ["PV 'A'", "entry is 5", "a dict of fields"]),
    "a list of names": (
        "server.createPV('P:', ['A', 'B'])",
        ["createPV(prefix, pvdb)", "a dict of PVs", "list"],
    ),
    "arguments the other way round": (
        "server.createPV({'A': {}}, 'P:')",
        ["createPV(prefix, pvdb)", "not dict and str"],
    ),
    "made twice": (
        PVS + "server.createPV('P:', {'TEMP': {}})",
        ["PV P:TEMP served already", "takes its place"],
    ),
}
DRIVERS = {
    "no super().__init__": (
        PVS + "class Mine(Driver):\n    def __init__(self):\n"
        "        self.setParam('A', 1)\nMine()",
        ["Mine.__init__ did not call", "super().__init__()"],
    ),
    "a wrong reason": (
        DRIVER + "driver.setParam('Temp', 1)",
        ["no PV 'Temp'", "did you mean 'TEMP'"],
    ),
    "the prefix, too": (
        DRIVER + "driver.getParam('P:TEMP')",
        ["no PV 'P:TEMP'", "call it 'TEMP', without the prefix"],
    ),
    "a wrong reason to complete": (
        DRIVER + "driver.callbackPV('temp')",
        ["no PV 'temp'", "did you mean 'TEMP'"],
    ),
    "a text for a number": (
        DRIVER + "driver.setParam('TEMP', 'warm')",
        ["ValueError: PV P:TEMP: 'warm' does not fit"],
    ),
    "a list for a number": (
        DRIVER + "driver.setParam('TEMP', [])",
        ["PV P:TEMP: [] does not fit", "no element for a PV of one"],
    ),
    "no label": (
        DRIVER + "driver.setParam('MODE', 'on')",
        ["PV P:MODE", "'on' is none of the states"],
    ),
    "a wrong text among many": (
        DRIVER + "driver.setParams({'TEMP': 1, 'MODE': 'on'})",
        ["PV P:MODE", "'on' is none of the states"],
    ),
    "states that do not fit": (
        DRIVER + "driver.setParamEnums('MODE', ['a', 'b'], [0])",
        ["PV 'MODE'", "2 enums and 1 states"],
    ),
    "an unknown field later": (
        DRIVER + "driver.setParamInfo('TEMP', {'units': 'C'})",
        ["'units' has no effect", "did you mean 'unit'"],
    ),
    "a wrong field later": (
        DRIVER + "driver.setParamInfo('TEMP', {'prec': 'two'})",
        ["PV 'P:TEMP'", "'prec' is 'two'", "a number"],
    ),
    "severity as text": (
        DRIVER + "driver.setParamStatus('TEMP', 'HIGH', 'MAJOR')",
        ["PV 'TEMP'", "alarm is 'HIGH'", "Alarm."],
    ),
    "two drivers": (
        DRIVER + "class Mine(Driver):\n    pass\nmine = Mine()",
        ["Mine takes the place of Driver", "'default'", "one driver"],
    ),
    "a driver of no port": (
        PVS + "class Mine(Driver):\n    port = 'COM1'\n"
        "driver = Mine()\nserver.process(0.01)",
        ["Mine.port is 'COM1'", "no PV has that port"],
    ),
}
SERVERS = {
    "a prefix for the server": (
        "SimpleServer(prefix='P:')",
        ["no server option 'prefix'", "createPV(prefix, pvdb) takes it"],
    ),
    "an option with a slip": (
        "SimpleServer(interface=[])",
        ["'interface'", "did you mean 'interfaces'"],
    ),
    "port as text": ("SimpleServer(port='5064')", ["port is '5064'", "integer"]),
    "one address": (
        "SimpleServer(interfaces='127.0.0.1')",
        ["interfaces is '127.0.0.1'", "list"],
    ),
    "somebody else's address": (
        "SimpleServer(interfaces=['192.0.2.1']).start()",
        ["192.0.2.1"],
    ),
    "a server without its base": (
        "class Mine(SimpleServer):\n    def __init__(self):\n        self.n = 1\n"
        "Mine().createPV('P:', {})",
        ["Mine.__init__ did not call", "super().__init__()"],
    ),
    "a thread of the driver": (
        DRIVER + "ServerThread(driver)",
        ["ServerThread(server) takes a server, not a Driver"],
    ),
    "no such rules": (
        "server.initAccessSecurityFile('none.acf')",
        ["none.acf", "No such file"],
    ),
    "rules with a slip": (
        "open('r.acf', 'w').write('ASG(DEFAULT) {\\n  RULE(1, WRITE)\\n')\n"
        "server.initAccessSecurityFile('r.acf')",
        ["r.acf:3: syntax error at the end of the file", "'}' missing"],
    ),
    "a rule with a slip": (
        "open('r.acf', 'w').write('ASG(DEFAULT) {\\n  RULE(1 WRITE)\\n}')\n"
        "server.initAccessSecurityFile('r.acf')",
        ["r.acf:2: syntax error: RULE(1 WRITE)"],
    ),
    "a group without rules": (
        "open('r.acf', 'w').write('ASG(OPEN) { RULE(1, WRITE) }')\n"
        "server.createPV('P:', {'A': {'asg': 'open'}})\n"
        "server.initAccessSecurityFile('r.acf')\nserver.process(0.01)",
        ["PV P:A", "group 'open'", "rules do not have", "no client can read or write"],
    ),
}
CLIENTS = {
    "two names": (
        "client(lambda: caget('P:TEMP', 'P:MODE'))",
        ["P:TEMP", '"P:MODE" not supported', "several PVs go into a list"],
    ),
    "a number as name": ("client(lambda: caget(5))", ["must be a str, not 5"]),
    "a timeout as text": (
        "client(lambda: caget('P:TEMP', timeout='5'))",
        ["P:TEMP: timeout must be seconds", "'5'"],
    ),
    "a count as text": (
        "client(lambda: caget('P:LIST', count='2'))",
        ["P:LIST: count must be an integer", "'2'"],
    ),
    "a callback as text": (
        "async def call():\n    camonitor('P:TEMP', 'print')\nclient(call)",
        ["P:TEMP: callback must be callable", "'print'"],
    ),
    "a space": (
        "client(lambda: caget('P:TEMP ', timeout=0.2))",
        ["no server answered", "ends with a space: 'P:TEMP '"],
    ),
    "a text that is no number": (
        "client(lambda: caput('P:TEMP', 'warm', wait=True))",
        ["P:TEMP", "refused a put of 'warm'", "the value is not a number"],
    ),
    "a text that is no label": (
        "client(lambda: caput('P:MODE', 'on', wait=True))",
        ["P:MODE", "refused a put of 'on'", "not a state of the PV"],
    ),
    "above the limit": (
        "client(lambda: caput('P:TEMP', 101, wait=True))",
        ["PV P:TEMP", "outside of its limits, 0.0 to 100", "put of 101.0"],
    ),
    "readonly": (
        "client(lambda: caput('P:FIXED', 1, wait=True))",
        ["P:FIXED: Write access denied"],
    ),
    "lists of two lengths": (
        "client(lambda: caput(['P:TEMP', 'P:MODE'], [1]))",
        ["PV and value lists must match in length", "2 PVs, 1 value"],
    ),
    "too many elements": (
        "client(lambda: caput('P:LIST', [1, 2, 3, 4]))",
        ["P:LIST", "4 elements asked for, the PV has 3"],
    ),
    "no event loop": ("caget('P:TEMP').send(None)", ["asyncio.run"]),
}
COMMANDS = {
    "no such file": (["serve", "none.yaml"], ["none.yaml: cannot be read: No such"]),
    "no command": (["axis.yaml"], ["invalid choice: 'axis.yaml'", "serve"]),
    "another suffix": (["check", "axis.txt"], [".py, .yaml, .yml or .json"]),
    "a colon": (["check", "colon.yaml"], ["colon.yaml:1:", "needs quotes"]),
    "a list": (["check", "list.yaml"], ["list.yaml:1:", "table of PVs"]),
    "a port": (
        ["serve", "axis.yaml", "--port", "x"],
        ["--port", "'x' is not a number from 0 to 65535"],
    ),
}
FILES = {
    "axis.yaml": "pvdb: {A: {}}\n",
    "axis.txt": "pvdb: {A: {}}\n",
    "colon.yaml": "prefix: AXIS:\npvdb: {A: {}}\n",
    "list.yaml": "pvdb: [A, B]\n",
}


@pytest.fixture
def said(tmp_path):
    """What a program or command prints, and its exit status."""

    def run(*argv: str) -> str:
        port = free_port()
        done = subprocess.run(
            [sys.executable, *argv],
            cwd=tmp_path,
            env={**server_environment(port), **client_environment(port)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("case", [*PVDB, *DRIVERS, *SERVERS])
def test_of_a_server(said, case):
    program, words = {**PVDB, **DRIVERS, **SERVERS}[case]
    told = said("-c", BEGIN + program)
    assert all(word in told for word in words), told
    assert "During handling" not in told, told  # of what is not the reader's


@pytest.mark.parametrize("case", CLIENTS)
def test_of_a_client(said, case):
    program, words = CLIENTS[case]
    told = said("-c", BEGIN + CLIENT + program)
    assert all(word in told for word in words), told


@pytest.mark.parametrize("case", COMMANDS)
def test_of_the_command_line(said, case, tmp_path):
    arguments, words = COMMANDS[case]
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    told = said("-m", "pcaspy", *arguments)
    assert all(word in told for word in words), told
    assert "Traceback" not in told


def test_what_is_right_prints_nothing(said):
    program = CLIENT + "client(lambda: caput('P:TEMP', 50, wait=True))"
    assert said("-c", BEGIN + program) == ""
