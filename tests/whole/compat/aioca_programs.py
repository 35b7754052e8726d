"""Random programs of aioca calls, as data: what test_aioca_generated.py runs twice."""

from __future__ import annotations

import random
from typing import Any

# Name of the PV, whether it is an array, values that fit it.
PVS: dict[str, list[Any]] = {
    "DOUBLE": [1, 2.5, "3.5", True, [4.0], "junk", 1e300, -0.0],
    "LONG": [1, 2.9, "3", False, [4], "junk", -5],
    "ENUM": [1, "TWO", 0, "junk", 2.0, "1"],
    "BINARY": [0, "On", 1, "off"],
    "STRING": ["text", 5, 1.5, "x" * 39, "x" * 40, "\xe9\u20ac", ""],
    "W:DOUBLE": [[1, 2, 3], [0.5], 7, [1] * 10, [1] * 11, "5", ["1", "2"], [[1], [2]]],
    "W:LONG": [[1, 2, 3], [2.7], [5] * 10, 3, "9"],
    "W:CHAR": [[1, 2, 255], [97] * 50, "12", 7],
    "W:STRING": [["a", "b"], "one", ["\xe9"], [1, 2], ["x" * 39]],
}
READ_ONLY = ["SHORT", "CHAR", "W:SHORT", "NEVERSET", "DOUBLE.NAME", "DOUBLE.EGU",
             "STRING.VAL$"]  # fmt: skip
MISSING = "NO:SUCH:PV"
DATATYPES: list[Any] = [
    *(None, None, None, None, 0, 1, 2, 3, 4, 5, 6, 996, 997, 998, 999, 37, 38),
    *("int", "float", "str", "bool", "bytes", "int16", "uint8", "float32", "U", "S"),
    *("complex", "no such type", 1234, 35),
]
WRONG = ["complex", "no such type", 1234, 35]
FORMATS = [0, 0, 1, 1, 2, 2, 7]
COUNTS = [0, 0, 0, -1, 1, 2, 5, 100]


class Generator:
    """Makes one program, with fields of records if the server has them."""

    def __init__(self, seed: int, fields: bool) -> None:
        self.random = random.Random(seed)
        self.read_only = [name for name in READ_ONLY if fields or "." not in name]
        self.refusing = ["DOUBLE.NAME"] if fields else []
        self.monitors = 0

    def program(self) -> list[dict[str, Any]]:
        """Its steps, each a call or something that happens."""
        makers = [self.get, self.get, self.put, self.put, self.put, self.monitor,
                  self.monitor, self.close, self.connect, self.infos]  # fmt: skip
        count = self.random.randint(5, 15)
        steps = [self.random.choice(makers)() for _ in range(count)]
        if self.random.random() < 0.1:
            steps.insert(self.random.randrange(1, count), {"do": "restart"})
        return steps

    def a_name(self, choice: list[str]) -> str:
        return MISSING if self.random.random() < 0.04 else self.random.choice(choice)

    def names(self, choice: list[str]) -> str | list[str]:
        if self.random.random() < 0.7:
            return self.a_name(choice)
        return [self.a_name(choice) for _ in range(self.random.randint(0, 4))]

    def throw(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.random.random() < 0.3:
            options["timeout"] = self.random.choice(["until", "none"])
        if self.random.random() < 0.4:
            options["throw"] = self.random.choice([True, False])
        return options

    def reading(self) -> dict[str, Any]:
        pick = self.random.choice
        options: dict[str, Any] = {}
        if self.random.random() < 0.6:
            options["datatype"] = pick(DATATYPES)
        if self.random.random() < 0.6:
            options["format"] = pick(FORMATS)
        if self.random.random() < 0.4:
            options["count"] = pick(COUNTS)
        return options

    def get(self) -> dict[str, Any]:
        names = self.names([*PVS, *self.read_only])
        return {"do": "caget", "names": names, "options": self.reading() | self.throw()}

    def put(self) -> dict[str, Any]:
        pick = self.random.choice
        names = self.names([*PVS, *self.refusing])
        options = self.throw() | {"wait": self.random.random() < 0.8}
        if isinstance(names, list):
            value: Any = [pick(PVS[pick(list(PVS))]) for _ in names]
            if self.random.random() < 0.3:
                value = pick([5, "6", [1], 2.5])
            if self.random.random() < 0.3:
                options["repeat_value"] = pick([True, False])
        else:
            value = pick(PVS.get(names, ["x"]))
        if self.random.random() < 0.2:
            options["datatype"] = pick(
                ["int", "float", "str", 0, 3, 5, 6, 999, "complex"]
            )
        return {"do": "caput", "names": names, "value": value, "options": options}

    def monitor(self) -> dict[str, Any]:
        options = self.reading()
        if options.get("format") == 7:
            del options["format"]
        if options.get("datatype") in WRONG:  # see "failed-subscription"
            del options["datatype"]
        options["all_updates"] = self.random.choice([True, False])
        if self.random.random() < 0.3:
            options["events"] = self.random.choice([1, 2, 4, 5, 8, 15])
        if self.random.random() < 0.2:
            options["notify_disconnect"] = True
        self.monitors += 1
        awaited = self.random.random() < 0.3
        name = self.random.choice([*PVS, "SHORT", "NEVERSET"])
        return {"do": "monitor", "names": name, "awaited": awaited, "options": options}

    def close(self) -> dict[str, Any]:
        if not self.monitors:
            return self.monitor()
        return {"do": "close", "which": self.random.randrange(self.monitors)}

    def connect(self) -> dict[str, Any]:
        options = self.throw()
        if self.random.random() < 0.2:
            options["wait"] = self.random.choice([True, False])
        do = self.random.choice(["connect", "cainfo"])
        return {
            "do": do,
            "names": self.names([*PVS, *self.read_only]),
            "options": options,
        }

    def infos(self) -> dict[str, Any]:
        return {"do": "infos"}
