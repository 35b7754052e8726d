"""README and CONTRIBUTING: their programs run, their commands and paths exist."""

import re

import pytest
from blocks import blocks
from session import ROOT, Session

README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
# Installing takes minutes: the tests of the packages do it.
NOT_TYPED = ("pip install",)


def named_blocks():
    """Every block, a program or a file with the name that the text gives it."""
    found = blocks(ROOT / "README.md")
    names = iter(re.findall(r"^Save this as `([\w.]+)`:$", README, re.M))
    for block in found:
        if block.language in {"python", "json"}:
            block.options["caption"] = next(names)
    assert not list(names)
    return found


@pytest.fixture
def reader(tmp_path):
    session = Session(tmp_path)
    yield session
    session.close()


def test_every_block_is_known():
    languages = {block.language for block in blocks(ROOT / "README.md")}
    assert languages == {"python", "json", "console", "text", ""}


@pytest.mark.timeout(180)
def test_a_reader_gets_what_is_shown(reader):
    for block in named_blocks():
        if block.file:
            reader.write(block)
        elif block.language == "console":
            lines = block.text.splitlines(keepends=True)
            block.text = "".join(
                line for line in lines if not line[2:].startswith(NOT_TYPED)
            )
            reader.type(block)
    assert "Traceback" not in reader.errors(), reader.errors()
    (shown,) = [b.text for b in named_blocks() if b.language == "text"]
    assert without_where(shown) in without_where(reader.in_background())


def without_where(line):
    """A server's first line, without addresses and ports."""
    return re.sub(r" on [^:\n]*:|\d{4,}", "", line)


def test_the_client_package_shows_the_same_client():
    (shown,) = [b.text for b in blocks(ROOT / "client" / "README.md")]
    assert shown in {b.text for b in named_blocks() if b.file == "client.py"}


def test_programs_are_short():
    lengths = {b.file: len(b.text.splitlines()) for b in named_blocks() if b.file}
    assert lengths["server.py"] <= 10
    assert lengths["client.py"] <= 11


def targets():
    """Each `make` command that the two pages show, without its comment."""
    text = README + CONTRIBUTING
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
    section = CONTRIBUTING.partition("## The source in reading order")[2]
    for item in re.findall(r"^\d+\. (.*)$", section, re.M):
        spans = re.findall(r"`([^`]+)`", item)
        yield "", spans[0]
        for span in spans[1:]:
            if re.fullmatch(r"[a-z_./]+", span):
                yield spans[0], span


def test_there_is_a_map():
    assert len(list(paths_of_the_map())) > 20


@pytest.mark.parametrize(("folder", "path"), list(paths_of_the_map()))
def test_the_map_names_what_exists(folder, path):
    base = ROOT / folder if folder.endswith("/") else ROOT
    found = [base / path, *base.glob(path + ".?pp")]
    assert any(p.exists() for p in found), path
