"""Outcomes of rounds as a Markdown table. Knows no process and no Kafka."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.chaos.rounds import Outcome

_HEADER = ("fault", "seed", "at s", "works again after s", "restarts", "repeats dropped by id", "same end")


def outcomes_as_table(outcomes: Sequence[Outcome]) -> str:
    """Return a row for each round, and below what was wrong."""
    lines = [_row(*_HEADER), "|---" * len(_HEADER) + "|"]
    lines += [_row(*_cells(outcome)) for outcome in outcomes]
    wrong = [f"- {o.fault}, seed {o.seed}: {line}" for o in outcomes for line in o.wrong]
    passed = sum(outcome.passed for outcome in outcomes)
    return "\n".join([*lines, "", f"{passed} of {len(outcomes)} rounds passed.", *wrong])


def _cells(outcome: Outcome) -> list[str]:
    takeover = "never" if outcome.takeover_s is None else f"{outcome.takeover_s:.1f}"
    return [
        outcome.fault,
        str(outcome.seed),
        f"{outcome.moment_s:.1f}",
        takeover if outcome.in_time else f"**{takeover}** (at most {outcome.most_s:.0f})",
        str(outcome.restarts),
        f"{outcome.repeats:,}",
        "**no**" if outcome.wrong else "yes",
    ]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
