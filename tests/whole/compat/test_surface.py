"""The public names of pcaspy are those of the released package, and what we added.

Every name, base class, value and signature of `pcaspy` and its modules is compared. A
difference needs a row in docs/changes/pcaspy.toml or cas.toml whose `names` match it;
a row that matches none is a fault, too. Names of additions begin with `+`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from support import changes
from support.peers import peer_python

SIDE = Path(__file__).with_name("compat_surface_side.py")
POSITIONAL = ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")
Json = Any

pytestmark = pytest.mark.timeout(300)


def told(python: str) -> Json:
    """The surface of the package of one environment."""
    done = subprocess.run(
        [python, str(SIDE)], stdout=subprocess.PIPE, text=True, check=True
    )
    lines = done.stdout.splitlines()  # others are of the wrapper of C++
    return json.loads(next(line for line in lines if line.startswith("{")))


def accepts(ours: Json, released: Json) -> bool:
    """Every call that the released signature allows is allowed here."""
    if ours is None or released is None:
        return ours == released
    kinds = {kind for _, kind, _ in ours}
    if any(kind == "VAR_POSITIONAL" for _, kind, _ in released):
        return "VAR_POSITIONAL" in kinds or all(default for *_, default in ours[1:])
    for index, (name, kind, default) in enumerate(released):
        if kind not in POSITIONAL:
            if kind not in kinds and name not in [n for n, *_ in ours]:
                return False
            continue
        if index >= len(ours) or ours[index][1] not in POSITIONAL:
            return "VAR_POSITIONAL" in kinds
        own_name, _, own_default = ours[index]
        same = name == own_name or (index == 0 and name in ("self", "cls"))
        if not same or (default and not own_default):
            return False
    return all(
        default or kind.startswith("VAR") for _, kind, default in ours[len(released) :]
    )


def same(released: Json, ours: Json) -> bool:
    """An item of a module or class is here what it is there."""
    for form in ("call", "static"):
        if form in released:
            return form in ours and accepts(ours[form], released[form])
    return bool(released == ours)


def of_class(
    path: str, released: Json, ours: Json, there: list[str], here_too: list[str]
) -> Iterator[str]:
    """Differences of a class; what only its objects have counts as there."""
    if not set(released["class"]) <= set(ours["class"]):
        yield f"{path}.__bases__"
    before, here = released["members"], ours["members"]
    for name in before:
        if before[name] is None:
            continue
        if here.get(name) is None:
            if name not in here_too:
                yield f"{path}.{name}"
        elif not same(before[name], here[name]):
            yield f"{path}.{name}"
    for name in here:
        added = here[name] is not None and before.get(name) is None
        if added and name not in there:
            yield f"+{path}.{name}"


def differences(released: Json, ours: Json) -> Iterator[str]:
    """The paths of everything that differs."""
    for module, items in released["modules"].items():
        own = ours["modules"][module]
        stars = items.pop("*")["star"], own.pop("*")["star"]
        yield from (f"*{module}.{name}" for name in set(stars[0]) - set(stars[1]))
        yield from (f"+{module}.{name}" for name in set(stars[1]) - set(stars[0]))
        for name, item in items.items():
            path = f"{module}.{name}"
            if name not in own:
                yield path
            elif "members" in item and "members" in own[name]:
                objects = [side["objects"].get(name, ()) for side in (released, ours)]
                yield from of_class(path, item, own[name], *objects)
            elif not same(item, own[name]):
                yield path
    for kind, names in released["objects"].items():
        own = ours["objects"][kind]
        yield from (f"{kind}().{name}" for name in set(names) - set(own))
        yield from (f"+{kind}().{name}" for name in set(own) - set(names))


def test_all_names_are_there_and_each_difference_has_its_row():
    found = set(differences(told(str(peer_python("pcaspy"))), told(sys.executable)))
    rows = {
        f"{table}: {row.id}": row.names
        for table in ("pcaspy", "cas")
        for row in changes.load(table).values()
        if row.names
    }
    used = {
        (row, pattern)
        for row, patterns in rows.items()
        for pattern in patterns
        if any(fnmatchcase(path, pattern) for path in found)
    }
    patterns = [pattern for _, pattern in used]
    unexplained = [p for p in found if not any(fnmatchcase(p, q) for q in patterns)]
    assert not sorted(unexplained)
    given = {(row, pattern) for row, patterns in rows.items() for pattern in patterns}
    assert not given - used, "nothing differs any more as these rows say"
