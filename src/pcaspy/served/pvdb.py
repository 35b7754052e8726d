"""From a pvdb entry to a PVInfo. All configuration errors are raised here.

A pvdb is a dict ``{reason: {field: value}}``. Equal fields are stored once for
all PVs: a hundred thousand PVs need little more memory than their names.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence

from ..alarm import Severity
from ..lowlevel import casdef
from ..native._fields import MAX_COUNT, Alike, Fields, InfoBase, alike_infos
from .pvdb_fields import (
    AIT_OF_TYPE,
    DEFAULTS,
    LABELS_OF_BOOL,
    LONGEST_TEXT,
    NAME_OF_AIT,
    NEW,
    RULES,
    SHORTEST_TEXT,
    STRUCTURED,
)
from .pvdb_hints import warn_of_fields, warn_of_value

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("pcaspy.pvdb")
_unknown_log = logging.getLogger("pcaspy.pvdb.unknown")


_TEXT = (casdef.aitEnumString,)
_STRUCTURED_VALUES = {
    "table": "a dict of the columns, each with the same number of rows",
    "ndarray": "an array of numbers",
}
_MAX_CACHED = 10_000  # different sets of fields that are remembered
_MAX_ALIKE = 16  # of those, what each entry is compared with at first


def _checked(pv: str, name: str, value: Any) -> Any:
    rule = RULES[name]
    try:
        return rule.take(value)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise ValueError(
            f"PV {pv!r}: field {name!r} is {value!r}, allowed is {rule.allowed}"
        ) from None


def _limited_labels(pv: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    """At most 16 labels of at most 25 bytes; logs a warning when it cuts."""
    longest = casdef.MAX_ENUM_STRING_SIZE - 1
    if len(labels) > casdef.MAX_ENUM_STATES:
        _log.warning(
            "PV %r: field 'enums' has %d labels, the first %d are kept",
            pv,
            len(labels),
            casdef.MAX_ENUM_STATES,
        )
        labels = labels[: casdef.MAX_ENUM_STATES]
    cut = []
    for label in labels:
        encoded = label.encode("utf-8", "surrogateescape")
        if len(encoded) > longest:
            short = encoded[:longest].decode("utf-8", "ignore")
            _log.warning("PV %r: label %r is cut to %r", pv, label, short)
            label = short
        cut.append(label)
    return tuple(cut)


def _complete_type(pv: str, values: dict[str, Any], spec: Mapping[str, Any]) -> None:
    """What follows from a type that `spec` gives."""
    before = values["type_name"]
    if "type" in spec:
        given = spec["type"]
        if isinstance(given, str):
            values["type_name"] = given
        elif AIT_OF_TYPE[before] != given:  # a number may stand for several
            values["type_name"] = NAME_OF_AIT[given]
    if values["type_name"] == "text":
        values["form"] = "String"
        if before != "text" and "count" not in spec:
            values["count"] = LONGEST_TEXT
        if values["count"] < SHORTEST_TEXT:
            raise ValueError(
                f"PV {pv!r}: field 'count' is {values['count']!r}, allowed is"
                f" {SHORTEST_TEXT} or more for type 'text': bytes of the longest one"
            )
    _labels_of_bool(pv, values, spec)


def _labels_of_bool(pv: str, values: dict[str, Any], spec: Mapping[str, Any]) -> None:
    """Gives a PV that `spec` makes a bool its two labels."""
    if spec.get("type") != "bool":
        return
    if "enums" not in spec:
        values["enums"] = LABELS_OF_BOOL
    elif len(values["enums"]) != len(LABELS_OF_BOOL):
        raise ValueError(
            f"PV {pv!r}: field 'enums' is {spec['enums']!r}, allowed are two labels"
            " for type 'bool'; type 'enum' has up to 16"
        )


def _check_columns(pv: str, values: dict[str, Any], given: frozenset[str]) -> None:
    """A table has columns, and a label for each if it has any."""
    columns, labels = values["columns"], values["labels"]
    if values["type_name"] == "table" and not columns:
        raise ValueError(
            f"PV {pv!r}: field 'columns' is missing: a table needs"
            f" {RULES['columns'].allowed}"
        )
    if labels and columns and len(labels) != len(columns):
        raise ValueError(
            f"PV {pv!r}: field 'labels' is {list(labels)!r}, allowed is"
            f" {RULES['labels'].allowed}: there are {len(columns)}"
        )
    if values["type_name"] in STRUCTURED and "count" not in given:
        values["count"] = MAX_COUNT


def _complete(pv: str, values: dict[str, Any], given: frozenset[str]) -> Fields:
    """Fields from checked values; labels and states are brought into their limits."""
    _check_columns(pv, values, given)
    values["enums"] = _limited_labels(pv, values["enums"])
    if values["type"] == casdef.aitEnumEnum16 or values["enums"]:
        missing = len(values["enums"]) - len(values["states"])
        values["states"] += (Severity.NO_ALARM,) * max(missing, 0)
    values["states"] = values["states"][: casdef.MAX_ENUM_STATES]
    return Fields(values, given)


def no_effect(name: Any) -> str:
    """That a field is unknown, and which one may have been meant."""
    import difflib  # takes long

    close = difflib.get_close_matches(str(name), [*RULES, "value"], n=1)
    meant = f", did you mean {close[0]!r}?" if close else ""
    return f"field {name!r} has no effect{meant}"


# Unknown fields that the log has had: once each, however many PVs have them.
_told: set[Any] = set()


def _tell_unknown(pv: str, name: Any) -> None:
    if name not in _told:
        _told.add(name)
        _unknown_log.warning("PV %r: %s", pv, no_effect(name))


def _parse(pv: str, spec: Mapping[str, Any]) -> Fields:
    values = dict(DEFAULTS)
    for name, value in spec.items():
        if name in RULES:
            values[name] = _checked(pv, name, value)
        elif name != "value":
            _tell_unknown(pv, name)
    _complete_type(pv, values, spec)
    given = frozenset(name for name in spec if name in RULES)
    warn_of_fields(pv, values, given)
    return _complete(pv, values, given)


# What a PVInfo has beside the fields.
_OWN_CHANGEABLE = ("value", "mlst", "alst")
_OWN = ("reason", "name", *_OWN_CHANGEABLE, "valid_low_high", "valid_lolo_hihi")


class _FieldsCache:
    """Equal specs give the same Fields object."""

    def __init__(self) -> None:
        self._known: dict[Any, Fields] = {}

    def get(self, pv: str, spec: Mapping[str, Any]) -> Fields:
        if "value" in spec:
            spec = dict(spec)
            del spec["value"]
        # Types are part of the key: a precision of 3.0 is not shown as 3.
        values = tuple(tuple(v) if type(v) is list else v for v in spec.values())
        key = tuple(spec), values, tuple(map(type, spec.values()))
        known, hashable = None, True
        try:
            known = self._known.get(key)
        except TypeError:  # a value that cannot be hashed: an array of labels, say
            hashable = False
        if not hashable:
            return _parse(pv, spec)
        if known is None:
            known = _parse(pv, spec)
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            self._known[key] = known
        return known


_cache = _FieldsCache()


def _has_elements(value: Any) -> bool:
    """It is a list or an array of more than one element, which says the count."""
    listed = isinstance(value, (list, tuple)) or hasattr(value, "__array_interface__")
    return listed and getattr(value, "ndim", 1) == 1 and len(value) > 1


def _first_value(fields: Fields) -> Any:
    if fields.any_float:
        return 0
    values = fields.values
    if fields.is_text:
        return ""
    if fields.values["type_name"] in STRUCTURED:
        return {name: [] for name in values["columns"]} or []
    zero: Any = 0
    if values["type"] == casdef.aitEnumString:
        zero = ""
    elif fields.exact:
        zero = fields.stored(0)[0]
    return [zero] * values["count"] if values["count"] > 1 else zero


def _shared(name: str) -> Any:
    """A field kept in the shared Fields; setting it gives this PV its own."""

    def get(self: PVInfo) -> Any:
        value = self.fields.values[name]
        return list(value) if type(value) is tuple else value

    def put(self: PVInfo, value: Any) -> None:
        self.change({name: value})

    return property(get, put, doc=RULES[name].meaning)


class PVInfo(InfoBase):
    """The configuration of one PV: the fields of its pvdb entry as attributes.

    `reason` is its key in the pvdb, `name` the full name that clients use, and `type`
    pcaspy's number for the type. Use `Driver.setParamInfo` to change a PV that is being
    served.

    Args:
        info: A pvdb entry.

    Raises:
        ValueError: A field has an invalid value.
    """

    __slots__ = ()

    type = _shared("type")
    count = _shared("count")
    enums = _shared("enums")
    states = _shared("states")
    prec = _shared("prec")
    unit = _shared("unit")
    lolim = _shared("lolim")
    hilim = _shared("hilim")
    drvl = _shared("drvl")
    drvh = _shared("drvh")
    hihi = _shared("hihi")
    lolo = _shared("lolo")
    high = _shared("high")
    low = _shared("low")
    hhsv = _shared("hhsv")
    hsv = _shared("hsv")
    lsv = _shared("lsv")
    llsv = _shared("llsv")
    hyst = _shared("hyst")
    alarm_delay = _shared("alarm_delay")
    adel = _shared("adel")
    mdel = _shared("mdel")
    scan = _shared("scan")
    asyn = _shared("asyn")
    asg = _shared("asg")
    port = _shared("port")
    desc = _shared("desc")
    form = _shared("form")
    alias = _shared("alias")
    readonly = _shared("readonly")
    enforce_limits = _shared("enforce_limits")
    udf = _shared("udf")
    columns = _shared("columns")
    labels = _shared("labels")
    autosave = _shared("autosave")

    def __init__(self, info: Mapping[str, Any], reason: str = "", name: str = ""):
        if type(info) is not dict and not isinstance(info, Mapping):
            raise ValueError(
                f"PV {reason!r}: its entry is {info!r}, allowed is a dict of fields"
            )
        self.reason = reason
        self.name = name
        kind = info.get("type")
        if (
            "value" in info
            and "count" not in info
            and kind not in ("table", "ndarray")
            and _has_elements(info["value"])
        ):
            info = {**info, "count": len(info["value"])}
        self.fields = fields = _cache.get(reason, info)
        if "value" in info:
            value = info["value"]
            self.has_value = value is not None
            self.value = value = self._checked_value(value)
        else:
            self.value = value = _first_value(fields)
        self.mlst = self.alst = value

    def _checked_value(self, value: Any) -> Any:
        if value is None:  # gets fail until there is one
            return None
        if type(value) is float and self.fields.any_float:
            return value  # there is nothing to warn of
        try:
            stored = warn_of_value(self.reason, self.fields, value)
            return stored if self.fields.as_stored else value
        except (TypeError, ValueError, OverflowError) as error:
            what = f"{self.count} of type {self.fields.values['type_name']}"
            if self.enums and self.type == casdef.aitEnumEnum16:
                what = f"one of the labels {', '.join(map(repr, self.enums))}"
            what = _STRUCTURED_VALUES.get(self.fields.values["type_name"], what)
            raise ValueError(
                f"PV {self.reason!r}: field 'value' is {value!r}, allowed is {what}"
                f" ({error})"
            ) from None

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """All that there is by name, a copy; what is new here only if it was given."""
        given = self.fields.given
        names = [name for name in RULES if name not in NEW or name in given]
        names += _OWN
        return {**{name: getattr(self, name) for name in names}, **self._added()}

    def change(self, changes: Mapping[str, Any]) -> None:
        """Sets fields, all or none. Names of nothing that there is are passed over.

        Raises:
            ValueError: A field has a value that is not allowed.
        """
        pv = self.name or self.reason
        values = dict(self.fields.values)
        given = set(self.fields.given)
        for name, value in changes.items():
            if name in RULES:
                values[name] = _checked(pv, name, value)
                given.add(name)
            elif name not in _OWN and name not in self._added():
                _tell_unknown(pv, name)
        _complete_type(pv, values, changes)
        self._check_structure(pv, values)
        self.fields = _complete(pv, values, frozenset(given))
        for name, value in changes.items():
            if name in _OWN_CHANGEABLE or name in self._added():
                setattr(self, name, value)

    def _check_structure(self, pv: str, values: Mapping[str, Any]) -> None:
        """A table stays one, with its columns; nothing else becomes one."""
        old = self.fields.values
        kinds = {old["type_name"], values["type_name"]}
        for name in ("type_name", "columns"):
            if kinds & {*STRUCTURED} and values[name] != old[name]:
                field = name.removesuffix("_name")
                raise ValueError(
                    f"PV {pv!r}: field {field!r} of a table or an image cannot be"
                    " changed: make a PV of another name"
                )

    @property
    def valid_low_high(self) -> bool:
        """The limits low and high are in use."""
        return self._valid("low", "high")

    @property
    def valid_lolo_hihi(self) -> bool:
        """The limits lolo and hihi are in use."""
        return self._valid("lolo", "hihi")

    def _valid(self, low: str, high: str) -> bool:
        return any(not math.isnan(limit) for limit in self.fields.pair(low, high))

    def validateLimit(self) -> None:
        """Does nothing: which limits are in use follows from the fields."""

    def checkValue(self, newValue: Any) -> int:
        """The ``DBE_`` mask of the events that a change to `newValue` is worth."""
        structured = self.type == casdef.aitEnumContainer
        if self.fields.values["count"] > 1 or self.fields.is_text or structured:
            return casdef.DBE_VALUE | casdef.DBE_LOG
        if self.type in _TEXT or isinstance(self.mlst, str):
            if newValue == self.mlst:
                return 0
            self.mlst = self.alst = newValue
            return casdef.DBE_VALUE | casdef.DBE_LOG
        mask = 0
        if _distance(self.mlst, newValue) > self.mdel:
            mask |= casdef.DBE_VALUE
            self.mlst = newValue
        if _distance(self.alst, newValue) > self.adel:
            mask |= casdef.DBE_LOG
            self.alst = newValue
        return mask

    def checkAlarm(self, value: Any) -> tuple[int, int]:
        """(alarm, severity) of `value`; of the worst element of an array.

        Of the value alone: without `hyst` and `alarm_delay`, which are not looked at
        either where a subclass overrides this.
        """
        return self.fields.alarm(value)

    _checkNumericAlarm = checkAlarm
    _checkEnumAlarm = checkAlarm

    def _compareNumeric(
        self, value: Any, limit: float, op: Callable[[Any, Any], bool]
    ) -> bool:
        """True if ``op(element, limit)`` holds for any element of `value`."""
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            return bool(op(value, limit))
        return any(op(element, limit) for element in value)


def _distance(last: Any, new: Any) -> Any:
    """How far a number has moved, as an IOC's recGblCheckDeadband sees it."""
    delta = abs(last - new)
    if delta == delta:
        return delta
    # One of them is NaN; or both are, or the same infinity.
    return 0 if (last == last) == (new == new) else math.inf


