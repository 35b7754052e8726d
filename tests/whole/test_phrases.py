"""tools/phrases.py, which `make lint` runs: what it finds, and where."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "phrases.py"
PHRASE = "clients are told"


@pytest.fixture(scope="module")
def phrases():
    spec = importlib.util.spec_from_file_location("phrases", TOOL)
    module = sys.modules["phrases"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def found(phrases, tmp_path):
    """What is found in a tree with one file."""

    def look(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return list(phrases.phrases(tmp_path))

    return look


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", f"a\n{PHRASE}\n"),
        ("client/README.md", f"a\nAll {PHRASE}.\n"),
        ("docs/how-to/a.md", f"```\nx\n```\n{PHRASE}\n"),
        ("docs/index.md", "a\nAre\ntold, and more\n"),
        ("docs/changes/a.toml", f'[[change]]\nhere = "{PHRASE}"\n'),
        ("src/a/a.py", f'def f():\n    """A b: {PHRASE}."""\n'),
        ("src/a/a.pyi", f'class A:\n    """{PHRASE}"""\n'),
        ("src/a/a.pyx", f'cdef int a\ndef f():\n    """{PHRASE}"""\n'),
    ],
)
def test_finds_a_phrase(found, name, text):
    (line,) = found(name, text)
    number = text.lower().count("\n", 0, re.search(r"are\s+told", text.lower()).start())
    assert line.startswith(f"{name}:{number + 1}: ")
    assert "write: " in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "clients receive it\n"),
        ("docs/a.md", f"a\n\n```console\n$ {PHRASE}\n```\nb\n"),
        ("docs/a.md", f"the name `{PHRASE}`\n"),
        ("docs/a.md", "untold, careless telling\n"),
        ("docs/_build/a.md", f"{PHRASE}\n"),
        ("tests/a.md", f"{PHRASE}\n"),
        ("src/a/a.py", f"# {PHRASE}\nx = '{PHRASE}'\n"),
        ("src/a/a.pyx", f"# {PHRASE}\n"),
        ("src/a/a.cpp", f"// {PHRASE}\n"),
    ],
)
def test_finds_nothing_elsewhere(found, name, text):
    assert found(name, text) == []


def test_every_entry_can_be_found(phrases, found):
    """Each pattern matches a plain example of itself."""
    for pattern in phrases.AVOID:
        example = pattern
        while "(" in example:  # the first alternative of each group
            example = re.sub(r"\(([^()|]*)(?:\|[^()]*)?\)\??", r"\1", example)
        example = re.sub(r"\w\?", "", example.partition("|")[0]).replace("\\b", "")
        (line, *_) = found("README.md", f"A {example} b.\n")
        assert repr(example) in line


def test_this_project_avoids_them(phrases):
    assert list(phrases.phrases(ROOT)) == []
