"""Definitions as Python modules: `prefix`, `pvdb` and, if there are, Driver classes.

Both names may be in capitals as well. The module is run as an import runs it, so what
stands under ``if __name__ == "__main__"`` is not.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ..driver import Driver
from .definition import Definition, DefinitionError, failure


def load_module(path: Path) -> Definition:
    """Runs a Python file and takes what it defines.

    Raises:
        DefinitionError: It does not run, or is no definition.
    """
    source = path.read_bytes()
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        text = f"SyntaxError: {error.msg}"
        raise failure(path, error.lineno or 0, text) from None
    module = _run(path, tree)
    entries = _attribute(module, "pvdb")
    if entries is None:
        raise failure(path, 0, "there is no 'pvdb'")
    prefix = _attribute(module, "prefix")
    definition = Definition(path, "" if prefix is None else prefix, entries)
    definition.lines = _lines(tree)
    definition.drivers = _drivers(path, module, definition)
    return definition


def _run(path: Path, tree: ast.Module) -> ModuleType:
    """Runs what was read, not the bytecode that an earlier run may have left."""
    name = f"pcaspy_served_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # the suffix is .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.absolute()))  # as `python FILE` does
    try:
        with _without_exit():
            exec(compile(tree, str(path), "exec"), vars(module))
    except SystemExit as error:  # sys.exit(0) is no success
        ends = _EndsError(f"it ends the program (SystemExit: {error})")
        raise describe_failure(path, ends.with_traceback(error.__traceback__)) from None
    except Exception as error:
        raise describe_failure(path, error) from error
    return module


class _EndsError(Exception):
    """A file is no definition, but a program that ends."""


@contextlib.contextmanager
def _without_exit() -> Iterator[None]:
    """``os._exit`` raises SystemExit, so that there is a message.

    In a process that the file makes it does what it always does.
    """
    here, leave = os.getpid(), os._exit

    def refuse(status: int) -> NoReturn:
        if os.getpid() != here:
            leave(status)
        raise SystemExit(status)

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = leave


def describe_failure(path: Path, error: BaseException) -> DefinitionError:
    """An exception that code in the file raised, with the last line it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    text = str(error)
    if not isinstance(error, _EndsError):
        text = f"{type(error).__name__}: {text}"
    return failure(path, (lines[-1] if lines else 0) or 0, text)


def _attribute(module: ModuleType, name: str) -> Any:
    return getattr(module, name, getattr(module, name.upper(), None))


def _lines(tree: ast.Module) -> dict[tuple[Any, ...], int]:
    """Where the keys of the dicts in the source are; the last of equal ones counts."""
    lines: dict[tuple[Any, ...], int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in {"pvdb", "PVDB"}
            for target in node.targets
        ):
            lines[("",)] = node.lineno
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                continue
            lines[(key.value,)] = key.lineno
            for inner in value.keys if isinstance(value, ast.Dict) else ():
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    lines[(key.value, inner.value)] = inner.lineno
    return lines


def _drivers(
    path: Path, module: ModuleType, definition: Definition
) -> dict[str, type[Driver]]:
    """The Driver classes of the module by port; bases of others are left out."""
    own = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Driver)
        and item.__module__ == module.__name__
    ]
    own = list(dict.fromkeys(own))
    found: dict[str, type[Driver]] = {}
    for kind in own:
        if any(other is not kind and issubclass(other, kind) for other in own):
            continue
        first = found.setdefault(kind.port, kind)
        if first is not kind:
            names = f"{first.__name__} and {kind.__name__}"
            text = f"{names} are both for port {kind.port!r}"
            raise failure(path, 0, text)
    return found
