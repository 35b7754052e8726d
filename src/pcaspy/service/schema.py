"""A JSON Schema of definitions, for editors: what ``pcaspy schema`` prints."""

from __future__ import annotations

from typing import Any

from ..served.pvdb_fields import RULES

_VALUE = "Value to begin with: a number, a text, a list of them, or nothing yet."


def schema() -> dict[str, Any]:
    """Of a YAML or JSON file that ``pcaspy serve`` takes.

    It allows what can be served and has no fields without effect. Made from the table
    of fields that the server itself checks with.
    """
    fields: dict[str, Any] = {"value": {"description": _VALUE}}
    for name, rule in RULES.items():
        fields[name] = {"description": rule.meaning, **rule.schema}
    entry = {"type": "object", "properties": fields, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PVs that pcaspy serves",
        "type": "object",
        "required": ["pvdb"],
        "additionalProperties": False,
        "properties": {
            "prefix": {"description": "Goes before each name.", "type": "string"},
            "pvdb": {
                "description": "The PVs by name, each with its fields.",
                "type": "object",
                "propertyNames": {"minLength": 1},
                "additionalProperties": {
                    "anyOf": [{"$ref": "#/$defs/pv"}, {"type": "null"}]
                },
            },
        },
        "$defs": {"pv": entry},
    }
