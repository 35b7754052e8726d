"""The command line: what EPICS' tools print for the same options."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from client_support import THIRD_PORT, Ioc

from support.environment import client_environment

DATABASE = """
record(ao, "T:AO") {
    field(VAL, "1.5") field(PINI, "YES") field(EGU, "mm") field(PREC, "3")
    field(HOPR, "10") field(LOPR, "-10") field(DRVH, "20") field(DRVL, "-20")
    field(HIHI, "9") field(HIGH, "8") field(LOW, "-8") field(LOLO, "-9")
    field(HHSV, "MAJOR") field(HSV, "MINOR") field(LSV, "MINOR") field(LLSV, "MAJOR")
}
record(longout, "T:LO") { field(VAL, "42") field(PINI, "YES") }
record(mbbo, "T:MBBO") {
    field(ZRST, "zero") field(ONST, "one") field(TWST, "two") field(VAL, "1")
    field(PINI, "YES")
}
record(stringout, "T:SO") { field(VAL, "hello") field(PINI, "YES") }
record(waveform, "T:WF") {
    field(FTVL, "DOUBLE") field(NELM, "5") field(INP, [1, 2.5]) field(PINI, "YES")
}
record(waveform, "T:CH") { field(FTVL, "UCHAR") field(NELM, "30") }
record(longout, "T:TICK") { field(VAL, "0") field(PINI, "YES") }
"""


@pytest.fixture(scope="module")
def ioc_with_records(tmp_path_factory):
    ioc = Ioc(tmp_path_factory.mktemp("ioc"), THIRD_PORT)
    ioc.start(DATABASE)
    yield ioc
    ioc.kill()


def start(*arguments, **options):
    env = client_environment(THIRD_PORT, TZ="UTC", EPICS_CLI_TIMEOUT="5")
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "aioca", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )


def run(*arguments):
    """Exit status, output and complaints of a command."""
    process = start(*arguments)
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def padded(name):
    return f"{name:<30} "


NOT_FOUND = (
    f"Channel connect timed out: {{}} Searched 127.0.0.1:{THIRD_PORT} for {{}} s.\n"
)


def not_found(text, seconds):
    """The complaint about PVs that no server has."""
    return (
        f"Channel connect timed out: {text} Searched 127.0.0.1:{THIRD_PORT} for "
        f"{seconds} s.\n"
    )


STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"


@pytest.fixture
def fresh(ioc_with_records):
    """The PVs with the values that the transcripts begin with."""
    for line in ("T:AO 1.5", "T:LO 42", "T:MBBO one", "T:SO hello", "T:WF '[1,2.5]'"):
        ioc_with_records.shell(f"dbpf {line}")
    return ioc_with_records


GETS = [
    (["T:AO"], padded("T:AO") + "1.5\n"),
    (["T:LO"], padded("T:LO") + "42\n"),
    (["T:MBBO"], padded("T:MBBO") + "one\n"),
    (["-n", "T:MBBO"], padded("T:MBBO") + "1\n"),
    (["T:SO"], padded("T:SO") + "hello\n"),
    (["T:WF"], "T:WF 5 1 2.5 0 0 0\n"),
    (["-c", "T:WF"], "T:WF 2 1 2.5\n"),
    (["-#", "2", "T:WF"], "T:WF 2 1 2.5\n"),
    (["-#1", "T:WF"], padded("T:WF") + "1 1\n"),
    (["-t", "T:AO"], "1.5\n"),
    (["T:AO", "-t"], "1.5\n"),
    (["-f3", "T:AO"], padded("T:AO") + "1.500\n"),
    (["-e", "2", "T:AO"], padded("T:AO") + "1.50e+00\n"),
    (["-g1", "T:AO"], padded("T:AO") + "2\n"),
    (["-s", "T:AO"], padded("T:AO") + "1.500\n"),
    (["-lx", "T:AO"], padded("T:AO") + "0x2\n"),
    (["-0x", "T:LO"], padded("T:LO") + "0x2A\n"),
    (["-0o", "T:LO"], padded("T:LO") + "0o52\n"),
    (["-0b", "T:LO"], padded("T:LO") + "101010\n"),
    (["-F,", "T:WF"], "T:WF,5,1,2.5,0,0,0\n"),
    (["-F,", "T:AO"], "T:AO,1.5\n"),
    (["T:SO", "T:AO"], padded("T:SO") + "hello\n" + padded("T:AO") + "1.5\n"),
    (
        ["-d", "DBR_DOUBLE", "T:AO"],
        "T:AO\n    Native data type: DBF_DOUBLE\n    Request type:     DBR_DOUBLE\n"
        "    Element count:    1\n    Value:            1.5\n",
    ),
    (
        ["-d", "STRING", "T:AO"],
        "T:AO\n    Native data type: DBF_DOUBLE\n    Request type:     DBR_STRING\n"
        "    Element count:    1\n    Value:            1.500\n",
    ),
    (
        ["-d", "38", "T:AO"],
        "T:AO\n    Native data type: DBF_DOUBLE\n"
        "    Request type:     DBR_CLASS_NAME\n    Class Name:       ao\n",
    ),
    (
        ["-d", "GR_ENUM", "T:MBBO"],
        "T:MBBO\n    Native data type: DBF_ENUM\n    Request type:     DBR_GR_ENUM\n"
        "    Element count:    1\n    Value:            one\n"
        "    Status:           NO_ALARM\n    Severity:         NO_ALARM\n"
        "    Enums:            ( 3)\n                      [ 0] zero\n"
        "                      [ 1] one\n                      [ 2] two\n",
    ),
    (
        ["-d", "CTRL_DOUBLE", "T:AO"],
        "T:AO\n    Native data type: DBF_DOUBLE\n"
        "    Request type:     DBR_CTRL_DOUBLE\n    Element count:    1\n"
        "    Value:            1.5\n"
        "    Status:           NO_ALARM\n    Severity:         NO_ALARM\n"
        "    Units:            mm\n    Precision:        3\n"
        "    Lo disp limit:    -10\n    Hi disp limit:    10\n"
        "    Lo alarm limit:   -9\n    Lo warn limit:    -8\n"
        "    Hi warn limit:    8\n    Hi alarm limit:   9\n"
        "    Lo ctrl limit:    -20\n    Hi ctrl limit:    20\n",
    ),
    (
        ["-d", "STSACK_STRING", "T:SO"],
        "T:SO\n    Native data type: DBF_STRING\n"
        "    Request type:     DBR_STSACK_STRING\n    Element count:    1\n"
        "    Value:            hello\n"
        "    Status:           NO_ALARM\n    Severity:         NO_ALARM\n"
        "    Ack transient?:   YES\n    Ack severity:     NO_ALARM\n",
    ),
]


@pytest.mark.parametrize(("arguments", "expected"), GETS)
def test_get(fresh, arguments, expected):
    assert run("get", *arguments) == (0, expected, "")


def test_get_wide(fresh):
    status, output, _ = run("get", "-a", "T:AO")
    assert status == 0
    assert re.fullmatch(re.escape(padded("T:AO")) + STAMP + " 1.5  \n", output)
    fresh.shell("dbpf T:AO 9.5")
    output = run("get", "-a", "T:AO")[1]
    assert re.fullmatch(re.escape(padded("T:AO")) + STAMP + " 9.5 HIHI MAJOR\n", output)


def test_get_of_time_type(fresh):
    output = run("get", "-d", "TIME_LONG", "T:LO")[1]
    assert re.search(r"    Request type:     DBR_TIME_LONG\n", output)
    assert re.search(rf"    Timestamp:        {STAMP}\n    Status:  ", output)


def test_get_of_missing_pvs(fresh):
    status, output, errors = run("get", "-w0.3", "T:NONE")
    assert (status, output) == (1, "")
    assert errors == not_found("'T:NONE' not found.", "0.3")
    status, output, errors = run("get", "-w", "0.3", "T:NONE", "T:AO")
    assert status == 1  # one of several is enough
    assert output == padded("T:NONE") + "*** not connected\n" + padded("T:AO") + "1.5\n"
    missing = "some PV(s) not found. Missing: T:NONE."
    assert errors == not_found(missing, "0.3")


def test_get_that_the_server_refuses(fresh):
    # EPICS' server has no text of that size to give as a number.
    status, output, errors = run("get", "-d", "LONG", "T:SO", "T:LO")
    assert (status, errors) == (1, "")
    assert "T:SO\n    *** CA error " in output
    assert "Value:            42" in output


PUTS = [
    (["T:AO", "2.25"], "Old : {p}1.5\nNew : {p}2.25\n"),
    (["T:AO", "-3"], "Old : {p}1.5\nNew : {p}-3\n"),
    (["-c", "T:AO", "2"], "Old : {p}1.5\nNew : {p}2\n"),
    (["-t", "T:AO", "2"], "2\n"),
    (["T:MBBO", "two"], "Old : {p}one\nNew : {p}two\n"),
    (["T:MBBO", "2"], "Old : {p}one\nNew : {p}two\n"),
    (["-n", "T:MBBO", "0"], "Old : {p}1\nNew : {p}0\n"),
    (["-s", "T:MBBO", "zero"], "Old : {p}one\nNew : {p}zero\n"),
    (["T:SO", "two", "words"], "Old : {p}hello\nNew : {p}two words\n"),
    (["T:SO", r"tab\there"], "Old : {p}hello\nNew : {p}tab\\there\n"),
    (
        ["-a", "T:WF", "3", "4", "5", "6"],
        "Old : T:WF 5 1 2.5 0 0 0\nNew : T:WF 5 4 5 6 0 0\n",
    ),
    (["T:WF", "7"], "Old : T:WF 5 1 2.5 0 0 0\nNew : T:WF 5 7 0 0 0 0\n"),
]


@pytest.mark.parametrize(("arguments", "expected"), PUTS)
def test_put(fresh, arguments, expected):
    name = next(word for word in arguments if word.startswith("T:"))
    assert run("put", *arguments) == (0, expected.format(p=padded(name)), "")


def test_put_long_text(fresh):
    status, output, errors = run("put", "-S", "T:CH", "a long", "text")
    assert (status, errors) == (0, "")
    assert output.splitlines()[1] == "New : T:CH a long text"
    assert run("get", "-S", "T:CH")[1] == "T:CH a long text\n"


def test_put_wide(fresh):
    output = run("put", "-l", "T:AO", "3")[1]
    name = re.escape(padded("T:AO"))
    assert re.fullmatch(f"Old : {name}{STAMP} 1.5  \nNew : {name}{STAMP} 3  \n", output)


REFUSED = [
    *(
        (
            [command, "", *more],
            "CA error Invalid string occurred while trying to create channel ''.\n",
        )
        for command, *more in (["get"], ["put", "1"], ["info"], ["monitor"])
    ),
    (["put", "T:MBBO", "junk"], "Enum string value 'junk' invalid.\n"),
    (["put", "-s", "T:MBBO", "2"], "Enum string value '2' invalid.\n"),
    (["put", "-n", "T:MBBO", "two"], "Enum index value 'two' is not a number.\n"),
    (["put", "T:AO"], "No value specified. ('aioca put -h' for help.)\n"),
    (["put"], "No pv name specified. ('aioca put -h' for help.)\n"),
    (["get"], "No pv name specified. ('aioca get -h' for help.)\n"),
    (["monitor"], "No pv name specified. ('aioca monitor -h' for help.)\n"),
    (["info"], "No pv name specified. ('aioca info -h' for help.)\n"),
    (["get", "-q", "X"], "Unrecognized option: '-q'. ('aioca get -h' for help.)\n"),
    (["get", "-w"], "Option '-w' requires an argument. ('aioca get -h' for help.)\n"),
    (
        ["put", "-w0.2", "T:NONE", "1"],
        "Channel connect timed out: 'T:NONE' not found. SEARCHED 0.2 s.\n",
    ),
    (
        ["info", "-w0.2", "T:NONE"],
        "Channel connect timed out: 'T:NONE' not found. SEARCHED 0.2 s.\n",
    ),
]


@pytest.mark.parametrize(("arguments", "expected"), REFUSED)
def test_refused(fresh, arguments, expected):
    searched = f"Searched 127.0.0.1:{THIRD_PORT} for"
    assert run(*arguments) == (1, "", expected.replace("SEARCHED", searched))


def test_put_that_fails(fresh):
    status, output, errors = run("put", "-w", "60", "T:AO", "junk")
    assert output == f"Old : {padded('T:AO')}1.5\nNew : {padded('T:AO')}1.5\n"
    assert status == 1  # EPICS' tool does not wait to be told
    assert errors.startswith("Error occur")
    assert errors.endswith(": Channel write request failed\n")
    assert errors.count("\n") == 1
    status, output, errors = run("put", "-w", "60", "-c", "T:AO", "junk")
    assert status == 1
    assert errors.startswith("Error occur")
    assert errors.count("\n") == 1
    status, output, errors = run("put", "-w", "60", "T:AO.NAME", "x")
    assert (status, errors) == (
        1,
        "Error from put operation: Write access denied\n",
    )


def test_complaints_that_are_survived(fresh):
    for arguments, complaint in [
        (["-w", "x"], "'x' is not a valid timeout value - ignored, using '5.0'."),
        (["-#", "x"], "'x' is not a valid array element count - ignored."),
        (["-p", "x"], "'x' is not a valid CA priority - ignored."),
        (["-f", "x"], "Invalid precision argument 'x' for option '-f' - ignored."),
        (["-f", "99"], "Precision 99 for option '-f' out of range - ignored."),
        (["-d", "NONSENSE"], "Requested dbr type out of range or invalid - ignored."),
        (["-0q"], "Invalid argument 'q' for option '-0' - ignored."),
    ]:
        status, output, errors = run("get", *arguments, "T:AO")
        assert (status, output) == (0, padded("T:AO") + "1.5\n")
        assert errors.startswith(complaint)


def test_info(fresh):
    status, output, errors = run("info", "T:AO", "T:WF")
    assert (status, errors) == (0, "")
    host = re.search("Host: +(.*)", output)[1]
    assert output == (
        f"T:AO\n    State:            connected\n    Host:             {host}\n"
        "    Access:           read, write\n    Native data type: DBF_DOUBLE\n"
        "    Request type:     DBR_DOUBLE\n    Element count:    1\n"
        f"T:WF\n    State:            connected\n    Host:             {host}\n"
        "    Access:           read, write\n    Native data type: DBF_DOUBLE\n"
        "    Request type:     DBR_DOUBLE\n    Element count:    5\n"
    )
    assert "no write" in run("info", "T:AO.NAME")[1]


def test_info_of_several_one_of_which_is_missing(fresh):
    status, output, errors = run("info", "-w0.3", "T:NONE", "T:AO")
    assert status == 1
    assert output.startswith("T:AO\n    State:            connected\n")
    assert "T:NONE" not in output
    missing = "some PV(s) not found. Missing: T:NONE."
    assert errors == not_found(missing, "0.3")


def test_put_that_nobody_answers(fresh):
    fresh.pause()
    try:
        status, output, errors = run("put", "-w0.3", "-c", "T:AO", "2")
    finally:
        fresh.go_on()
    assert (status, output) == (1, "")
    assert errors.count("\n") == 1


class Lines:
    """The lines of a monitor command, until it is interrupted."""

    def __init__(self, *arguments):
        self.process = start("monitor", *arguments)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10)

    def wait_for(self, count, seconds=15):
        deadline = time.monotonic() + seconds
        while self.text.count("\n") < count:
            assert time.monotonic() < deadline, self.text
            try:
                self.text += os.read(self.process.stdout.fileno(), 65536).decode()
            except BlockingIOError:
                time.sleep(0.01)
        return self.text.splitlines()


def test_monitor(fresh):
    name = re.escape(padded("T:TICK"))
    with Lines("T:TICK", "T:MBBO") as lines:
        assert any(line.startswith(padded("T:MBBO")) for line in lines.wait_for(2))
        fresh.shell("dbpf T:TICK 5")
        assert re.fullmatch(f"{name}{STAMP} 5  ", lines.wait_for(3)[2])
    with Lines("-n", "-tn", "T:MBBO") as lines:
        assert lines.wait_for(1) == [padded("T:MBBO") + " 1  "]
    with Lines("-tcs", "T:SO") as lines:
        assert re.fullmatch(
            re.escape(padded("T:SO")) + rf"{STAMP}\({STAMP}\) hello  ",
            lines.wait_for(1)[0],
        )
    with Lines("-tsi", "T:TICK") as lines:
        lines.wait_for(1)
        fresh.shell("dbpf T:TICK 6")
        line = lines.wait_for(2)[1]
        assert re.fullmatch(rf"{name} +\+\d+\.\d{{6}} 6  ", line)


def test_monitor_of_a_missing_pv(fresh):
    with Lines("-w0.2", "T:NONE") as lines:
        assert lines.wait_for(1) == [
            padded("T:NONE") + "*** Not connected (PV not found)"
        ]


def test_monitor_tells_of_a_lost_server(ioc):
    ioc.start('record(ao, "T:LOST") { field(VAL, "1") field(PINI, "YES") }')
    process_env = client_environment(ioc.port)
    process = subprocess.Popen(
        [sys.executable, "-m", "aioca", "monitor", "T:LOST"],
        stdout=subprocess.PIPE,
        text=True,
        env=process_env,
    )
    assert process.stdout.readline().startswith(padded("T:LOST"))
    ioc.kill()
    assert re.fullmatch(
        re.escape(padded("T:LOST")) + STAMP + r" \*\*\* disconnected\n",
        process.stdout.readline(),
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)


def test_help_and_versions():
    import aioca

    assert run("--version") == (0, f"{aioca.__version__}\n", "")
    assert run("-v") == (0, f"{aioca.__version__}\n", "")
    assert run("--help")[0] == 0
    assert run()[0] == 0
    for command in ("get", "put", "monitor", "info"):
        status, output, errors = run(command, "-h")
        assert (status, output) == (0, "")
        assert f"Usage: aioca {command} " in errors
        assert re.search(
            r"EPICS Version .*CA Protocol version 4\.13", run(command, "-V")[1]
        )
    assert run("dance")[0] == 2
