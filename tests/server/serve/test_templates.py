"""Templates of a definition: what is made of them, and what is said of wrong ones."""

import signal

import pytest

from pcaspy.__main__ import main
from pcaspy.service.read import read

ZONES = """\
prefix: "OVEN:"
pvdb:
  DOOR: {type: bool}
templates:
  zone:
    instances:
      - {n: 1..3, hot: 80}
      - {n: [4, entry], hot: 90.5}
    pvdb:
      ZONE{n}:TEMP: {unit: C, hihi: "{hot}", desc: "Zone {n}, {{{n}}} of {hot}"}
      ZONE{n}:STATE: {type: enum, enums: [Off, "On {n}"]}
      ZONE{n}:PLAIN:
"""


def test_instances_of_a_range_and_a_list(file):
    found = read(file("f.yaml", ZONES))
    zones = ["1", "2", "3", "4", "entry"]
    parts = ["TEMP", "STATE", "PLAIN"]
    assert list(found.pvdb) == ["DOOR", *(f"ZONE{n}:{p}" for n in zones for p in parts)]
    assert found.pvdb["ZONE2:TEMP"] == {
        "unit": "C",
        "hihi": 80,
        "desc": "Zone 2, {2} of 80",
    }
    assert found.pvdb["ZONEentry:TEMP"]["hihi"] == 90.5
    assert found.pvdb["ZONE3:STATE"]["enums"] == ["Off", "On 3"]
    assert found.pvdb["ZONE3:PLAIN"] == {}
    assert found.lines[("ZONE3:STATE",)] == 11


@pytest.mark.parametrize(
    ("instances", "names"),
    [
        ("{a: 1}", ["1"]),
        ("{a: 08..11}", ["08", "09", "10", "11"]),
        ("{a: -1..1}", ["-1", "0", "1"]),
        ("[{a: 2}, {a: x}]", ["2", "x"]),
        ("{a: [0.5, true]}", ["0.5", "True"]),
        ("{a: [1..2, 3]}", ["1..2", "3"]),  # ranges stand alone
    ],
)
def test_what_a_parameter_can_be(file, instances, names):
    text = f"templates: {{t: {{instances: {instances}, pvdb: {{'{{a}}': }}}}}}"
    assert list(read(file("f.yaml", text)).pvdb) == names


def test_several_parameters_make_every_combination(file):
    path = file(
        "f.json",
        """{"templates": {"slot": {
            "instances": {"rack": "1..2", "slot": ["A", "B"]},
            "pvdb": {"{rack}{slot}": {"value": "{rack}"}}}}}""",
    )
    pvdb = read(path).pvdb
    assert list(pvdb) == ["1A", "1B", "2A", "2B"]
    assert pvdb["2A"] == {"value": 2}


BEGIN = "templates:\n  t:\n"
WRONG = {
    "no table": ("templates: [1]\n", 1, ["'templates'", "table"]),
    "a template is no table": (BEGIN + "    - 5\n", 2, ["template 't'", "'pvdb'"]),
    "an unknown key": (
        BEGIN + "    pvdb: {}\n    instance: {n: 1}\n",
        4,
        ["'instance' is unknown", "'pvdb' and 'instances'"],
    ),
    "no instances": (BEGIN + "    pvdb: {}\n", 2, ["no 'instances'"]),
    "no PVs": (BEGIN + "    instances: {n: 1}\n", 2, ["no 'pvdb'"]),
    "PVs are no table": (
        BEGIN + "    instances: {n: 1}\n    pvdb: [1]\n",
        4,
        ["table of PVs"],
    ),
    "an instance is no table": (
        BEGIN + "    pvdb: {'{n}': }\n    instances: [1, 2]\n",
        4,
        ["instance is 1", "table of parameters"],
    ),
    "an instance without parameters": (
        BEGIN + "    pvdb: {'{n}': }\n    instances: {}\n",
        4,
        ["instance is {}"],
    ),
    "a parameter that is nothing": (
        BEGIN + "    pvdb: {'{n}': }\n    instances:\n      - n:\n",
        5,
        ["parameter 'n' is None", "1..20"],
    ),
    "a range that is empty": (
        BEGIN + "    pvdb: {'{n}': }\n    instances: {n: 5..1}\n",
        4,
        ["'5..1'", "range"],
    ),
    "too many": (
        BEGIN + "    pvdb: {'{n}': }\n    instances: {n: 1..999999999}\n",
        4,
        ["more than 100000"],
    ),
    "a parameter that nobody uses": (
        BEGIN + "    pvdb: {'{n}': }\n    instances: {n: 1, hott: 5}\n",
        4,
        ["'hott' is in no name", "there is 'n'"],
    ),
    "a parameter that is missing": (
        BEGIN
        + "    instances: {n: 1}\n    pvdb:\n      '{n}':\n        hihi: '{hot}'\n",
        6,
        ["no parameter 'hot'", "there is 'n'"],
    ),
    "a brace alone": (
        BEGIN + "    instances: {n: 1}\n    pvdb:\n      'A{n}{':\n",
        5,
        ["'{'", "'{{'"],
    ),
    "no quotes": (
        BEGIN + "    instances: {n: 1}\n    pvdb:\n      A{n}: {hihi: {n}}\n",
        5,
        ['"{n}"', "quotes"],
    ),
    "names that do not differ": (
        BEGIN + "    instances: {n: 1..2}\n    pvdb:\n      A: {desc: '{n}'}\n",
        5,
        ["PV 'A' is there already", "differ"],
    ),
    "a name that the pvdb has": (
        "pvdb: {A1: }\n" + BEGIN + "    instances: {n: 1}\n    pvdb:\n      A{n}: \n",
        6,
        ["PV 'A1' is there already"],
    ),
    "what is made is wrong": (
        BEGIN
        + "    instances: {n: [1, x]}\n    pvdb:\n      A{n}:\n        hihi: '{n}'\n",
        6,
        ["PV 'Ax'", "'hihi' is 'x'", "number"],
    ),
    "fields are no table": (
        BEGIN + "    instances: {n: 1}\n    pvdb:\n      A{n}: 5\n",
        5,
        ["PV 'A1'", "5"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_where_and_what(file, capsys, case):
    text, line, words = WRONG[case]
    path = file("f.yaml", text)
    assert main(["check", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{path}:{line}: "), err
    assert all(word in err for word in words), err
    assert len(err.splitlines()) == 1


def test_they_are_served_and_reloaded(file, serve, client):
    text = "templates: {t: {instances: {n: 1..20}, pvdb: {'T:{n}': {value: '{n}'}}}}"
    path = file("f.yaml", text)
    command = serve(path, "--reload")
    assert [client.value(f"T:{n}") for n in (1, 20)] == [1, 20]
    assert client.put("T:20", 5) == 1
    file("f.yaml", text.replace("1..20", "20..21"))
    assert "not" not in command.line_with(command.err, "reloaded")
    assert client.value("T:21") == 21
    assert client.value("T:20") == 5  # as it was
    assert client.get("T:1", seconds=0.5) == {"errorcode": 80}
    command.signal(signal.SIGTERM)
    assert command.wait()[0] == 0