def overrides_checks(kind: type) -> tuple[bool, bool]:
    """Whether a class of infos has its own checkValue, and its own checkAlarm."""
    return (
        getattr(kind, "checkValue", None) is not PVInfo.checkValue,
        getattr(kind, "checkAlarm", None) is not PVInfo.checkAlarm,
    )


def parse(prefix: str, pvdb: Mapping[str, Mapping[str, Any]]) -> list[PVInfo]:
    """A PVInfo for each entry of `pvdb`.

    Raises:
        ValueError: An entry is wrong; the text names PV, field and what is allowed.
    """
    if not isinstance(prefix, str) or not isinstance(pvdb, Mapping):
        raise TypeError(
            "createPV(prefix, pvdb) takes a str and a dict of PVs,"
            f" not {type(prefix).__name__} and {type(pvdb).__name__}"
        )
    aliases: dict[str, str] = {}
    made: list[PVInfo] = []
    alike: list[Alike] = []  # most entries are like one of a few
    entries = iter(pvdb.items())
    while (odd := alike_infos(PVInfo, prefix, entries, alike, made)) is not None:
        reason, spec = odd
        if not isinstance(reason, str) or not prefix + reason:
            raise ValueError(f"PV {reason!r}: the key must be a str that is not empty")
        name = prefix + reason
        if "\0" in name:
            raise ValueError(f"PV {name!r}: a name without NUL is allowed")
        info = PVInfo(spec, reason, name)
        made.append(info)
        for alias in info.fields.values["alias"]:
            other = alias if alias in pvdb else aliases.setdefault(alias, reason)
            if other != reason:
                raise ValueError(
                    f"PV {reason!r}: field 'alias' has {alias!r}, which is a name of"
                    f" PV {other!r} already"
                )
        if not info.fields.values["alias"]:
            _remember(alike, spec, info.fields)
    return made


def _remember(alike: list[Alike], spec: Mapping[str, Any], fields: Fields) -> None:
    """Lets entries like `spec` be made quickly, if there are not too many kinds."""
    if len(alike) >= _MAX_ALIKE or type(spec) is not dict:
        return
    if type(spec.get("value", 0.0)) is not float:  # it may say the count
        return
    if any(known.fields is fields for known in alike):
        return
    zero = _first_value(fields)
    with contextlib.suppress(TypeError):
        alike.append(
            Alike(spec, fields, None if isinstance(zero, (list, dict)) else zero)
        )
