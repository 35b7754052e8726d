"""Says which files and functions of ext/ and src/ are too long: a part of `make lint`.

Files may have 600 lines, of Cython 400, and functions 60: in Python and Cython from
`def` on, in C++ behind the opening brace, as clang-tidy counts. What Cython generates
is not looked at.

Usage: python tools/sizes.py [ROOT]
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 600
CYTHON_LINES = 400
FUNCTION_LINES = 60

CPP = {".cpp", ".hpp", ".h"}
CYTHON = {".pyx", ".pxd"}
SUFFIXES = {".py", ".pyi", *CPP, *CYTHON}

# Comments, strings and characters, which may have braces in them.
_CPP_QUIET = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)
_DIGIT_QUOTE = re.compile(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])")
_NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|enum|union|extern\s+\"?C?)\b")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_DEF = re.compile(r"( *)(?:async +)?c?p?def\b(?! +class\b)[^=]*\(")

Found = tuple[str, int, int]  # what it is, its first line, how many there are


def python_functions(text: str) -> Iterator[Found]:
    """Every function and method, nested ones as well."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def cython_functions(text: str) -> Iterator[Found]:
    """A function ends before the next line that is indented no more than its `def`."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        begin = _DEF.match(line)
        if begin is None:
            continue
        end = start + 1
        for at in range(start + 1, len(lines)):
            code = lines[at].strip()
            if not code:
                continue
            indent = len(lines[at]) - len(lines[at].lstrip())
            if indent <= len(begin[1]) and code[0] != ")":
                break
            end = at + 1
        yield line.strip(), start + 1, end - start


def cpp_functions(text: str) -> Iterator[Found]:
    """The outermost blocks that stand behind a parenthesis."""
    text = _DIGIT_QUOTE.sub(" ", text)
    text = _CPP_QUIET.sub(_blank, text)
    text = _DIRECTIVE.sub(_blank, text)
    depth, begin = 0, 0
    inside: tuple[int, int, str] | None = None  # depth, first line, signature
    for brace in re.finditer(r"[{};]", text):
        head = " ".join(text[begin : brace.start()].split())
        line = text.count("\n", 0, brace.start()) + 1
        begin = brace.end()
        if brace[0] == "{":
            if inside is None and ")" in head and not _NO_FUNCTION.match(head):
                inside = depth, line, head
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if inside is not None and inside[0] == depth:
                yield inside[2], inside[1], line - inside[1]
                inside = None


def _blank(found: re.Match[str]) -> str:
    """As many lines with nothing in them."""
    return re.sub(r"[^\n]", " ", found[0])


def functions_in(path: Path) -> Iterator[Found]:
    """The functions of a file."""
    text = path.read_text()
    if path.suffix in CPP:
        return cpp_functions(text)
    return cython_functions(text) if path.suffix in CYTHON else python_functions(text)


def sources(root: Path) -> Iterator[Path]:
    """What people wrote in ext/ and src/."""
    for path in sorted([*root.glob("ext/**/*"), *root.glob("src/**/*")]):
        generated = path.suffix == ".cpp" and path.with_suffix(".pyx").exists()
        if path.suffix in SUFFIXES and not generated:
            yield path


def too_long(root: Path) -> Iterator[str]:
    """A line for each file and function over its limit."""
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        lines = path.read_text().count("\n")
        allowed = CYTHON_LINES if path.suffix in CYTHON else FILE_LINES
        if lines > allowed:
            yield f"{name}: {lines} lines, {allowed} are allowed"
        for what, first, count in functions_in(path):
            if count > FUNCTION_LINES:
                yield f"{name}:{first}: {what}: {count} lines, not {FUNCTION_LINES}"


def main() -> int:
    """1 if anything is too long."""
    root = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1]
    found = list(too_long(root))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
