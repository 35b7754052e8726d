"""Which drivers want to know whose put `write` carries out."""

from __future__ import annotations

import types

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

KEYWORD, THIRD = "client", "third"


def how_with_client(driver: Any) -> str | None:
    """How `write` of a driver gets the client: by `KEYWORD`, as the `THIRD`, or not.

    By its signature: it has a parameter named `client`, or a third one behind the value
    without which it cannot be called. ``*args`` and ``**kargs`` do not count, so that
    programs that know of no client are called as they always were.
    """
    method = getattr(driver, "write", None)
    function = getattr(method, "__func__", None)
    if isinstance(function, types.FunctionType) and not (
        hasattr(function, "__wrapped__") or hasattr(function, "__signature__")
    ):
        return _how_of_plain(function)
    return None if method is None else _how_by_signature(method)


def _how_of_plain(function: types.FunctionType) -> str | None:
    """Of a method; to look at its code takes no import."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount]  # without self
    by_name = (
        names[2:]
        + code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    )
    by_place = code.co_posonlyargcount - 1
    if KEYWORD in by_name and not (
        KEYWORD in names and names.index(KEYWORD) < by_place
    ):
        return KEYWORD
    required = len(names) - len(function.__defaults__ or ())
    if len(names) > 2 and (required > 2 or names[2] == KEYWORD):
        return THIRD
    return None


def _how_by_signature(method: Any) -> str | None:
    """Of what is decorated, or no method of Python's."""
    import inspect

    try:
        shape = inspect.signature(method)
        outer = inspect.signature(method, follow_wrapped=False)
    except (TypeError, ValueError):  # nothing that can be looked at
        return None
    parameters = list(shape.parameters.values())
    if parameters and parameters[0].name == "self":  # it is around what has no self yet
        del parameters[0]
    after = parameters[2:]
    ways = []
    if any(p.name == KEYWORD and p.kind in (1, 3) for p in after):
        ways.append(KEYWORD)
    if after and after[0].kind in (0, 1):
        if after[0].name == KEYWORD or after[0].default is inspect.Parameter.empty:
            ways.append(THIRD)
    # What a decorator has put around it may take less.
    return next((how for how in ways if _takes(outer, how)), None)


def _takes(outer: Any, how: str) -> bool:
    """Whether a call of that kind fits a signature."""
    try:
        if how == KEYWORD:
            outer.bind("", 0, client=None)
        else:
            outer.bind("", 0, None)
    except TypeError:
        return False
    return True


def write(driver: Any, reason: str, value: Any, client: Any, how: str | None) -> Any:
    """Calls `write` of the driver so."""
    if how is None:
        return driver.write(reason, value)
    if how == KEYWORD:
        return driver.write(reason, value, client=client)
    return driver.write(reason, value, client)
