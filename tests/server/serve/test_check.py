"""`pcaspy check`: each error has file, line and PV, and says what is allowed."""

import json
import os
import subprocess
import sys

import pytest

from pcaspy.__main__ import main
from support.environment import without_epics

GOOD = '{"prefix": "P:", "pvdb": {"A": {}, "B": {"type": "int"}}}'

WRONG = {
    "field": (
        "f.yaml",
        "pvdb:\n  A: {}\n  B:\n    unit: mm\n    count: 0\n",
        5,
        ["PV 'B'", "'count' is 0", "1 to"],
    ),
    "type": (
        "f.json",
        '{"pvdb": {"A": {},\n"B": {"prec": 1,\n "type": "quad"}}}',
        3,
        ["PV 'B'", "'type' is 'quad'", "'float'"],
    ),
    "value": (
        "f.yaml",
        "pvdb:\n  A: {type: int,\n      value: text}\n",
        3,
        ["PV 'A'", "'value' is 'text'", "int"],
    ),
    "in Python": (
        "f.py",
        "pvdb = {\n    'A': {},\n    'B': {\n        'scan': -1,\n    },\n}\n",
        4,
        ["PV 'B'", "'scan' is -1", "seconds"],
    ),
    "computed in Python": (
        "f.py",
        "names = 'AB'\npvdb = {n: {'prec': 'three'} for n in names}\n",
        2,
        ["PV 'A'", "'prec' is 'three'"],
    ),
    "PV is no table": ("f.yaml", "pvdb:\n  A: {}\n  B: 5\n", 3, ["PV 'B'", "5"]),
    "PV is no table, JSON": ("f.json", '{"pvdb":\n {"B":\n 5}}', 2, ["PV 'B'", "5"]),
    "name is no text": ("f.yaml", "pvdb:\n  A: {}\n  7: {}\n", 3, ["PV 7", "str"]),
    "pvdb is no table": ("f.json", '{\n"pvdb": [1]}', 2, ["pvdb", "table"]),
    "no PVs": ("f.yaml", "prefix: X\npvdb: {}\n", 2, ["no PVs"]),
    "no pvdb": ("f.yaml", "prefix: X\n", 1, ["no 'pvdb'", "no 'templates'"]),
    "ends in Python": (
        "f.py",
        "import sys\n\npvdb = {'A': {}}\nsys.exit(0)\n",
        4,
        ["ends the program", "SystemExit: 0"],
    ),
    "ends the process in Python": (
        "f.py",
        "import os\n\npvdb = {'A': {}}\nos._exit(0)\n",
        4,
        ["ends the program", "SystemExit: 0"],
    ),
    "no pvdb in Python": ("f.py", "prefix = 'X'\n", 0, ["no 'pvdb'"]),
    "unknown key": ("f.json", '{"pvdb": {},\n "pvs": {}}', 2, ["'pvs'", "'prefix'"]),
    "a list": ("f.json", "[1]", 1, ["table"]),
    "PV twice": ("f.json", '{"pvdb": {"A": {},\n"A": {}}}', 2, ["'A' is twice"]),
    "PV twice, YAML": ("f.yaml", "pvdb:\n  A:\n  A:\n", 3, ["'A' is twice"]),
    "JSON": ("f.json", '{"pvdb": {"A": {"count": 1,}}}', 1, ["double quotes"]),
    "JSON more": ("f.json", '{"pvdb": {"A": {}}}\n{}', 2, ["nothing more"]),
    "JSON text": ("f.json", '{"pvdb":\n {"A', 2, ["string"]),
    "JSON list": ("f.json", '{"pvdb":\n {"A": [1 2]', 2, ["','"]),
    "JSON levels": ("f.json", "[" * 100_000, 1, ["too many levels"]),
    "JSON end": ("f.json", '{"pvdb":\n {"A": {}', 2, ["','"]),
    "JSON value": ("f.json", '{"pvdb":\n }', 2, ["value"]),
    "YAML key": ("f.yaml", "pvdb:\n  ? [1, 2]\n  : {}\n", 2, ["name"]),
    "YAML": ("f.yaml", "pvdb:\n  A: {count: 1\n", 3, ["expected"]),
    "syntax": ("f.py", "x = 1\npvdb = {\n", 2, ["SyntaxError"]),
    "exception": ("f.py", "x = 1\npvdb = missing\n", 2, ["NameError", "missing"]),
    "two drivers": (
        "f.py",
        "from pcaspy import Driver\npvdb = {'A': {}}\n"
        "class One(Driver): pass\nclass Two(Driver): pass\n",
        0,
        ["One", "Two", "'default'"],
    ),
    "prefix": ("f.json", '{"prefix": 5, "pvdb": {"A": {}}}', 0, ["prefix", "5"]),
    "suffix": ("f.txt", "pvdb", 0, [".py", ".yaml", ".json"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_where_and_what(file, capsys, case):
    name, text, line, words = WRONG[case]
    path = file(name, text)
    assert main(["check", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{path}:{line}: " if line else f"{path}: "), err
    assert all(word in err for word in words), err
    assert "Traceback" not in err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_file_may_make_processes_that_end(file, run):
    text = (
        "import os\nchild = os.fork()\nif not child:\n    os._exit(3)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "pvdb = {'A': {'value': os.waitstatus_to_exitcode(status)}}\n"
        "assert pvdb['A']['value'] == 3\n"
    )
    before = os._exit
    assert run("check", file("f.py", text))[0] == 0
    assert os._exit is before


def test_serve_says_the_same(file, run):
    path = file("f.json", '{"pvdb": {"A": {"count": 0}}}')
    assert run("serve", path, "--port", 0) == run("check", path)
    assert run("check", path)[:2] == (1, "")


def test_all_errors_at_once(file, run):
    path = file("f.yaml", "pvdb:\n  A: {count: 0}\n  B: {}\n  C: {prec: x}\n")
    _, _, err = run("check", path)
    places = [line.partition(" PV")[0] for line in err.splitlines()]
    assert places == [f"{path}:2:", f"{path}:4:"]


def test_the_same_error_as_in_code(file, run):
    from pcaspy import SimpleServer

    spec = {"type": "enum", "enums": "ON"}
    with pytest.raises(ValueError, match="enums") as caught:
        SimpleServer(port=0, interfaces=["127.0.0.1"]).createPV("", {"A": spec})
    path = file("f.json", '{"pvdb": {"A": {"type": "enum", "enums": "ON"}}}')
    assert run("check", path)[2] == f"{path}:1: {caught.value}\n"


def test_good(file, run):
    path = file("f.json", GOOD)
    assert run("check", path) == (0, f"{path}: 2 PVs\n", "")
    assert run("check", path, "--list") == (0, "P:A\nP:B\n", "")


def test_hints_are_no_errors(file, run):
    path = file("f.yaml", "pvdb:\n  A:\n    units: mm\n    remark: an axis\n")
    status, out, err = run("check", path)
    assert (status, out) == (0, f"{path}: 1 PVs\n")
    assert err.splitlines() == [
        f"{path}:3: PV 'A': field 'units' has no effect, did you mean 'unit'?",
        f"{path}:4: PV 'A': field 'remark' has no effect",
    ]


def test_a_file_that_is_not_there(tmp_path, run):
    path = tmp_path / "none.json"
    status, _, err = run("check", path)
    assert status == 1
    assert err == f"{path}: cannot be read: No such file or directory\n"


def test_a_driver_that_cannot_be_made(file, run):
    path = file(
        "f.py",
        """\
        from pcaspy import Driver

        pvdb = {"A": {}}


        class Broken(Driver):
            def __init__(self):
                raise OSError("no device")
        """,
    )
    status, _, err = run("serve", path, "--port", 0)
    assert status == 1
    assert err == f"{path}:8: OSError: no device\n"


def test_without_pyyaml_it_says_what_to_install(file, tmp_path):
    (tmp_path / "yaml.py").write_text("raise ImportError('not here')\n")
    path = file("f.yaml", "pvdb: {A: {}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pcaspy", "check", str(path)],
        env={**without_epics(), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"{path}: reading YAML needs PyYAML: pip install pcaspy[yaml]\n"
    )


def test_yaml_anchors_numbers_and_words(file):
    from pcaspy.service.read import read

    text = """\
        pvdb:
          A: &axis {unit: mm, hihi: 1e3, lolo: -.5, prec: 0x3, count: 010}
          B: {<<: *axis, unit: deg}
          C: {type: enum, enums: [No, Yes, off, On, "true"], asyn: true}
        """
    pvdb = read(file("f.yaml", text)).pvdb
    assert pvdb["A"] == {
        "unit": "mm",
        "hihi": 1000.0,
        "lolo": -0.5,
        "prec": 3,
        "count": 10,
    }
    assert pvdb["B"] == {**pvdb["A"], "unit": "deg"}
    assert pvdb["C"]["enums"] == ["No", "Yes", "off", "On", "true"]
    assert pvdb["C"]["asyn"] is True


@pytest.mark.parametrize(
    "arguments",
    [[], ["serve"], ["check", "f", "--port", "5"], ["serve", "f", "--port", "70000"]],
)
def test_wrong_arguments(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: pcaspy")


def test_version(run):
    import pcaspy

    assert run("--version") == (0, pcaspy.__version__ + "\n", "")


# ---- JSON ----

TEXTS = [
    '{"pvdb": {"A": {"value": [1, -2.5e3, true, null], "desc": "\\u00e9\\n\\""}}}',
    ' {"prefix"\t:\r\n"P:" , "pvdb":{ } } ',
    '{"pvdb": {"A": {"enums": [], "value": NaN, "hihi": -Infinity}}}',
    '\ufeff{"pvdb": {"a": {"value": [[], [[1]], {}]}}}',
]


@pytest.mark.parametrize("text", TEXTS)
def test_json_is_what_the_standard_library_reads(text, tmp_path):
    from pcaspy.service.text import load_json

    path = tmp_path / "f.json"
    path.write_text(text, encoding="utf-8")
    expected = json.loads(text.removeprefix("\ufeff"))["pvdb"]
    assert repr(load_json(path).pvdb) == repr(expected)  # NaN is not NaN


def test_random_json():
    """What the standard library reads and refuses, ours reads and refuses."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    from pcaspy.service.json_text import parse_json

    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
    spaces = st.sampled_from([None, 0, 3])

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(values, spaces, st.integers(0, 10**6), st.booleans())
    def run(value, indent, at, broken):
        text = json.dumps(value, indent=indent)
        if broken:
            at %= len(text)
            text = text[:at] + text[at + 1 :]
        try:
            expected = json.loads(text, object_pairs_hook=_once)
        except json.JSONDecodeError:
            with pytest.raises(json.JSONDecodeError):
                parse_json(text)
        else:
            assert repr(parse_json(text)) == repr(expected)

    run()


def _once(pairs):
    """A dict, unless a name is twice."""
    if len(dict(pairs)) < len(pairs):
        raise json.JSONDecodeError("twice", "", 0)
    return dict(pairs)
