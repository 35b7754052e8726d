"""tools/sizes.py, which `make lint` runs: what is too long for it, and what is not."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "sizes.py"
BODY = "    x = 1\n"


@pytest.fixture(scope="module")
def sizes():
    spec = importlib.util.spec_from_file_location("sizes", TOOL)
    module = sys.modules["sizes"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def found(sizes, tmp_path):
    """What is found in a tree with one file."""

    def look(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return list(sizes.too_long(tmp_path))

    return look


def cpp(lines, head="int f(int a)"):
    return f"namespace n {{\n{head} {{\n" + "  int x = 1;\n" * lines + "}\n}\n"


SHORT = {
    "src/a/a.py": "def f():\n" + BODY * 59 + "y = 1\n" * 540,
    "src/a/b.pyx": "cdef int f(int a) except -1:\n" + BODY * 59 + "\n\ncdef int g():\n",
    "src/a/c.pyx": "cdef class A(B):\n" + "    cdef int x\n" * 99,
    "src/a/d.pxd": "x\n" * 400,
    "ext/a/a.cpp": cpp(59),
    "ext/a/b.hpp": "class A {\n" + "  int f() { return g('{'); }  // {\n" * 99 + "};\n",
    "ext/a/c.cpp": "const int t[] = {\n" + "  1,\n" * 99 + "};\n",
    "ext/a/d.cpp": "#if defined(A) && \\\n  defined(B)\nnamespace n {\n"
    + "int g();\n" * 99
    + "}\n#endif\n",
}
LONG = {
    "src/a/a.py": "def f():\n" + BODY * 60,
    "src/a/b.py": "class A:\n    async def f(self):\n" + "        x = 1\n" * 60,
    "src/a/c.pyx": "cdef class A:\n    cdef inline int f(self):\n"
    + "        x = 1\n" * 60,
    "src/a/d.pyx": "def f(\n    int a,\n):\n" + BODY * 58,
    "src/a/e.pxd": "x\n" * 401,
    "ext/a/a.cpp": cpp(60),
    "ext/a/b.cpp": cpp(60, "A::A(int a) : a_{a}, b_(1)"),
    "ext/a/c.hpp": "int f();\n" * 601,
}


@pytest.mark.parametrize("name", SHORT)
def test_what_is_short_enough(found, name):
    assert found(name, SHORT[name]) == []


@pytest.mark.parametrize("name", LONG)
def test_what_is_too_long(found, name):
    (line,) = found(name, LONG[name])
    assert line.startswith(name)


def test_what_cython_generates_is_not_looked_at(found, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.cpp").write_text("int f();\n" * 601)
    (tmp_path / "src" / "a.pyx").write_text("")
    assert found("src/b/b.py", "") == []
