"""How Sphinx builds the documentation; the pages are Markdown (MyST)."""

import sys
from pathlib import Path

import pcaspy
from pcaspy.host import pva
from pcaspy.native import _tables

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

project = "pcaspy and aioca"
author = "the pcaspy developers"
release = version = pcaspy.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
]
# The latter are included by a page of their own.
exclude_patterns = [
    "_build",
    "explanation/performance-*.md",
    "explanation/scale-*.md",
    "changes",
]
html_theme = "furo"
html_title = "pcaspy and aioca"

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3

default_role = "py:obj"  # `name` in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
add_module_names = False


def write_tables_of_changes(app):
    """Makes a Markdown table of each file in changes/, for the pages to include."""
    made = Path(app.srcdir, "_build", "changes")
    made.mkdir(parents=True, exist_ok=True)
    for source in sorted(Path(app.srcdir, "changes").glob("*.toml")):
        rows = tomllib.loads(source.read_text())["change"]
        lines = ["| released package | here |", "|---|---|"]
        lines += [
            f"| {row['before']} | {row['here']} |"
            for row in rows
            if row.get("shown", 1)
        ]
        Path(made, source.stem + ".md").write_text("\n".join(lines) + "\n")


def write_tables_of_the_engine(app):
    """The same of what the engine has tables of: options, limits and counters."""
    made = Path(app.srcdir, "_build", "tables")
    made.mkdir(parents=True, exist_ok=True)
    lines = ["| keyword | variable | default | meaning |", "|---|---|---|---|"]
    for name, kind, standard, _least, _most, variables, meaning in _tables.options():
        shown = {"list": "none", "switch": "YES" if standard else "NO"}
        lines.append(
            f"| `{name}` | {', else '.join(f'`{v}`' for v in variables)} | "
            f"{shown.get(kind, f'{standard:g}')} | {meaning} |"
        )
    Path(made, "options.md").write_text("\n".join(lines) + "\n")
    lines = ["| variable | default | meaning | at the limit |", "|---|---|---|---|"]
    for name, standard, _least, _most, of, then in _tables.limits():
        lines.append(f"| `PCASPY_{name.upper()}` | {standard} | {of} | {then} |")
    Path(made, "limits.md").write_text("\n".join(lines) + "\n")
    lines = ["| counter | counts | |", "|---|---|---|"]
    kinds = {"now": "current", "ever": "total", "trouble": "total; should not grow"}
    for name, kind, meaning in (*_tables.counters(), *pva.counters()):
        lines.append(f"| `{name}` | {meaning} | {kinds[kind]} |")
    Path(made, "counters.md").write_text("\n".join(lines) + "\n")


def setup(app):
    """Called by Sphinx at its start."""
    app.connect("builder-inited", write_tables_of_changes)
    app.connect("builder-inited", write_tables_of_the_engine)
