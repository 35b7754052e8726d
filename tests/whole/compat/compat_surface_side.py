"""Tells the public names of pcaspy as JSON: `python compat_surface_side.py`.

Runs in the environments of both packages.
"""

import importlib
import inspect
import json
import types

import pcaspy

MODULES = ("pcaspy", "alarm", "cas", "driver", "tools", "_version")
SPECIAL = {"__init__", "__getitem__", "__len__", "__iter__", "__call__", "__enter__"}


def public(name):
    """Names without underscore, and methods that mean something to users."""
    return not name.startswith("_") or name in SPECIAL | {"__version__"}


def signature(function):
    """[name, how it is given, has a default] of each parameter; None: not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, p.kind.name, p.default is not p.empty] for p in parameters]


def value(found):
    """A constant as text; of others the type alone."""
    plain = (bool, int, float, str, tuple, list)
    if isinstance(found, plain) and not isinstance(found, type):
        return repr(found)
    return type(found).__name__


def member(kind, name):
    """An attribute of a class."""
    held = inspect.getattr_static(kind, name)
    if name in vars(object) and held is getattr(object, name, None):
        return None
    if isinstance(held, staticmethod):
        return {"static": signature(held.__func__)}
    if isinstance(held, property) or inspect.isdatadescriptor(held):
        return {"attribute": True}
    if callable(held):
        return {"call": signature(held)}
    if hasattr(held, "__get__"):  # bound in another way, to a function or a value
        found = getattr(kind, name)
        return {"static": signature(found)} if callable(found) else {"attribute": True}
    return {"value": value(held)}


def item(found):
    """A name of a module."""
    if isinstance(found, types.ModuleType):
        return {"module": found.__name__}
    if inspect.isclass(found):
        names = [name for name in dir(found) if public(name)]
        ours = [base for base in found.__mro__[1:] if base is not object]
        return {
            "class": [base.__name__ for base in ours],
            "members": {name: member(found, name) for name in names},
        }
    if callable(found):
        return {"call": signature(found)}
    return {"value": value(found)}


def of_objects():
    """What plain objects of some classes have."""
    from pcaspy import driver

    info = driver.PVInfo({})
    objects = {
        "PVInfo": info,
        "Data": driver.Data(),
        "SimplePV": driver.SimplePV("name", info),
        "casClientInfo": pcaspy.cas.casClientInfo(),
    }
    return {
        name: sorted(n for n in dir(made) if public(n))
        for name, made in objects.items()
    }


def main():
    """Prints it all."""
    told = {}
    for name in MODULES:
        path = name if name == "pcaspy" else f"pcaspy.{name}"
        module = importlib.import_module(path)
        names = [n for n in dir(module) if public(n)]  # also those imported later
        told[name] = {n: item(getattr(module, n)) for n in names}
        star = {}
        exec(f"from {path} import *", star)
        told[name]["*"] = {"star": sorted(n for n in star if public(n))}
    print(json.dumps({"modules": told, "objects": of_objects()}))


main()
