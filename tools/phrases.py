"""Finds phrases that the documentation avoids: a part of `make lint`.

Looks at the Markdown of the repository's top folder, client/, benchmarks/, examples/
and docs/, at the text in docs/changes, and at the docstrings of src/. Code is not
checked.

Usage: python tools/phrases.py [ROOT]
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# A pattern, and what to write instead.
AVOID = {
    r"(is|are|was|were|be) told": "is notified, receives, gets",
    r"says? so": "reports it",
    r"tells?": "returns, reports, shows",
    r"(its|their) place\b": "where it is: file and line",
    r"of (its|their) own": "its own, separate",
    r"for ever": "forever, without limit",
    r"anew": "again",
    r"goe?s? first": "overrides, takes precedence",
    r"(is|are) no (number|text|list|dict|sequence|daemon|integer)": "is not a ...",
    r"(hears?|heard) of": "receives, is notified of",
    r"made last": "created last",
    r"(one|value|number|name) that (there is|is there)": "existing",
    r"without further ado": "without configuration",
    r"under way": "pending, in progress",
    r"(is|are) content with": "accepts",
    r"lets? go of": "releases",
    r"may be (called|given|set)": "can be, or: you can",
    r"what goes wrong": "a failure",
    r"beside": "next to, compared with",
    r"nobody|somebody|whoever": "no client, a client, no one",
    r"whom": "for which client",
    r"is as it is|as they are": "unchanged",
    r"if need be": "optionally, if necessary",
    r"at hand": "available",
    r"goe?s? on": "continues",
    r"(is|are) gone": "no longer exists, has disconnected",
    r"look(s|ed)? after": "handles",
    r"(has|have) to say": "logs, reports",
    r"by (itself|themselves)": "automatically",
    r"falls? short": "limits, misses",
}
_PHRASES = re.compile(
    "|".join(rf"(?P<p{n}>\b(?:{pattern})\b)" for n, pattern in enumerate(AVOID)),
    re.IGNORECASE,
)
_FENCED = re.compile(r"^ *(`{3,}).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
PAGES = (
    "*.md",
    "client/*.md",
    "benchmarks/*.md",
    "examples/*/*.md",
    "docs/**/*.md",
    "docs/changes/*.toml",
)


def _quiet(text: str, keep: list[tuple[int, int]]) -> str:
    """The text with everything but some ranges blanked, in the same lines."""
    blank = list(re.sub(r"[^\n]", " ", text))
    for begin, end in keep:
        blank[begin:end] = text[begin:end]
    return "".join(blank)


def prose_of_page(text: str) -> str:
    """A page without its fenced code."""
    begins = [0, *(match.end() for match in _FENCED.finditer(text))]
    ends = [*(match.start() for match in _FENCED.finditer(text)), len(text)]
    return _quiet(text, list(zip(begins, ends, strict=True)))


def prose_of_python(text: str) -> str:
    """The docstrings of a Python module, each in its lines."""
    lines = [""] * (text.count("\n") + 1)
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, kinds) or ast.get_docstring(node) is None:
            continue
        string = node.body[0]
        assert string.end_lineno is not None
        for at in range(string.lineno - 1, string.end_lineno):
            lines[at] = text.splitlines()[at]
    return "\n".join(lines)


def prose_of_cython(text: str) -> str:
    """The same of a Cython module: all that stands in triple quotes."""
    return _quiet(text, [match.span() for match in _DOCSTRING.finditer(text)])


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Each file with the text that is checked in it."""
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            if "_build" not in path.parts:
                yield path, prose_of_page(path.read_text(encoding="utf-8"))
    for path in sorted(root.glob("src/**/*")):
        if path.suffix in {".py", ".pyi"}:
            yield path, prose_of_python(path.read_text(encoding="utf-8"))
        elif path.suffix == ".pyx":
            yield path, prose_of_cython(path.read_text(encoding="utf-8"))


def phrases(root: Path) -> Iterator[str]:
    """A line for each phrase found."""
    advice = list(AVOID.values())
    for path, text in texts(root):
        prose = _CODE.sub(lambda code: " " * len(code[0]), text)
        for found in _PHRASES.finditer(prose.replace("\n", " ")):
            assert found.lastgroup is not None
            line = text.count("\n", 0, found.start()) + 1
            instead = advice[int(found.lastgroup[1:])]
            name = path.relative_to(root).as_posix()
            yield f"{name}:{line}: {found[0]!r}; write: {instead}"


def main() -> int:
    """1 if anything is found."""
    root = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1]
    found = list(phrases(root))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
