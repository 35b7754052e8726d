"""`pcaspy serve`: the PVs of a file, seen by a client that nobody here wrote."""

import signal

import pytest

from support.environment import server_environment
from support.epics_client import ECA_NORMAL, ECA_PUTFAIL
from support.ports import free_port

YAML = """\
    prefix: "AXIS:"
    pvdb:
      POSITION: {prec: 3, unit: mm, value: 1.5, high: 10, hihi: 1e+2}
      STATE:
        type: enum
        enums: [Off, On]
        states: [0, 1]
      NAME: {type: string, value: "left"}
      PROFILE: {count: 3, value: [1, 2, 3]}
      PLAIN:
    """
JSON = """\
    {
      "prefix": "AXIS:",
      "pvdb": {
        "POSITION": {"prec": 3, "unit": "mm", "value": 1.5, "high": 10, "hihi": 100},
        "STATE": {"type": "enum", "enums": ["Off", "On"], "states": [0, 1]},
        "NAME": {"type": "string", "value": "left"},
        "PROFILE": {"count": 3, "value": [1, 2, 3]},
        "PLAIN": {}
      }
    }
    """
MODULE = """\
    PREFIX = "AXIS:"
    PVDB = {
        "POSITION": {"prec": 3, "unit": "mm", "value": 1.5, "high": 10, "hihi": 100},
        "STATE": {"type": "enum", "enums": ["Off", "On"], "states": [0, 1]},
        "NAME": {"type": "string", "value": "left"},
        "PROFILE": {"count": 3, "value": [1, 2, 3]},
        "PLAIN": {},
    }
    """
FORMATS = {"axis.yaml": YAML, "axis.yml": YAML, "axis.json": JSON, "axis.py": MODULE}


@pytest.mark.parametrize("name", FORMATS)
def test_the_formats_serve_the_same(file, serve, client, name):
    serve(file(name, FORMATS[name]))
    position = client.get("AXIS:POSITION")
    assert (position["value"], position["units"], position["precision"]) == (
        1.5,
        "mm",
        3,
    )
    assert position["upper_warning_limit"] == 10
    assert position["upper_alarm_limit"] == 100
    assert client.get("AXIS:STATE")["enums"] == ["Off", "On"]
    assert client.value("AXIS:NAME") == "left"
    assert client.value("AXIS:PROFILE") == [1, 2, 3]
    assert client.value("AXIS:PLAIN") == 0


def test_puts_are_kept_and_raise_alarms(file, serve, client):
    serve(file("axis.yaml", YAML))
    assert client.put("AXIS:POSITION", 11) == ECA_NORMAL
    after = client.get("AXIS:POSITION", form="time")
    assert (after["value"], after["severity"]) == (11, 1)
    assert client.put("AXIS:STATE", "On", datatype="string") == ECA_NORMAL
    assert client.value("AXIS:STATE") == 1


def test_a_module_brings_its_drivers(file, serve, client):
    path = file(
        "two.py",
        """\
        from pcaspy import Driver

        prefix = "TWO:"
        pvdb = {"A": {}, "B": {"port": "other"}, "C": {"port": "third"}}


        class Base(Driver):
            def write(self, reason, value):
                return value >= 0 and super().write(reason, value)


        class Main(Base):
            pass


        class Other(Driver):
            port = "other"

            def read(self, reason):
                return 42


        if __name__ == "__main__":
            raise SystemExit("not to be run")
        """,
    )
    serve(path)
    assert client.put("TWO:A", -1) == ECA_PUTFAIL
    assert client.put("TWO:A", 1) == ECA_NORMAL
    assert client.value("TWO:A") == 1
    assert client.value("TWO:B") == 42
    assert client.put("TWO:C", 3) == ECA_NORMAL


def test_a_module_may_import_from_its_folder(file, serve, client):
    file("settings_beside.py", "START = 2.5\n")
    serve(
        file(
            "axis.py",
            """\
            import settings_beside

            pvdb = {"START:VALUE": {"value": settings_beside.START}}
            """,
        )
    )
    assert client.value("START:VALUE") == 2.5


def test_prefix_and_list(file, serve, client):
    command = serve(file("axis.json", JSON), "--prefix", "MINE:", "--list")
    assert client.value("MINE:POSITION") == 1.5
    command.signal(signal.SIGINT)
    assert command.wait()[0] == 0


def test_list_prints_the_names(file, run):
    path = file("axis.yaml", YAML)
    names = ["POSITION", "STATE", "NAME", "PROFILE", "PLAIN"]
    listed = "".join(f"X:{name}\n" for name in names)
    assert run("check", path, "--list", "--prefix", "X:") == (0, listed, "")


def test_port(file, serve, port):
    chosen = free_port()
    command = serve(file("axis.json", JSON), "--port", chosen)
    from support.epics_client import EpicsClient

    with EpicsClient(chosen) as client:
        assert client.value("AXIS:NAME") == "left"
    command.signal(signal.SIGTERM)
    assert command.wait()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_without_a_word(file, serve, client, number):
    command = serve(file("axis.json", JSON))
    client.monitor("AXIS:POSITION")
    client.updates("AXIS:POSITION")
    command.signal(number)
    assert command.wait() == (0, "", "")
    client.next_update("AXIS:POSITION", lambda update: update.get("errorcode") == 192)


def test_ends_while_the_driver_computes(file, serve, client):
    path = file(
        "slow.py",
        """\
        import time

        from pcaspy import Driver

        pvdb = {"SLOW": {}}


        class Slow(Driver):
            def write(self, reason, value):
                print("writing", flush=True)
                time.sleep(3600)
        """,
    )
    command = serve(path)
    client.put("SLOW", 1, wait=False)
    command.line_with(command.out, "writing")
    command.signal(signal.SIGTERM)
    assert command.wait()[0] == 0


def test_log_level(file, serve, client):
    command = serve(file("axis.json", JSON), "--log-level", "info")
    client.put("AXIS:POSITION", 3)
    assert "new=3" in command.line_with(command.err, "AXIS:POSITION")


def test_log_level_error_is_quiet(file, serve, client):
    command = serve(
        file("axis.json", '{"pvdb": {"X:A": {"units": "mm"}}}'),
        "--log-level",
        "error",
    )
    client.put("X:A", 3)
    command.signal(signal.SIGTERM)
    assert command.wait() == (0, "", "")


def test_a_port_that_cannot_be_used(file, run):
    env = server_environment(free_port(), EPICS_CAS_INTF_ADDR_LIST="192.0.2.1")
    status, _, err = run("serve", file("axis.json", JSON), env=env)
    assert status == 1
    assert "192.0.2.1" in err
    assert "Traceback" not in err
