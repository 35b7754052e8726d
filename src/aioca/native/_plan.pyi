from typing import Any, final

CHAR_STR: int
CHAR_UNICODE: int
CHAR_BYTES: int

class InvalidDatatype(Exception): ...

@final
class Plan:
    """How one request is made and its answer read."""

    @property
    def wire_type(self) -> int: ...
    @property
    def base_type(self) -> int: ...

def dbr_of_datatype(datatype: Any) -> int: ...
