"""Tables and images that two servers have alike. Needs numpy, and nothing of ours."""

import numpy as np

COLUMNS = {"x": "double", "n": "int", "name": "string", "small": "uint8"}
LABELS = ["X / mm", "Count", "Name", "Small"]
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
# numpy's order: an image of 5 columns and 4 rows is (4, 5).
SHAPES = [(7,), (4, 5), (4, 5, 3), (4, 3, 5), (3, 4, 5), (2, 2, 2, 2), (0, 3), (1, 1)]


def table(seed):
    """Columns of random length."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(0, 50))
    return {
        "x": random.normal(size=rows),
        "n": random.integers(-(2**31), 2**31 - 1, rows, dtype="i4"),
        "name": [f"row {i} " * int(random.integers(1, 30)) for i in range(rows)],
        "small": random.integers(0, 255, rows, dtype="u1"),
    }


def image(dtype, shape, seed):
    """Random pixels of that type."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return random.integers(info.min, info.max, shape, dtype, endpoint=True)
    return random.normal(size=shape).astype(dtype)
