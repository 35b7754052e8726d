"""README and CONTRIBUTING: their programs run, their commands and paths exist."""

import re
import subprocess
import sys

import pytest
from blocks import blocks
from session import ROOT

from support.environment import client_environment, server_environment
from support.ports import free_port

README = (ROOT / "README.md").read_text()


def programs():
    """The server and the client."""
    server, client = (b for b in blocks(ROOT / "README.md") if b.language == "python")
    return server.text, client.text


def test_every_block_is_known():
    languages = [block.language for block in blocks(ROOT / "README.md")]
    assert languages == ["python", "python", ""]


def test_server_and_client(tmp_path):
    server, client = programs()
    (tmp_path / "server.py").write_text(server)
    (tmp_path / "client.py").write_text(client)
    port = free_port()
    run = [sys.executable, str(tmp_path / "server.py")]
    with subprocess.Popen(run, env=server_environment(port)) as serving:
        done = subprocess.run(
            [sys.executable, str(tmp_path / "client.py")],
            env=client_environment(port),
            capture_output=True,
            text=True,
            timeout=30,
        )
        serving.kill()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2.5"


def test_they_are_short():
    server, client = (len(text.splitlines()) for text in programs())
    assert server < 20
    assert client < 10


def targets():
    """Each `make` command that the two pages show, without its comment."""
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    found = re.findall(r"^make [^#\n]*|`((?:\w+=\S+ )?make(?: [^`]*)?)`", text, re.M)
    lines = re.findall(r"^(make [^#\n]*)", text, re.M)
    return sorted({command.strip() for command in [*found, *lines] if command})


@pytest.mark.parametrize("command", targets())
def test_make_knows_the_target(command):
    words = re.sub(r'"[^"]*"', "", command).split()
    names = [w for w in words[words.index("make") + 1 :] if re.fullmatch(r"[a-z-]+", w)]
    known = set()
    parts = [
        path
        for d in ("benchmarks", "docs", "tests", "tools")
        for path in (ROOT / d).rglob("*.mk")
    ]
    for makefile in [ROOT / "Makefile", *parts]:
        known |= set(
            re.findall(r"^([a-z-]+)\b[^:=\n]*:(?!=)", makefile.read_text(), re.M)
        )
    assert set(names) <= known, command


def paths_of_the_map():
    """What the map of the source names in code, with the folder it is said of."""
    section = README.partition("## The source in reading order")[2]
    for item in re.findall(r"^\d+\. (.*)$", section, re.M):
        spans = re.findall(r"`([^`]+)`", item)
        yield "", spans[0]
        for span in spans[1:]:
            if re.fullmatch(r"[a-z_./]+", span):
                yield spans[0], span


@pytest.mark.parametrize(("folder", "path"), list(paths_of_the_map()))
def test_the_map_names_what_exists(folder, path):
    base = ROOT / folder if folder.endswith("/") else ROOT
    found = [base / path, *base.glob(path + ".?pp")]
    assert any(p.exists() for p in found), path
