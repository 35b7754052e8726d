"""The tables of the reference name what there is: nothing more, nothing less."""

import argparse
import re
from pathlib import Path

import epicscorelibs.path
import pytest
from pvxslibs.lib import pvxs_dsoinfo
from session import ROOT

import aioca
import pcaspy
from aioca.tools import options as tool_options
from aioca.tools.help import usage
from pcaspy.__main__ import command_line
from pcaspy.native._tables import counters
from pcaspy.served import pvdb, pvdb_types
from pcaspy.status.entries import entries
from pcaspy.testing import IsolatedServer

REFERENCE = ROOT / "docs" / "reference"


def first_column(page):
    """The code in the first cell of each row of a page's tables."""
    text = (REFERENCE / page).read_text()
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def sources(suffixes):
    folder = ROOT / "src"
    return "".join(p.read_text() for p in folder.rglob("*") if p.suffix in suffixes)


def test_fields_of_a_pvdb():
    fields = list(pvdb_types.PVSpec.__annotations__)
    rows = [name for name in first_column("pvdb.md") if name in fields]
    assert sorted(rows[: len(fields)]) == sorted(fields)


def test_defaults_of_a_pvdb():
    text = (REFERENCE / "pvdb.md").read_text()
    for name in ("prec", "lolim", "hilim", "adel", "mdel", "scan", "asyn"):
        (shown,) = re.findall(rf"^\| `{name}` \| `?([\w.']+)`? \|", text, re.M)
        assert shown == f"{getattr(pvdb.PVInfo({}), name):g}".replace(
            "0", "False" if name == "asyn" else "0"
        )


def test_loggers():
    made = set(re.findall(r'getLogger\("([^"]+)"\)', sources({".py", ".pyx"})))
    assert set(first_column("loggers.md")) == made


def test_environment_of_the_server():
    text = (ROOT / "ext" / "server" / "config.cpp").read_text()
    used = set(re.findall(r"EPICS_CAS?_\w+", text))  # those of options are a table
    page = (REFERENCE / "environment.md").read_text().partition("## Client")[0]
    assert set(re.findall(r"EPICS_CAS?_\w+", page)) == used


def test_environment_that_is_read_elsewhere():
    """What Python and C++ name in quotes stands in the page, and nothing invented."""
    page = (REFERENCE / "environment.md").read_text()
    text = sources({".py", ".pyx", ".hpp"})
    text += "".join(p.read_text() for p in (ROOT / "ext").rglob("*.cpp"))
    quoted = set(re.findall(r'"(EPICS_\w+)"', text))
    quoted -= {entry.name for entry in entries()}
    assert quoted <= set(re.findall(r"`(EPICS_\w+)`", page))
    libraries = Path(epicscorelibs.path.lib_path)
    known = next(libraries.glob("libCom.so.*")).read_bytes().decode("latin-1")
    known += Path(pvxs_dsoinfo.sofilename).read_bytes().decode("latin-1")
    for name in re.findall(r"`(EPICS_\w+)`", page):
        assert name in text or name in known, name


@pytest.mark.parametrize("package", [aioca, pcaspy], ids=["aioca", "pcaspy"])
def test_every_public_name(package):
    page = (REFERENCE / f"{package.__name__}.md").read_text()
    code = " ".join(re.findall(r"`([^`\n]+)`", page))
    directives = " ".join(re.findall(r"^\.\. auto\w+:: (\S+)", page, re.M))
    words = set(re.findall(r"\w+", f"{code} {directives}"))
    assert set(package.__all__) <= words


@pytest.mark.parametrize("command", tool_options.OPTIONS)
def test_help_of_the_client_names_each_option(command):
    shown = set(re.findall(r"-(\S)", usage(command, tool_options.DEFAULT_SECONDS)))
    silent = {
        "get": "i",
        "put": "#",
        "info": "n",
    }  # taken and of no effect, as in EPICS
    taken = set(tool_options.OPTIONS[command]) - {":"}
    assert taken - set(silent.get(command, "")) <= shown


@pytest.mark.parametrize(
    ("page", "table"), [("environment", "limits"), ("pcaspy", "counters")]
)
def test_tables_of_the_engine_are_included(page, table):
    text = (REFERENCE / f"{page}.md").read_text()
    assert f"{{include}} ../_build/tables/{table}.md" in text


def test_counters():
    with IsolatedServer(threaded=False) as server:
        assert set(server.stats()) == {name for name, _kind, _meaning in counters()}


@pytest.mark.parametrize("command", ["serve", "check", "flags", "state", "snoop"])
def test_options_of_the_command(command):
    page = (REFERENCE / "command-line.md").read_text()
    start = r"`pcaspy (serve|check|flags|state|snoop)\b"
    said = dict(re.findall(start + r"(.*?)(?=`pcaspy |\Z)", page, re.S))
    shown = set(re.findall(r"`(--[\w-]+)`", said[command]))
    (commands,) = [
        action
        for action in command_line()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    taken = set(commands.choices[command]._option_string_actions)
    assert shown - {"--version"} == taken - {"-h", "--help"}


def test_status_pvs():
    """The page has each name once, of those that do not depend on libCom."""
    page = (REFERENCE.parent / "how-to" / "status-pvs.md").read_text()
    rows = re.findall(r"^\| ([A-Z][A-Za-z0-9_, ]+) \| [^|]+ \| ", page, re.MULTILINE)
    shown = [name for row in rows for name in row.split(", ")]
    served = set()
    for entry in entries():
        served |= {entry.name, entry.spec.get("alias", entry.name)}
    assert sorted(shown) == sorted(served)
