from typing import Any

STRING: int
SHORT: int
FLOAT: int
ENUM: int
CHAR: int
LONG: int
DOUBLE: int
STSACK_STRING: int
CLASS_NAME: int
DISCONNECTED: int
TIMEOUT: int
NO_READ_ACCESS: int
EPICS_EPOCH: int

class Failure(Exception):
    ok: bool
    name: str
    errorcode: int
    refused: bool
    def __init__(self, name: str, errorcode: int, refused: bool = False) -> None: ...

class Value:
    ok: bool
    name: str
    datatype: int
    elements: list[Any]
    status: int
    severity: int
    raw_stamp: tuple[int, int]
    enums: list[str]
    units: str
    precision: int
    ackt: int
    acks: int
    def __init__(self, name: str, datatype: int, elements: list[Any]) -> None: ...

def wire_type(base: int, time: bool = False, control: bool = False) -> int: ...
