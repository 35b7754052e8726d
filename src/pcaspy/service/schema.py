"""A JSON Schema of definitions, for editors: what ``pcaspy schema`` prints."""

from __future__ import annotations

from typing import Any

from ..served.pvdb_fields import LABELS_OF_BOOL, RULES, SHORTEST_TEXT

Schema = dict[str, Any]

_VALUE = "Value to begin with: a number, a text, a list of them, or nothing yet."
_NULL: Schema = {"type": "null"}
# A text with a parameter in it stands for anything.
_FILLED_IN: Schema = {"type": "string", "pattern": r"\{\w+\}"}
_PARAMETER: Schema = {"type": ["string", "number", "boolean"]}
_INSTANCE: Schema = {
    "description": "Values of the parameters.",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "description": "A value, a list of them, or a range such as 1..20.",
        "anyOf": [
            _PARAMETER,
            {"type": "array", "items": _PARAMETER, "minItems": 1},
        ],
    },
}


def schema() -> Schema:
    """Of a YAML or JSON file that ``pcaspy serve`` takes.

    It allows what can be served and has no fields without effect. Made from the table
    of fields that the server itself checks with.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PVs that pcaspy serves",
        "type": "object",
        "anyOf": [{"required": ["pvdb"]}, {"required": ["templates"]}],
        "additionalProperties": False,
        "properties": {
            "prefix": {"description": "Goes before each name.", "type": "string"},
            "pvdb": _pvs("The PVs by name, each with its fields.", "pv"),
            "templates": {
                "description": "PVs of which there are several, by any name.",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/template"},
            },
        },
        "$defs": {
            "pv": _pv(_fields()),
            "template": {
                "type": "object",
                "required": ["pvdb", "instances"],
                "additionalProperties": False,
                "properties": {
                    "pvdb": _pvs("PVs with parameters in braces: {n}.", "part"),
                    "instances": {
                        "description": "Values of the parameters of each instance.",
                        "anyOf": [
                            {"$ref": "#/$defs/instance"},
                            {"type": "array", "items": {"$ref": "#/$defs/instance"}},
                        ],
                    },
                },
            },
            "instance": _INSTANCE,
            "part": _pv({name: _or_filled(rule) for name, rule in _fields().items()}),
        },
    }


def _pvs(description: str, kind: str) -> Schema:
    return {
        "description": description,
        "type": "object",
        "propertyNames": {"minLength": 1},
        "additionalProperties": {"anyOf": [{"$ref": f"#/$defs/{kind}"}, _NULL]},
    }


def _fields() -> dict[str, Schema]:
    fields: dict[str, Schema] = {"value": {"description": _VALUE}}
    for name, rule in RULES.items():
        fields[name] = {"description": rule.meaning, **rule.schema}
    return fields


def _pv(fields: dict[str, Schema]) -> Schema:
    two = len(LABELS_OF_BOOL)
    labels = {"enums": {"minItems": two, "maxItems": two}}
    length = {"count": {"minimum": SHORTEST_TEXT}}
    return {
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
        "allOf": [_of_type("bool", labels), _of_type("text", length)],
    }


def _of_type(name: str, properties: Schema) -> Schema:
    """What holds for PVs of a type only."""
    return {
        "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
        "then": {"properties": properties},
    }


def _or_filled(field: Schema) -> Schema:
    """The same, or a text with a parameter."""
    rule = {name: value for name, value in field.items() if name != "description"}
    if not rule:
        return field
    return {"description": field["description"], "anyOf": [rule, _FILLED_IN]}
