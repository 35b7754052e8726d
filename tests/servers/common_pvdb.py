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
# Waveforms of each FTVL that no DBR type has, as arrays and with one element.
_RANGE = {"lolim": 0, "hilim": 100, "unit": "eV"}
_NUMBERS = {
    "INT8": [1, -2, 127],
    "UINT8": [1, 200, 255],
    "UINT16": [1, 40000, 65535],
    "UINT32": [1, 3000000000, 4294967295],
    "INT64": [1, -(2**53), 2**62],
    "UINT64": [1, 2**53, 2**62],
}
for _name, _value in _NUMBERS.items():
    PVDB[_name] = {"type": _name.lower(), "value": _value[1], **_RANGE}
    PVDB[f"W:{_name}"] = {"type": _name.lower(), "count": 10, "value": _value, **_RANGE}
PVDB["FLOAT32"] = {"type": "float32", "value": 0.1, "prec": 3, **_RANGE}
PVDB["W:ENUM"] = {"type": "enum", "count": 5, "value": [1, 0, 7]}
PVDB["W:BOOL"] = {"type": "bool", "count": 5}
PVDB["BOOL"] = {"type": "bool", "value": True}
PVDB["LONGTEXT"] = {"type": "text", "count": 100, "value": "a text, " * 8}
PVDB["COUNTS"] = {"type": "int64", "value": 2**53 + 1, "hilim": 2**62, "unit": "eV"}
# Set once at the start, so that they are not UDF as a PV never set is.
SET_AT_START = [name for name in PVDB if name != "NEVERSET"]
SLOW_SECONDS = 0.3
