"""What a client notes of the values that it is told: any client library."""

PREFIX = "SOAK:"
WATCHED = [
    *(f"{PREFIX}SCALAR{i}" for i in range(20)),
    *(f"{PREFIX}ARRAY{i}" for i in range(4)),
    *(f"{PREFIX}STRING{i}" for i in range(4)),
    *(f"{PREFIX}SCAN{i}" for i in range(4)),
    PREFIX + "ENUM",
    PREFIX + "BURST",
]
TEMPORARY = [f"{PREFIX}TEMP{i}" for i in range(8)]


class Watch:
    """The last value by PV, and all that must never happen."""

    def __init__(self):
        self.last = {}
        self.updates = 0
        self.wrong = []  # sentences

    def note(self, name, value):
        self.updates += 1
        if "ARRAY" in name:
            if len(value) and not (value == value[0]).all():
                self.complain(f"{name}: torn")
            value = float(value[0])
        elif "STRING" in name:
            value = str(value)
        else:
            value = int(value)
        before = self.last.get(name)
        if before is not None and number(value) < number(before) and "ENUM" not in name:
            self.complain(f"{name}: {value!r} after {before!r}")
        self.last[name] = value

    def complain(self, what):
        if len(self.wrong) < 100:
            self.wrong.append(what)


def number(value):
    """The sequence number in a value."""
    if isinstance(value, str):
        return int(value.split()[1]) if value else 0  # empty before the first post
    return value
