"""PVs and values that every client program goes through; see `servers/kinds.py`."""

NAMES = """
    DOUBLE LONG SHORT ENUM STRING CHARS ARRAY LONGS STRINGS SLOW REFUSED READONLY
""".split()
VALUES = {
    **{"DOUBLE": 6.25, "LONG": 7, "SHORT": 8, "ENUM": 2, "STRING": "new"},
    **{"ARRAY": [1.0, 2.0], "LONGS": [9, 8, 7, 6], "SLOW": 2.0, "READONLY": 1.0},
}
PREFIX = "KINDS:"
