"""A p4p client that knows tables and images: in the environment "p4p".

What it unwraps, and how, is p4p's own doing.
"""

import hashlib
import queue
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import structured_values as values
from p4p.client.thread import Context
from p4p.nt import NTNDArray

from support.child_side import answer_commands, say

SECONDS = 60.0
_context = Context("pva", nt=False)
_events = {}
_held = []


def types(pv):
    """As p4p prints them."""
    value = _context.get(pv, timeout=SECONDS)
    return [value.getID(), repr(value.type())]


def table(pv):
    value = _context.get(pv, timeout=SECONDS)
    found = {name: np.asarray(column).tolist() for name, column in value.value.items()}
    return [list(value.labels), found]


def image(pv):
    value = _context.get(pv, timeout=SECONDS)
    pixels = NTNDArray().unwrap(value)
    return {
        "dtype": pixels.dtype.str,
        "shape": list(pixels.shape),
        "pixels": pixels.tolist(),
        "color": pixels.attrib.get("ColorMode", 0),
        "sizes": [value.compressedSize, value.uncompressedSize],
        "codec": value.codec.name,
        "dimension": [
            {name: part[name] for name in ("size", "offset", "fullSize", "binning")}
            for part in value.dimension
        ],
    }


def digest(pv):
    """Of an image that is too large to be told."""
    pixels = NTNDArray().unwrap(_context.get(pv, timeout=SECONDS))
    return [list(pixels.shape), hashlib.sha256(pixels.tobytes()).hexdigest()]


def get(pv, field):
    value = _context.get(pv, timeout=SECONDS)
    return value[field]


def failed(do):
    try:
        do()
    except Exception as error:
        return str(error)
    return None


def put(pv, value):
    """None, or the error; without a get ahead of it."""
    return failed(lambda: _context.put(pv, value, get=False, timeout=SECONDS))


def put_table(pv, seed):
    return put(pv, {"value": values.table(seed)})


def put_image(pv, dtype, shape, seed):
    """As p4p wraps an array."""
    pixels = values.image(dtype, tuple(shape), seed)
    wrapped = NTNDArray().wrap(pixels)
    given = {"value": wrapped.value, "dimension": wrapped.dimension}
    return put(pv, {**given, "value": pixels_of(wrapped)})


def pixels_of(wrapped):
    """With the member of the union, which p4p's own choice of one need not be."""
    name = {
        "b1": "boolean",
        "i1": "byte",
        "u1": "ubyte",
        "i2": "short",
        "u2": "ushort",
        "i4": "int",
        "u4": "uint",
        "i8": "long",
        "u8": "ulong",
        "f4": "float",
        "f8": "double",
    }[wrapped.value.dtype.str[1:]]
    return name + "Value", wrapped.value.ravel()


def put_pixels(pv, count, sizes=None, codec=None):
    """An image that need not make sense."""
    value = {"value": ("ubyteValue", np.ones(count, "u1"))}
    if sizes is not None:
        value["dimension"] = [{"size": size} for size in sizes]
    if codec is not None:
        value["codec.name"] = codec
    return put(pv, value)


def monitor(pv, request=None):
    _events[pv] = queue.SimpleQueue()

    def told(value):
        if not isinstance(value, Exception):
            _events[pv].put(value)

    _held.append(_context.monitor(pv, told, request=request, notify_disconnect=False))


def event(pv):
    """The fields that are marked."""
    return sorted(_events[pv].get(timeout=SECONDS).changedSet())


def event_pixels(pv):
    """The first pixel of each image up to now, and of those that come, to a last."""
    return int(_events[pv].get(timeout=SECONDS).value[0])


def answer(do, **arguments):
    return globals()[do](**arguments)


say("READY", {})
answer_commands(answer)
