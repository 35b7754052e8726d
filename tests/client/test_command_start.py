"""What the commands and `import aioca` load, and how the commands end."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from client_support import Ioc

from support.environment import client_environment
from support.ports import free_port

DATABASE = """
record(ao, "S:AO") { field(VAL, "1.5") field(PINI, "YES") }
record(mbbo, "S:MBBO") { field(ZRST, "zero") field(ONST, "one") field(PINI, "YES") }
record(waveform, "S:WF") { field(FTVL, "DOUBLE") field(NELM, "100000") }
"""
HEAVY = {"numpy", "asyncio", "ctypes", "logging", "typing", "dataclasses", "inspect"}
HEAVY |= {"epicscorelibs.ca.dbr", "aioca._public", "re", "threading"}


@pytest.fixture(scope="module")
def ioc_of_commands(tmp_path_factory):
    ioc = Ioc(tmp_path_factory.mktemp("ioc"), free_port())
    ioc.start(DATABASE)
    yield ioc
    ioc.kill()


def environment(ioc, **more):
    return client_environment(ioc.port, EPICS_CLI_TIMEOUT="30", **more)


started = []


def start(ioc, *arguments, python=(), **options):
    """A command, which ends after a minute at the latest: nothing is read then."""
    process = subprocess.Popen(
        [sys.executable, *python, "-m", "aioca", *arguments],
        env={**environment(ioc), "PYTHONUNBUFFERED": ""},  # as users have it
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    end = threading.Timer(60, process.kill)
    end.daemon = True
    end.start()
    started.append((process, end))
    return process


@pytest.fixture(autouse=True)
def no_command_stays():
    yield
    while started:
        process, end = started.pop()
        end.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def waits(process):
    """How often the main thread of a process has begun to wait."""
    with open(f"/proc/{process.pid}/task/{process.pid}/status") as status:
        return int(re.search(r"\bvoluntary_ctxt_switches:\s+(\d+)", status.read())[1])


def loaded(errors):
    """Names of the modules that `-X importtime` has told of."""
    return set(re.findall(r"^import time:.*\| +(\S+)$", errors, re.MULTILINE))


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "S:AO", "S:MBBO", "S:WF"],
        ["get", "-d", "CTRL_DOUBLE", "-S", "S:AO"],
        ["put", "S:AO", "2"],
        ["put", "-c", "S:MBBO", "one"],
        ["info", "S:AO"],
        ["--version"],
    ],
)
def test_a_command_loads_little(ioc_of_commands, arguments):
    process = start(ioc_of_commands, *arguments, python=["-X", "importtime"])
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "aioca" in loaded(errors)
    assert not loaded(errors) & HEAVY


def test_a_monitor_loads_little_and_ends_by_ctrl_c(ioc_of_commands):
    process = start(ioc_of_commands, "monitor", "S:AO", python=["-X", "importtime"])
    assert process.stdout.readline().startswith("S:AO")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert not loaded(errors) & HEAVY


@pytest.mark.parametrize("command", ["get", "info", "put"])
def test_ctrl_c_ends_the_search_for_a_pv(ioc_of_commands, command):
    process = start(ioc_of_commands, command, "-w0", "S:NONE", "1")
    # It searches when libca has made its threads.
    tasks = f"/proc/{process.pid}/task"
    deadline = time.monotonic() + 60
    while len(os.listdir(tasks)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # And it waits when it has begun to for the third time, which takes a second.
    before = waits(process)
    while waits(process) < before + 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in errors


@pytest.mark.parametrize("python", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_monitor_ends_when_nobody_reads_it(ioc_of_commands, python):
    names = ("S:AO", "S:MBBO")
    process = start(ioc_of_commands, "monitor", *names, python=python)
    process.stdout.readline()
    process.stdout.close()
    deadline = time.monotonic() + 60
    number = 0
    while process.poll() is None:
        assert time.monotonic() < deadline
        number += 1
        ioc_of_commands.shell(f"dbpf S:AO {number}")
    assert (process.returncode, process.stderr.read()) == (1, "")


def test_an_output_that_takes_nothing_is_a_failure(ioc_of_commands):
    with open("/dev/full", "w") as full:
        process = start(ioc_of_commands, "get", "S:AO", stdout=full)
        _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "No space left on device" in errors


def test_a_name_twice_is_watched_twice(ioc_of_commands):
    process = start(ioc_of_commands, "monitor", "S:MBBO", "S:MBBO")
    lines = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert lines[0] == lines[1]
    assert lines[0].startswith("S:MBBO")


def test_client_times_count_from_the_start_of_the_program(ioc_of_commands):
    started = time.monotonic()
    process = start(ioc_of_commands, "monitor", "-tcr", "S:AO")
    process.stdout.readline()
    ioc_of_commands.shell("dbpf S:AO 77")
    line = process.stdout.readline()
    passed = time.monotonic() - started
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    shown = float(re.search(r"\( *([-+][\d.]+)\)", line)[1])
    assert 0 < shown <= passed


def test_a_monitor_follows_a_pv_that_comes_back_as_another_type(tmp_path):
    ioc = Ioc(tmp_path, free_port())
    ioc.start('record(waveform, "S:X") { field(FTVL, "DOUBLE") field(NELM, "2") }')
    process = start(ioc, "monitor", "-#", "4", "S:X", stderr=subprocess.DEVNULL)
    try:
        assert "S:X" in process.stdout.readline()
        ioc.kill()
        assert "*** disconnected" in process.stdout.readline()
        database = 'record(waveform, "S:X") { field(FTVL, "LONG") field(NELM, "4")'
        ioc.start(database + ' field(INP, [1, 2, 3, 4]) field(PINI, "YES") }')
        # As with EPICS' tool, type and size stay those of the beginning.
        assert re.search(r" 2 1 2 ", process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        ioc.kill()


CLIENT = """
import sys
from time import monotonic
from aioca.native._plain import Client
client = Client()
said = []
client.complain = lambda name, text, status: said.append(name)
channel = client.channel("S:AO")
client.connect(60)
assert channel.connected
request = (channel, channel.native_type, 1)
for number in range(1, 101):
    assert client.put(channel, [b"junk"], False, 60) is None
    (value,) = client.get([request], 60)
    assert value.ok
    assert len(said) == number, (len(said), number)
