"""Random programs: pvdbs, drivers, and steps of the program and of its clients.

Values are JSON as compat_values.py reads them. Most fit their PV; some do not.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support import dbr

NATIVE = {
    "string": dbr.STRING,
    "short": dbr.SHORT,
    "enum": dbr.ENUM,
    "char": dbr.CHAR,
    "int": dbr.LONG,
    "float": dbr.DOUBLE,
}
WORDS = ["", "a", "on", "off", "text", "12", "0x10", "3.75", "ü", "x" * 39]
LABELS = ["off", "on", "broken", "7"]
MASKS = [1, 2, 4, 8, 5, 7, 13, 15]
READABLE = list(range(35))

small = st.integers(-9, 9)
real = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.75, -3.25, 5.0, 100.0, 1e10, -0.0])
not_finite = st.sampled_from([{"float": text} for text in ("nan", "inf", "-inf")])
word = st.sampled_from(WORDS)


def one_of_type(kind: str) -> st.SearchStrategy[Any]:
    """An element as programs give it."""
    if kind == "string":
        return word
    if kind == "enum":
        return st.integers(0, 4)
    if kind == "float":
        return st.one_of(real, small)
    if kind == "char":
        return st.integers(0, 255)
    return small


def numpy_of(kind: str) -> list[str]:
    """dtypes that hold elements of a type exactly."""
    return {
        "short": ["i2"],
        "enum": ["u2"],
        "char": ["u1"],
        "int": ["i4", "i2"],
        "float": ["f8", "f4"],
    }.get(kind, [])


@st.composite
def fitting(draw: st.DrawFn, kind: str, count: int) -> Any:
    """A value that fits such a PV."""
    if kind == "char" and count > 1:
        if draw(st.booleans()):
            return draw(st.text("abc xyz", max_size=count))
    if count == 1:
        value = draw(one_of_type(kind))
        types = numpy_of(kind)
        if types and draw(st.integers(0, 5)) == 0:
            return {"np0": [draw(st.sampled_from(types)), abs(int(float(value)))]}
        return value
    items = draw(st.lists(one_of_type(kind), min_size=1, max_size=count))
    types = numpy_of(kind)
    form = draw(st.sampled_from(["list", "list", "tuple", "np"]))
    if form == "np" and types:
        numbers = [abs(int(item)) % 100 for item in items]
        return {"np": [draw(st.sampled_from(types)), numbers]}
    return {"tuple": items} if form == "tuple" else items


@st.composite
def entry(draw: st.DrawFn) -> dict[str, Any]:
    """A pvdb entry that is right."""
    kind = draw(st.sampled_from(list(NATIVE)))
    count = draw(st.sampled_from([1, 1, 1, 2, 5, 12]))
    if kind == "enum":
        count = 1
    spec: dict[str, Any] = {"type": kind}
    if count > 1:
        spec["count"] = count
    if draw(st.booleans()):
        spec["value"] = draw(fitting(kind, count))
    if kind == "char" and count == 1 and isinstance(spec.get("value"), str):
        del spec["value"]
    if kind == "enum":
        labels = draw(st.integers(0, 4))
        spec["enums"] = LABELS[:labels]
        if draw(st.booleans()):
            spec["states"] = draw(
                st.lists(st.integers(0, 3), min_size=labels, max_size=labels)
            )
    if kind not in ("string", "enum"):
        if draw(st.booleans()):
            spec["prec"] = draw(st.integers(0, 3))
        if draw(st.booleans()):
            spec["unit"] = draw(st.sampled_from(["mm", "", "degrees"]))
        if draw(st.booleans()):
            spec["lolim"], spec["hilim"] = -20, draw(st.sampled_from([20, 0]))
        if draw(st.booleans()):
            spec["low"], spec["high"] = draw(st.sampled_from([(-2, 2), (0, 5), (3, 3)]))
        if draw(st.booleans()):
            spec["lolo"], spec["hihi"] = draw(st.sampled_from([(-4, 4), (-1, 9)]))
        if draw(st.integers(0, 3)) == 0:
            spec["mdel"] = draw(st.sampled_from([0, 1, 2.5, -1]))
        if draw(st.integers(0, 3)) == 0:
            spec["adel"] = draw(st.sampled_from([0, 1, 2.5, -1]))
    if draw(st.integers(0, 3)) == 0:
        spec["asyn"] = True
    return spec


def element(base: int) -> st.SearchStrategy[Any]:
    """An element as a client puts it."""
    if base == dbr.STRING:
        return word
    if base in (dbr.FLOAT, dbr.DOUBLE):
        return st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.75, 100.0]), small)
    if base == dbr.ENUM:
        return st.integers(0, 5)
    if base == dbr.CHAR:
        return st.integers(0, 255)
    return st.one_of(small, st.sampled_from([300, 30000]))


class Drawn:
    """A program in the making: what its steps may refer to."""

    def __init__(self, draw: st.DrawFn, pvs: dict[str, dict[str, Any]]) -> None:
        self.draw = draw
        self.pvs = pvs
        self.open: set[int] = set()
        self.channels: dict[tuple[int, str], str] = {}  # (circuit, channel): reason
        self.subscriptions: dict[str, tuple[int, str]] = {}
        self.next = 0

    def pick(self, *options: Any) -> Any:
        """One of some things."""
        return self.draw(st.sampled_from(options))

    def reason(self) -> str:
        """One of the PVs."""
        return str(self.pick(*self.pvs))

    def name(self, what: str) -> str:
        """A name that was not used before."""
        self.next += 1
        return f"{what}{self.next}"


def ask(do: str, **arguments: Any) -> list[Any]:
    """A step of the program."""
    return ["ask", {"do": do, **arguments}]


# ---- steps of clients; each takes what is there and returns a step or None ----


def open_circuit(d: Drawn) -> list[Any] | None:
    free = [n for n in (1, 2) if n not in d.open]
    if not free:
        return None
    d.open.add(free[0])
    return ["open", free[0], d.pick("joe", "sue")]


def leave(d: Drawn) -> list[Any] | None:
    if not d.open:
        return None
    number = d.pick(*sorted(d.open))
    d.open.discard(number)
    d.channels = {key: r for key, r in d.channels.items() if key[0] != number}
    d.subscriptions = {s: k for s, k in d.subscriptions.items() if k[0] != number}
    return ["leave", number]


def connect(d: Drawn) -> list[Any] | None:
    if not d.open:
        return None
    number, reason, name = d.pick(*sorted(d.open)), d.reason(), d.name("ch")
    d.channels[number, name] = reason
    return ["channel", number, name, reason]


def get(d: Drawn) -> list[Any] | None:
    if not d.channels:
        return None
    number, name = d.pick(*d.channels)
    spec = d.pvs[d.channels[number, name]]
    base = d.pick(NATIVE[spec["type"]], *range(7))
    type = base + 7 * d.pick(0, 0, 2, 3, 4, 1)
    count = d.pick(0, 1, spec.get("count", 1))
    notify = d.draw(st.integers(0, 5)) > 0
    return ["get", number, name, type, count, notify]


def put(d: Drawn) -> list[Any] | None:
    if not d.channels:
        return None
    number, name = d.pick(*d.channels)
    spec = d.pvs[d.channels[number, name]]
    base = d.pick(NATIVE[spec["type"]], NATIVE[spec["type"]], *range(7))
    size = d.pick(1, spec.get("count", 1))
    elements = d.draw(st.lists(element(base), min_size=size, max_size=size))
    return ["put", number, name, base, elements, d.draw(st.booleans())]


def subscribe(d: Drawn) -> list[Any] | None:
    if not d.channels:
        return None
    number, name = d.pick(*d.channels)
    spec = d.pvs[d.channels[number, name]]
    type = NATIVE[spec["type"]] + 7 * d.pick(0, 1, 2, 2, 4)
    subscription = d.name("sub")
    d.subscriptions[subscription] = (number, name)
    count = d.pick(0, 1, spec.get("count", 1))
    return ["subscribe", number, name, subscription, type, count, d.pick(*MASKS)]


def cancel(d: Drawn) -> list[Any] | None:
    if not d.subscriptions:
        return None
    subscription = d.pick(*d.subscriptions)
    number, name = d.subscriptions.pop(subscription)
    return ["cancel", number, name, subscription]


def clear(d: Drawn) -> list[Any] | None:
    if not d.channels:
        return None
    number, name = key = d.pick(*d.channels)
    del d.channels[key]
    d.subscriptions = {s: k for s, k in d.subscriptions.items() if k != key}
    return ["clear", number, name]


# ---- steps of the program ----


ODD_VALUES = [
    None,
    True,
    -1,
    3.75,
    40000,
    "",
    "text",
    "2.5",
    "on",
    [],
    [1],
    [1, 2, 3],
    ["a", "b"],
    [[1, 2], [3, 4]],
    {"tuple": [1, 2]},
    {"bytes": [65, 200]},
    {"float": "nan"},
    {"float": "inf"},
    {"int": "3000000000"},
    {"np": ["f8", [1.5, 2.5]]},
    {"np": ["i8", [1, 2, 3]]},
    {"np": ["?", [True, False]]},
    {"np": ["U5", ["a", "b"]]},
    {"np0": ["f4", 1.5]},
    {"np0": ["i8", 7]},
    {"np0": ["?", True]},
    {"strided": ["f8", [1, 2, 3]]},
    {"object": 0},
    {"dict": {}},
]


def set_value(d: Drawn) -> list[Any]:
    reason = d.reason()
    spec = d.pvs[reason]
    if d.draw(st.integers(0, 9)) == 0:
        value = d.pick(*ODD_VALUES)
    elif spec["type"] == "float" and "count" not in spec and d.draw(st.booleans()):
        value = d.draw(not_finite)
    else:
        value = d.draw(fitting(spec["type"], spec.get("count", 1)))
    stamp = d.pick(None, None, [1000, 5])
    return ask("set", reason=reason, value=value, **({"stamp": stamp} if stamp else {}))


def update(d: Drawn) -> list[Any]:
    return ask("update", reason=d.pick(None, d.reason()))


def status(d: Drawn) -> list[Any]:
    alarm, severity = d.pick(None, 0, 1, 7, 21), d.pick(None, 0, 1, 3)
    return ask("status", reason=d.reason(), alarm=alarm, severity=severity)


def enums(d: Drawn) -> list[Any] | None:
    reasons = [r for r, spec in d.pvs.items() if spec["type"] == "enum"]
    if not reasons:
        return None
    labels = d.pick(["no", "yes"], ["a", "b", "c"], LABELS, [])
    states = d.pick(None, [3] * len(labels), [1])
    return ask("enums", reason=d.pick(*reasons), enums=labels, states=states)


def info(d: Drawn) -> list[Any]:
    changes = {
        "unit": "V",
        "prec": 2,
        "hilim": 33,
        "high": 3,
        "low": -3,
        "hihi": 6,
        "lolo": -6,
        "mdel": 1,
        "adel": 0,
        "unknown": 4,
    }
    names = d.draw(st.lists(st.sampled_from(list(changes)), max_size=3, unique=True))
    if {"high", "low"} & set(names):
        names += ["high", "low"]
    if {"hihi", "lolo"} & set(names):
        names += ["hihi", "lolo"]
    return ask("info", reason=d.reason(), info={name: changes[name] for name in names})


def callback(d: Drawn) -> list[Any]:
    return ask("callback", reason=d.reason())


def look(d: Drawn) -> list[Any]:
    what = d.pick("state", "state", "get", "get_info")
    return ask(what, reason=d.reason())


def data(d: Drawn) -> list[Any]:
    """Assigns to a Data."""
    reason = d.reason()
    spec = d.pvs[reason]
    name = d.pick("value", "alarm", "severity", "flag", "mask", "udf")
    value: Any = d.pick(0, 1, 3)
    if name == "value":
        value = d.draw(fitting(spec["type"], spec.get("count", 1)))
    return ask("set_data", reason=reason, name=name, value=value)


def edit(d: Drawn) -> list[Any]:
    """Edits one of the manager's dicts, or a pvDB."""
    what = d.pick("forget_name", "forget_reason", "forget_data", "rename")
    if what == "rename":
        return ask("rename", reason=d.reason(), name=d.name("N"))
    return ask(what, reason=d.reason())


