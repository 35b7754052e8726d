"""The fenced blocks of a Markdown page, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<info>[^\n`]*)\n"
    r"(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_OPTION = re.compile(r":([\w-]+):(?: +(.*))?")


@dataclass
class Block:
    """A fenced block: its language, the options of a directive, its text and line."""

    language: str
    text: str
    line: int
    options: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of the file that the block is the contents of, or nothing."""
        return self.options.get("caption", "")


def blocks(page: Path) -> list[Block]:
    """Every code block of a page; other directives are left out."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        info = match["info"].strip()
        line = text.count("\n", 0, match.start()) + 1
        if info.startswith("{code-block}"):
            language = info.removeprefix("{code-block}").strip()
            options, body = _options(match["body"])
        elif info.startswith("{"):
            continue
        else:
            language, options, body = info, {}, match["body"]
        found.append(Block(language, body, line, options))
    return found


def _options(body: str) -> tuple[dict[str, str], str]:
    options = {}
    lines = body.splitlines(keepends=True)
    while lines and (option := _OPTION.fullmatch(lines[0].rstrip("\n"))):
        options[option[1]] = option[2] or ""
        lines.pop(0)
    if options and lines and not lines[0].strip():
        lines.pop(0)
    return options, "".join(lines)