assert set(said) == {"S:AO"}
# Also by a request that had no time to wait for anything.
said.clear()
assert client.put(channel, [b"junk"], False, 60) is None
end = monotonic() + 60
while not said:
    (value,) = client.get([request], 0)
    assert not value.ok
    assert monotonic() < end
big = client.channel("S:WF")
client.connect(60)
numbers = [i / 7 for i in range(100_000)]
assert client.put(big, numbers, True, 60) is None
(value,) = client.get([(big, big.native_type, 100_000)], 60)
assert value.elements == numbers
assert not {"numpy", "asyncio"} & sys.modules.keys()
"""


def test_what_a_server_says_of_a_put_comes_before_the_answer_to_the_next_read(
    ioc_of_commands,
):
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        env=environment(ioc_of_commands, EPICS_CA_MAX_ARRAY_BYTES="10000000"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")


# ---- the package -------------------------------------------------------------------


def python(program):
    """Runs a program in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_aioca_loads_its_names_when_one_is_used():
    python(f"""
import sys, aioca
assert not {HEAVY!r} & sys.modules.keys()
assert aioca.__version__ and not hasattr(aioca, "nonsense")
assert "numpy" not in sys.modules
assert aioca.caget.__name__ == "caget" and "numpy" in sys.modules
assert set(aioca.__all__) <= set(vars(aioca)) & set(dir(aioca))
""")


def test_the_names_are_those_of_the_module_behind():
    import aioca
    from aioca import _public

    assert sorted(aioca.__all__) == sorted([*_public.__all__, "__version__"])


WAYS = [
    "from aioca import *\nassert caget and FORMAT_FULL == 3 and __version__",
    "from aioca import caget, types\nassert types.Dbe",
    "import aioca\nassert aioca._catools.DEFAULT_TIMEOUT == 5",
    "import aioca, pickle\n"
    "assert pickle.loads(pickle.dumps(aioca.CAInfo)) is aioca.CAInfo",
    *(
        f"import aioca.{name}\nfrom aioca import caget"
        for name in (
            *("types", "channel", "operations", "subscription", "native", "_catools"),
            *("_camonitor", "_contexts", "_epics", "_errors", "_search", "_public"),
            *("native._monitor", "native._plain", "tools.commands"),
        )
    ),
]
# Each in a process of its own, in which what takes long to import is there already.
EACH_WAY = """
import asyncio, os, sys, traceback
import numpy
for way in {ways!r}:
    child = os.fork()
    if child == 0:
        try:
            exec(way, {{}})
        except BaseException:
            print(way, traceback.format_exc(), sep="\\n", flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
print("all", len({ways!r}))
"""


def test_every_way_to_a_name():
    assert python(EACH_WAY.format(ways=WAYS)) == f"all {len(WAYS)}\n"


def test_what_a_program_puts_in_place_of_a_name_stays():
    python("""
from unittest import mock
import aioca
aioca.caput = guard = object()
with mock.patch("aioca.caget") as replaced:
    assert aioca.caget is replaced
assert aioca.caget.__name__ == "caget"
assert aioca.cainfo and aioca.caput is guard
""")
