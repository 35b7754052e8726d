"""The PVs that wire and peer tests use on our server; common.db is their equal.

Names and values are the same on both, so that a test runs unchanged on either.
"""

BIG_COUNT = 100_000

NUMBER = {
    "unit": "eV",
    "lolim": -10,
    "hilim": 10,
    "lolo": -8,
    "low": -6,
    "high": 6,
    "hihi": 8,
}

PVDB = {
    "DOUBLE": {"type": "float", "prec": 3, "value": 3.14159, **NUMBER},
    "LONG": {"type": "int", "value": 5, **NUMBER},
    "SHORT": {"type": "short", "value": 7},
    "CHAR": {"type": "char", "value": 65},
    "ENUM": {
        "type": "enum",
        "enums": ["ZERO", "ONE", "TWO"],
        "states": [0, 1, 2],
        "value": 0,
    },
    "BINARY": {"type": "enum", "enums": ["Off", "On"], "value": 0},
    "STRING": {"type": "string", "value": "hello"},
    "W:DOUBLE": {"type": "float", "count": 10, "value": [0.5, 1.5, 2.5], "prec": 3},
    "W:LONG": {"type": "int", "count": 10, "value": [1, -2, 3]},
    "W:SHORT": {"type": "short", "count": 10, "value": [1, -2, 3]},
    "W:CHAR": {"type": "char", "count": 50, "value": [97, 98, 200]},
    "W:STRING": {"type": "string", "count": 5, "value": ["one", "two", "three"]},
    "EMPTY": {"type": "float", "count": 10, "value": []},
    "BIG": {"type": "int", "count": BIG_COUNT, "value": [7] * BIG_COUNT},
    "NEVERSET": {"type": "float", "prec": 2},
    "PLAIN": {"type": "float", "value": 1.0},
    "TARGET": {"type": "float", "prec": 3, "value": 0.0},
    "TARGET2": {"type": "int", "value": 0},
    "SLOW": {"type": "float", "asyn": True, "value": 0.0},
    "SLOW2": {"type": "float", "asyn": True, "value": 0.0},
    "REFUSES": {"type": "float", "value": 1.0},
}
# Set once at the start, so that they are not UDF as a PV never set is.
SET_AT_START = [name for name in PVDB if name != "NEVERSET"]
SLOW_SECONDS = 0.3
