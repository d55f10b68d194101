"""`pollwatch explain`."""

from __future__ import annotations

import argparse
import re

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("case", metavar="CASE", type=_case_id, help="the case's id, 16 hex digits")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of text")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Print what the topics hold of a case: its history, the reasons for both sides, and why it is not called otherwise."""
    from streams.explain.text import as_json, as_text
    from streams.explain.topics import ExplainError, told_of

    history = told_of(settings, given.case).history()
    if history is None:
        hours = settings.topics.output_retention_hours
        raise ExplainError(f"no alert of case {given.case} is left: they are kept for {hours} hours; `pollwatch tail --from-start` lists them")
    print(as_json(history) if given.json else as_text(history))
    return 0


def _case_id(text: str) -> str:
    if re.fullmatch("[0-9a-f]{16}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no id of a case: it has 16 hex digits")
    return text
