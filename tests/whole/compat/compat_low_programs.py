"""Random servers of the low-level layer, and what their clients do."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support import dbr

NATIVE = {
    **{1: dbr.CHAR, 2: dbr.CHAR, 3: dbr.SHORT, 5: dbr.ENUM, 6: dbr.LONG},
    **{8: dbr.FLOAT, 9: dbr.DOUBLE, 11: dbr.STRING},
}
TYPES = [*NATIVE, None]
LABELS = ["off", "on", "broken"]
WORDS = ["", "a word", "on", "12", "3.75", "x" * 39, "y" * 45]
MASKS = [1, 2, 4, 8, 5, 7, 13, 15]
STATUSES = ["success", "success", "noSupport", "undefined", "outOfBounds", "noMemory"]

small = st.integers(0, 9)
real = st.sampled_from([0.0, 1.0, 0.5, 2.75, 5.0, 100.0, 12345.5])
word = st.sampled_from(WORDS)


def element(kind: int | None) -> st.SearchStrategy[Any]:
    """One element that such a PV can hold."""
    if kind == 11:
        return word
    if kind is None:
        return st.one_of(word, real, small)
    if kind in (8, 9):
        return st.one_of(real, small)
    return st.integers(0, 2) if kind == 5 else small


@st.composite
def value(draw: st.DrawFn, kind: int | None, count: int) -> Any:
    """A value as getValue and postEvent put it."""
    if count == 0:
        return draw(element(kind))
    items = draw(st.lists(element(kind), min_size=1, max_size=count))
    if kind is None:
        items = [item for item in items if type(item) is type(items[0])]
    dtypes = {2: "u1", 3: "i2", 6: "i4", 8: "f4", 9: "f8"}
    if kind in dtypes and draw(st.booleans()):
        return {"np": [dtypes[kind], [int(item) for item in items]]}
    return items


@st.composite
def pv(draw: st.DrawFn) -> Any:
    """A PV: what its class overrides, and what the methods answer."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.sampled_from(["pvNotFound", "noMemory", "undefined"]))
    kind = draw(st.sampled_from(TYPES))
    count = draw(st.sampled_from([0, 0, 0, 3]))
    spec: dict[str, Any] = {}
    if kind is not None:
        spec["bestExternalType"] = kind
    if count:
        spec.update(maxDimension=1, maxBound=count)
    if draw(st.integers(0, 9)):
        spec["value"] = draw(value(kind, count))
        spec["getValue"] = draw(st.sampled_from([*["success"] * 7, *STATUSES]))
    if draw(st.integers(0, 9)) == 0:
        spec["read"] = True
    if draw(st.integers(0, 9)):
        spec["write"] = draw(st.sampled_from([*["post", "success"] * 3, *STATUSES]))
    if draw(st.integers(0, 5)):
        busy = draw(st.sampled_from(["busy", "post", *STATUSES]))
        spec["writeNotify"] = busy
    if draw(st.booleans()):
        spec["interest"] = draw(st.sampled_from(["success", "success", "noSupport"]))
    for name, told in {
        "getPrecision": small,
        "getUnits": st.sampled_from(["", "mm", "seconds"]),
        "getHighLimit": small,
        "getLowLimit": small,
        "getHighAlarmLimit": small,
        "getLowAlarmLimit": small,
        "getHighWarnLimit": small,
        "getLowWarnLimit": small,
    }.items():
        if draw(st.booleans()):
            spec[name] = [draw(told), draw(st.sampled_from(["success"] * 4))]
    if kind == 5 and draw(st.integers(0, 5)):
        spec["getEnums"] = [LABELS[: draw(st.integers(1, 3))], "success"]
    return spec


def put_elements(draw: st.DrawFn, spec: dict[str, Any]) -> tuple[int, list[Any]]:
    """DBR type and elements of a put; most fit."""
    kind = spec.get("bestExternalType", 11)
    native = NATIVE[kind]
    count = draw(st.integers(1, spec.get("maxBound", 1)))
    if kind == 11:
        count = 1  # more end the released package's process
    if draw(st.integers(0, 4)) == 0:
        native = draw(st.sampled_from([dbr.DOUBLE, dbr.LONG, dbr.SHORT, dbr.FLOAT]))
        kind = 6
        if "bestExternalType" not in spec or spec["bestExternalType"] == 11:
            native, kind = dbr.STRING, 11
    items = [draw(element(kind)) for _ in range(count)]
    if native == dbr.STRING:
        return native, [item.encode()[:39].decode() for item in items]
    if native in (dbr.FLOAT, dbr.DOUBLE):
        return native, [float(item) for item in items]
    return native, [int(item) for item in items]


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    """PVs and steps."""
    names = [f"P{n}" for n in range(draw(st.integers(1, 3)))]
    pvs = {name: draw(pv()) for name in names}
    steps: list[Any] = [["open", 1, "joe"]]
    steps += [["channel", 1, name, name] for name in names]
    alive = [name for name in names if not isinstance(pvs[name], str)]
    subscribed: list[tuple[str, str]] = []
    for number in range(draw(st.integers(3, 12)) if alive else 0):
        name = draw(st.sampled_from(alive))
        spec = pvs[name]
        count = spec.get("maxBound", 0)
        what = draw(st.integers(0, 11))
        if what < 3:
            family = draw(st.sampled_from([0, 0, 7, 14, 21, 28]))
            native = NATIVE[spec.get("bestExternalType", 11)]
            base = draw(st.sampled_from([native, native, dbr.DOUBLE, dbr.STRING, 5]))
            asked = draw(st.sampled_from([1, max(count, 1), 0]))
            steps.append(["get", 1, name, family + base, asked])
        elif what < 6:
            native, items = put_elements(draw, spec)
            steps.append(["put", 1, name, native, items, draw(st.booleans())])
        elif what < 8:
            kind = spec.get("bestExternalType")
            post = {"do": "post", "reason": name, "value": draw(value(kind, count))}
            post["mask"] = draw(st.sampled_from(MASKS))
            if draw(st.integers(0, 4)) == 0:
                post["alarm"] = [draw(small), draw(st.integers(0, 3))]
            steps.append(["ask", post])
        elif what < 10:
            native = NATIVE[spec.get("bestExternalType", 11)]
            family = draw(st.sampled_from([0, 14, 7]))
            sub = f"s{number}"
            mask = draw(st.sampled_from(MASKS))
            wanted = max(count, 1)
            steps.append(["subscribe", 1, name, sub, family + native, wanted, mask])
            subscribed.append((name, sub))
        elif what == 10 and subscribed:
            steps.append(["cancel", 1, *subscribed.pop()])
        else:
            status = draw(st.sampled_from(["success", "success", "noSupport"]))
            steps.append(["ask", {"do": "end", "reason": name, "status": status}])
    if draw(st.integers(0, 3)) == 0:
        steps.append(["clear", 1, draw(st.sampled_from(names))])
    return {"pvs": pvs, "steps": steps}
