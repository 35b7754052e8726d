"""Values of every kind as JSON, for programs that run on two packages.

`build` makes the value that a program's step names, `shown` tells what a value is,
type included. Runs in the environments of both packages.
"""

import math

import numpy as np


class Unknown:
    """A value that no server has heard of."""


def build(spec):
    """The value of a JSON spec: itself, or a dict with one tag."""
    if isinstance(spec, list):
        return [build(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    ((tag, inner),) = spec.items()
    return _MAKERS[tag](inner)


_MAKERS = {
    "int": int,  # beyond what JSON readers agree on
    "float": float,  # nan, inf
    "tuple": lambda items: tuple(build(item) for item in items),
    "bytes": bytes,
    "bytearray": bytearray,
    "np": lambda spec: np.array(spec[1], dtype=spec[0]),  # [dtype, elements]
    "np0": lambda spec: np.dtype(spec[0]).type(spec[1]),  # a numpy scalar
    "strided": lambda spec: np.repeat(np.array(spec[1], dtype=spec[0]), 2)[::2],
    "object": lambda _: Unknown(),
    "dict": lambda inner: dict(inner),
}


def shown(value):
    """What `value` is, as JSON that compares equal for equal values and types."""
    if isinstance(value, np.ndarray):
        return ["ndarray", str(value.dtype), [shown(item) for item in value.tolist()]]
    if isinstance(value, np.generic):
        return [type(value).__name__, shown(value.item())]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(shown(item) for item in value)]
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, (bytes, bytearray)):
        return [type(value).__name__, list(value)]
    if isinstance(value, Unknown):
        return "Unknown"
    if value is None or isinstance(value, (bool, int, str)):
        return value if abs_small(value) else ["int", str(value)]
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    return type(value).__name__


def abs_small(value):
    """JSON keeps it as it is."""
    return not isinstance(value, int) or abs(value) < 1 << 53
