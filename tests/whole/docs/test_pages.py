"""Every code block of the documentation is executed, and every link leads somewhere."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import blocks
from session import ROOT, Session

from pcaspy.__main__ import command_line

PAGES = sorted(
    page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
# What is not executed but read: the text of a file or of an answer.
FILES = {"python", "yaml", "json", "ini", "dockerfile", "text", "toml"}
CPP_NAME = re.compile(r"`(\w+)::(\w+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture
def reader(tmp_path):
    session = Session(tmp_path)
    yield session
    session.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_blocks(page, reader):
    cells = [block for block in blocks(page) if block.options.get("class") == "cell"]
    if cells:
        reader.notebook(cells)
    for block in blocks(page):
        if block in cells:
            continue
        where = f"{page.name}:{block.line}"
        if block.language == "console":
            reader.type(block)
        elif block.file:
            assert block.language in FILES, where
            reader.write(block)
        elif block.language == "python":
            reader.python(block)
        else:
            raise AssertionError(
                f"{where}: a block of {block.language!r} that nobody runs"
            )
    assert "Traceback" not in reader.errors(), reader.errors()


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(ROOT.glob("*.md"))], ids=lambda page: page.name
)
def test_links(page):
    text = re.sub(r"^(`{3,}).*?^\1", "", page.read_text(), flags=re.M | re.S)
    for target in LINK.findall(text):
        if not target.startswith(("http://", "https://", "mailto:", "#")):
            path = page.parent / target.partition("#")[0]
            assert path.exists(), f"{page.name}: {target}"


def find(page, name):
    """The block of a page that is the file `name`."""
    (found,) = [b for b in blocks(ROOT / "docs" / page) if b.file == name]
    return found


def test_systemd_unit():
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(find("how-to/service.md", "axis.service").text)
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    command = shlex.split(unit["Service"]["ExecStart"])
    assert command[0].endswith("/bin/pcaspy")
    assert command_line().parse_args(command[1:]).command == "serve"
    assert unit["Service"]["Type"] == "notify"
    assert float(unit["Service"]["WatchdogSec"]) > 0
    assert shlex.split(unit["Service"]["ExecReload"])[1:] == ["-HUP", "$MAINPID"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_accepts_the_unit(tmp_path):
    text = find("how-to/service.md", "axis.service").text
    unit = tmp_path / "axis.service"
    # The command has to exist; in the page it is that of the reader's environment.
    here = str(Path(sys.executable).parent)
    unit.write_text(text.replace("/opt/axis/venv/bin", here))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    unit.write_text(unit.read_text().replace("ProtectHome", "ProtectHouse"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True
    )
    assert "ProtectHouse" in done.stderr  # it does look


def test_container_file():
    text = find("how-to/service.md", "Dockerfile").text
    words = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert words[0] == "FROM"
    assert words[-1] == "CMD"
    assert set(words) <= {
        "FROM",
        "RUN",
        "COPY",
        "USER",
        "EXPOSE",
        "ENV",
        "CMD",
        "WORKDIR",
    }


def test_the_engine_has_the_functions_that_pages_name():
    named = {name for page in PAGES for name in CPP_NAME.findall(page.read_text())}
    headers = {path: path.read_text() for path in (ROOT / "ext").rglob("*.hpp")}
    assert named
    for kind, function in named:
        defined = [
            t
            for t in headers.values()
            if re.search(rf"class (?:PCAS_API )?{kind}\b", t)
        ]
        assert any(re.search(rf"\b{function}\(", t) for t in defined), (kind, function)
