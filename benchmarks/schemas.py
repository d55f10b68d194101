"""Alerts against the JSON Schema that is published."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).resolve().parent.parent / "deploy" / "schema"
ALERT = SCHEMAS / "alert.v1.schema.json"


@cache
def validator(file: Path = ALERT) -> Draft202012Validator:
    """Return the validator of a committed schema."""
    schema = json.loads(file.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def alert_of_schema(message: bytes) -> dict[str, Any]:
    """Return the alert in `message`. Raises jsonschema.ValidationError when it is not what was promised."""
    alert: dict[str, Any] = json.loads(message)
    validator().validate(alert)
    return alert
