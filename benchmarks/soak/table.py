"""What a soak found, as Markdown, and whether it is what was promised. Knows no process and no Kafka."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.promises import Verdict
from benchmarks.soak.memory import Sample, rise
from benchmarks.soak.run import Soaked, miscounted, unnoticed

_MOST_RISE_PERCENT = 5.0
_LINES_OF_MEMORY = 10
_SHOWN = 20


def judge(soaked: Soaked, wanted_per_s: int, warm_up_s: float) -> list[Verdict]:
    """Judge what was sent, what was counted, what was noticed, and the memory after `warm_up_s` if half as much follows."""
    late = [sample for sample in soaked.samples if sample.at_s >= warm_up_s]
    percent = 100 * rise([sample.at_s for sample in late], [float(sample.together) for sample in late])
    memory = Verdict("rise of memory after warm-up, %", percent, _MOST_RISE_PERCENT, 0, at_most=True)
    return [
        # a sender that could not keep its pace shows that the machine was taken by others
        Verdict("lines/s sent", soaked.lines / soaked.seconds, 0.95 * wanted_per_s, wanted_per_s),
        Verdict("polls miscounted", len(miscounted(soaked)), 0, 0, at_most=True),
        Verdict("different dead letters", soaked.found.dead_letters, soaked.sent.refused, soaked.sent.refused),
        Verdict("dead letters of nothing", soaked.found.dead_letters - soaked.sent.refused, 0, 0, at_most=True),
        Verdict("things said that nobody may say", len(soaked.found.wrong), 0, 0, at_most=True),
        Verdict("floods without a case", len(unnoticed(soaked)), 0, 0, at_most=True),
        *([memory] if soaked.seconds >= 1.5 * warm_up_s else []),
    ]


def soaked_as_table(soaked: Soaked) -> str:
    """Return what was done, and how large the workers were."""
    done = (
        f"{soaked.lines:,} lines in {soaked.seconds:.0f} s (at most {soaked.behind_s:.1f} s behind), "
        f"{sum(soaked.sent.votes.values()):,} votes that count in {len(soaked.sent.votes):,} polls, "
        f"{soaked.sent.refused:,} refused, {len(soaked.sent.floods)} floods; everything committed "
        f"{soaked.settled_s:.0f} s after the first line. {len(soaked.found.cases()):,} cases, "
        f"{len(soaked.found.alerts):,} alerts, {soaked.found.repeats:,} repeats dropped by id; "
        f"{soaked.restarts} workers ended by themselves."
    )
    faults = [_row("fault", "at s", "works again after s"), "|---" * 3 + "|"]
    faults += [_row(one.fault, f"{one.at_s:.0f}", f"{one.takeover_s:.1f}") for one in soaked.happened]
    sizes = [_row("at s", "never disturbed worker, MB", "both workers, MB"), "|---" * 3 + "|"]
    sizes += [
        _row(f"{s.at_s:.0f}", f"{s.steady / 1e6:,.0f}", f"{s.together / 1e6:,.0f}") for s in _spread(soaked.samples)
    ]
    floods = [f"- no case for the flood of {f.poll_id} at {f.begin_ms}" for f in unnoticed(soaked)]
    bad = [*(f"- {line}" for line in [*miscounted(soaked), *soaked.found.wrong, *soaked.last_words]), *floods]
    return "\n".join([done, "", *faults, "", *sizes, "", *bad[:_SHOWN]])


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    step = max(1, len(samples) // _LINES_OF_MEMORY)
    return list(samples[::step])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