def create(d: Drawn) -> list[Any]:
    """Makes a PV of a name that there is, or of a new one."""
    return ask("create", pvs={d.pick(d.reason(), "D"): d.draw(entry())})


def other_driver(d: Drawn) -> list[Any]:
    """Another driver takes the PVs over, or nobody."""
    if d.draw(st.booleans()):
        return ["ask", {"do": "forget_driver"}]
    names = list(d.pvs)
    return ask("renew_driver", program={"read": d.draw(reads(names)), "write": None})


RARE_STEPS = [data, edit, create, other_driver]
CLIENT_STEPS = [open_circuit, connect, connect, get, get, put, put, put, subscribe]
CLIENT_STEPS += [cancel, clear, leave]
SERVER_STEPS = [set_value, set_value, set_value, update, update, status, enums, info]
SERVER_STEPS += [callback, look, look]


def reads(names: list[str]) -> st.SearchStrategy[Any]:
    """What a driver's read does, by reason; None: it is not overridden."""
    what = st.sampled_from(["param", "param", "none"])
    return st.one_of(st.none(), st.fixed_dictionaries(dict.fromkeys(names, what)))


WRITES = ["accept", "accept", "none", "false", "false_after", "ignore", "update"]
WRITES.append("complete")


def writes(names: list[str]) -> st.SearchStrategy[Any]:
    """What a driver's write does, by reason; None: it is not overridden."""
    what = st.sampled_from(WRITES)
    return st.one_of(st.none(), st.fixed_dictionaries(dict.fromkeys(names, what)))


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole program."""
    names = ["A", "B", "C"][: draw(st.integers(1, 3))]
    pvs = {name: draw(entry()) for name in names}
    d = Drawn(draw, pvs)
    steps: list[list[Any]] = [s for s in (open_circuit(d), connect(d)) if s]
    for _ in range(draw(st.integers(3, 25))):
        rare = draw(st.integers(0, 24)) == 0
        make = draw(
            st.sampled_from(RARE_STEPS if rare else CLIENT_STEPS + SERVER_STEPS)
        )
        step = make(d)
        if step:
            steps.append(step)
    return {
        "pvs": pvs,
        "read": draw(reads(names)),
        "write": draw(writes(names)),
        "steps": steps,
    }
