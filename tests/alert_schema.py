"""What an alert must be, for every test that sees one: the committed JSON Schema, and what a schema can't say."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.schemas import ALERT as SCHEMA_FILE
from benchmarks.schemas import SCHEMAS, validator

ITEM_SCHEMA_FILE = SCHEMAS / "moderation.v1.schema.json"

__all__ = ["ITEM_SCHEMA_FILE", "SCHEMA_FILE", "valid_alert", "valid_item"]


def valid_alert(message: bytes) -> dict[str, Any]:
    """Return the alert in `message`, one JSON object. Raises when it is not what was promised."""
    alert: dict[str, Any] = json.loads(message, parse_constant=_no_number)
    validator().validate(alert)
    data = alert["data"]
    assert b"\n" not in message, "an alert is one line"
    assert alert["id"] == f"{data['case_id']}:{data['revision']}"
    assert alert["subject"] == data["poll_ids"][0]
    assert [poll["poll_id"] for poll in data["polls"]] == data["poll_ids"]
    assert data["opened_ms"] <= data["updated_ms"]
    assert data["window"]["start_ms"] < data["window"]["end_ms"]
    assert (data["revision"] == 1) <= alert["type"].endswith("opened.v1"), "a case begins by being opened"
    assert data["verdict"] != "organic" or data["severity"] == "info", "a crowd never pages"
    assert {evidence["direction"] for evidence in data["evidence"]} == {"coordinated", "organic"}, "both sides"
    for poll in data["polls"]:
        suspect = poll["suspect"]
        assert suspect["share_low"] <= suspect["share"] <= suspect["share_high"]
    return alert


def valid_item(message: bytes) -> dict[str, Any]:
    """Return the moderation item in `message`, one JSON object. Raises when it is not what was promised."""
    item: dict[str, Any] = json.loads(message, parse_constant=_no_number)
    validator(ITEM_SCHEMA_FILE).validate(item)
    assert b"\n" not in message, "an item is one line"
    assert item["item_id"] == f"{item['case_id']}:{item['part']}"
    assert item["part"] <= item["parts"]
    named = [account["account_id"] for account in item["accounts"]]
    assert len({*named, *item["cleared"]}) == len(named) + len(item["cleared"]), "nobody is named twice, or cleared too"
    victims = ["taken_over" in account["reasons"] for account in item["accounts"]]
    assert item["recommended"]["action"] == "none" or not any(victims), "nothing is done to victims"
    assert item["merged_into"] is None or not named, "the accounts of a merged case stand in the other one"
    return item


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
