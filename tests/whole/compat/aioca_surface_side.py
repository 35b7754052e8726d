"""Prints what a program can see of the installed aioca without a server, as JSON.

A flat table: "module.name", "module.Class.name", and with " ()" the parameters, with
" bases" the bases, of each public name and of the private ones that programs use.
"""

import __future__

import importlib
import inspect
import json
import pkgutil
import types
import typing
import warnings
from collections import abc

warnings.simplefilter("ignore")
MODULES = ("aioca", "aioca._catools", "aioca.types")
PRIVATE = {"_Context"}
CONSTANT = (int, float, str, list, tuple, type(None))
# What every class has, or has by how it is made.
USUAL = {*dir(type), *dir(types.SimpleNamespace), "__slots__", "__weakref__"}
USUAL |= {"__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl"}
USUAL |= {"__pyx_vtable__", "__setstate__", "_is_protocol", "__class_getitem__"}
USUAL |= {"__static_attributes__", "__firstlineno__", "__init_subclass__"}
USUAL |= {"__protocol_attrs__", "_is_runtime_protocol", "__subclasshook__"}


def parameters(function):
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    return [
        f"{p.name}: {p.kind.name}"
        + ("" if p.default is p.empty else f" = {p.default!r}")
        for p in signature.parameters.values()
        if p.name != "self"
    ]


def is_part_of_a_class(name):
    return name not in USUAL and not (name.startswith("_") and name != "_as_parameter_")


def tell_class(path, cls, told):
    own = [c.__name__ for c in cls.__mro__ if c is not object]
    told[path + " bases"] = [
        base for base in own if base in ("Exception", "BaseException")
    ]
    made = parameters(cls)
    if made is not None and not getattr(cls, "_is_protocol", False):
        told[path + " ()"] = made
    for name in dir(cls):
        if name in dir(Exception) or not (
            is_part_of_a_class(name)
            or (path.endswith("._Context") and not name.startswith("__"))
        ):
            continue
        value = inspect.getattr_static(cls, name)
        key = f"{path}.{name}"
        if isinstance(value, CONSTANT):
            told[key] = repr(value)
        else:
            told[key] = "method" if callable(getattr(cls, name)) else "attribute"
        if told[key] == "method" and callable(value):
            found = parameters(value)
            if found is not None:
                told[key + " ()"] = found
    for name in ("__init__", "__repr__", "__str__", "__bool__", "__eq__", "__hash__"):
        told[f"{path}.{name}"] = getattr(cls, name, None) is not getattr(
            object, name, None
        )
    for name in getattr(cls, "__annotations__", {}):
        if not name.startswith("_"):
            told.setdefault(f"{path}.{name}", "attribute")


def tell_context(told):
    """The private class that programs look into."""
    context = importlib.import_module("aioca._catools")._Context
    for name in ("_ca_context", "_should_destroy", "_channel_caches"):
        told[f"aioca._catools._Context.{name}"] = hasattr(context, name)


def tell_module(name, told):
    module = importlib.import_module(name)
    told[name] = "module"
    for key, value in [(key, getattr(module, key)) for key in dir(module)]:
        path = f"{name}.{key}"
        if key.startswith("_") and key not in PRIVATE:
            continue
        if inspect.ismodule(value):
            if value.__name__.startswith("epicscorelibs"):
                told[path] = "module"
        elif any(getattr(m, key, None) is value for m in (typing, abc, __future__)):
            continue
        elif isinstance(value, typing.TypeVar):
            continue
        elif inspect.isclass(value):
            if value.__module__.startswith("aioca"):
                told[path] = "class"
                tell_class(path, value, told)
        elif inspect.isroutine(value):
            if (value.__module__ or "").startswith("aioca"):
                told[path] = "function"
                told[path + " ()"] = parameters(value)
                told[path + " async"] = inspect.iscoroutinefunction(value)
        elif isinstance(value, CONSTANT):
            told[path] = repr(value)
        elif name == "aioca.types":
            told[path] = "a type"


def tell_objects(told):
    """Attributes of what can be made without a server."""
    import aioca

    made = {
        "CANothing": aioca.CANothing("X"),
        "ChannelInfo": aioca.ChannelInfo("X", True, 1),
    }
    for name, value in made.items():
        for key, held in vars(value).items():
            told[f"aioca.{name}().{key}"] = repr(held)
        told[f"aioca.{name}() args"] = repr(getattr(value, "args", None))


def main():
    told = {}
    for name in MODULES:
        tell_module(name, told)
    tell_context(told)
    tell_objects(told)
    package = importlib.import_module("aioca")
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith("_") or info.name == "_catools":
            told[f"aioca.{info.name}"] = "module"
    print(json.dumps(told))


main()
