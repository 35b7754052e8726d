from typing import Any

import numpy as np

from aioca.native._plan import CHAR_BYTES as CHAR_BYTES
from aioca.native._plan import CHAR_STR as CHAR_STR
from aioca.native._plan import CHAR_UNICODE as CHAR_UNICODE

DTYPES: tuple[np.dtype[Any] | None, ...]

def one_dimension(array: Any) -> np.ndarray[Any, Any]: ...
def numbers_of(value: Any, code: int) -> np.ndarray[Any, Any]: ...
def check_range(source: Any, target: np.dtype[Any], code: int) -> None: ...
def strings_of(value: Any) -> np.ndarray[Any, Any]: ...
