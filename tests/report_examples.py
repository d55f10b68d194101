"""Cases of each verdict and more: the page can be seen whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
from report_builder import START_MS, Examples, Rename, same

from detectors.alert import Flips
from streams.report import Named, Report, Sample
from streams.report.sample import Near, Vote


def flood(examples: Examples) -> None:
    """A script floods a small poll for three minutes: new accounts of one week."""
    case_id = examples.case(
        1, "coordinated", [("p7-066", 6_120, 3_980, "yes")], (158, 161.2),
        "A script cast about 3,980 of the 6,120 votes in poll 'p7-066': accounts made within 4 days, one client, 60 networks.",
        ("3,940 of 4,050 accounts in the surge were made within 3.6 days; a crowd like those before would have 160.",
         "All of them use one client; 45 % would be usual.",
         "They came from 60 networks that were never seen before."),
        ("Their countries are spread like the poll's own.",),
    )  # fmt: skip
    script, crowd = examples.at(158.1, 161.1, 3_980), examples.at(150, 170, 180)
    examples.traffic("p7-066", 9, [(158, np.array([1200, 1310, 1290, 180]))])
    pick, other = script[:: len(script) // 360], crowd
    votes = examples.people("p7-066", True, pick, examples.random.uniform(0.5, 4, len(pick)), ("no", 0.95), True)
    votes += examples.people("p7-066", False, other, examples.crowd_ages(len(other)), ("yes", 0.56), False)
    near = examples.near("p7-066", (150, 170), script, crowd)
    examples.samples[case_id] = Sample(near, sorted(votes, key=lambda v: v.at_ms), [])
    reasons = {"born_together": 3_980, "new_account": 3_980, "one_client": 3_980, "few_networks": 3_951, "no_referrer": 3_980}
    examples.named[case_id] = Named(3_980, 0, 14, Counter(reasons))


def undercover(examples: Examples) -> None:
    """A script hides in a crowd that a celebrity sent."""
    case_id = examples.case(
        2, "mixed", [("p7-029", 7_905, 2_470, "uncertain")], (125, 134),
        "A crowd came to poll 'p7-029' through one post, and within it a script cast about 2,470 of 7,905 votes.",
        ("2,440 accounts were made within the same 4 days 80 days ago.",),
        ("2,700 came through one post, from 31 countries, and fade as crowds do.",),
        ("vote_spike", "composition", "account_cluster"),
    )  # fmt: skip
    script, crowd = examples.at(126, 131, 2_470), examples.decay(125, 3_900)
    minutes = np.histogram((crowd - START_MS) / 60_000, np.arange(125, 241))[0]
    examples.traffic("p7-029", 8, [(125, minutes), (126, np.full(5, 494))])
    pick, other = script[::7], crowd[:: len(crowd) // 240]
    votes = examples.people("p7-029", True, pick, examples.random.uniform(79, 83, len(pick)), ("no", 0.9), True)
    votes += examples.people("p7-029", False, other, examples.crowd_ages(len(other)), ("yes", 0.6), False)
    near = examples.near("p7-029", (124.2, 131.7), script, crowd)
    examples.samples[case_id] = Sample(near, sorted(votes, key=lambda v: v.at_ms), [])
    examples.named[case_id] = Named(2_470, 0, 0, Counter({"born_together": 2_470, "one_client": 2_441}))


def lockstep(examples: Examples) -> None:
    """Six hundred human-looking accounts meet in eight polls within 20 s."""
    polls: list[tuple[str, int, int, Flips]] = [(f"p7-{40 + k:03d}", 1_500 + 90 * k, 480 + k, "no") for k in range(8)]
    case_id = examples.case(
        3, "coordinated", polls, (20, 221),
        "600 accounts voted together in 8 polls, each time within 20 s of each other.",
        ("590 accounts met in 5 or more of 8 polls within 20 s; chance alone would give 0.02.",),
        ("Age, client, network and country of these accounts look like anybody's.",),
        ("account_cluster",),
    )  # fmt: skip
    votes: list[Vote] = []
    near: dict[str, Near] = {}
    for number, (poll, *_) in enumerate(polls):
        minute = 21 + 27 * number
        script, crowd = examples.at(minute, minute + 0.33, 45), examples.at(minute - 1, minute + 2, 30)
        votes += examples.people(poll, True, script, examples.crowd_ages(45), ("no", 0.97), False)
        votes += examples.people(poll, False, crowd, examples.crowd_ages(30), ("yes", 0.5), False)
        near |= examples.near(poll, (minute - 5, minute + 7), np.repeat(script, 11), np.repeat(crowd, 3))
        examples.traffic(poll, 7, [(minute, np.array([495]))])
    examples.samples[case_id] = Sample(near, sorted(votes, key=lambda v: v.at_ms), [])
    examples.named[case_id] = Named(600, 0, 0, Counter({"lockstep": 600}))


def swarm(examples: Examples) -> None:
    """Replies with one skeleton."""
    case_id = examples.case(
        4, "coordinated", [("p7-011", 900, 183, "no"), ("p7-012", 800, 190, "no")], (60, 140),
        "300 accounts wrote the same replies with a word or two changed, and voted together in 2 polls.",
        ("183 replies are one text with words swapped.",), ("Short replies such as “No.” were not counted.",),
        ("copied_replies",),
    )  # fmt: skip
    texts = [
        "@anna honestly the whole plan reads like it was written by people who never had to leave their home #peace",
        "honestly the whole plan reads like it was drafted by people who never had to leave their home 🕊",
        "@bo_k frankly the whole plan reads like it was written by folks who never had to leave their home",
    ]
    examples.samples[case_id] = Sample({}, [], examples.quotes(texts))
    examples.named[case_id] = Named(300, 0, 0, Counter({"copied_text": 300}))


def celebrity(examples: Examples) -> None:
    """A crowd that a celebrity sent: nothing to do."""
    case_id = examples.case(
        5, "organic", [("p7-003", 3_410, 0, "no")], (61, 75),
        "A crowd came to poll 'p7-003' through one post: sudden, and fading like crowds do.",
        ("78 % gave the same answer.",),
        ("60 % came through one post; the surge fades heavy-tailed; ages, clients and networks are the poll's usual ones.",),
        ("vote_spike",),
    )  # fmt: skip
    crowd = examples.decay(61, 2_600)
    minutes = np.histogram((crowd - START_MS) / 60_000, np.arange(61, 241))[0]
    examples.traffic("p7-003", 5, [(61, minutes)])
    votes = examples.people("p7-003", False, crowd[::11], examples.crowd_ages(len(crowd[::11])), ("no", 0.78), False)
    near = examples.near("p7-003", (55, 89), crowd[:0], crowd)
    examples.samples[case_id] = Sample(near, votes, [])


def hijacked(examples: Examples) -> None:
    """Real accounts taken over; nobody is named, the shape tells."""
    examples.case(
        6, "coordinated", [("p7-050", 3_900, 1_790, "yes")], (200, 204),
        "Votes came to poll 'p7-050' as regularly as a clock: 7.5 a second for 4 minutes.",
        ("The gaps between votes vary 9 times less than those of people.",), ("The accounts are old and active elsewhere.",),
        ("rate_shape",),
    )  # fmt: skip
    examples.traffic("p7-050", 9, [(200, np.full(4, 450))])


def unclear(examples: Examples) -> None:
    """A surge of which too little is known."""
    examples.case(
        7, "insufficient", [("p7-031", 2_100, 0, "uncertain")], (88, 96),
        "Votes rose suddenly on poll 'p7-031': 720 in 8 min where 60 were expected. Crowd or script: the data can't tell.",
        ("720 votes came where 60 were expected.",), ("No account field was given, so nothing speaks against a crowd.",),
        ("vote_spike",),
    )  # fmt: skip
    examples.traffic("p7-031", 7, [(88, np.full(8, 85))])


def gone(examples: Examples) -> None:
    """A case withdrawn and one merged."""
    examples.case(
        8, "organic", [("p7-020", 700, 0, "no")], (30, 33), "What looked like a script was a campus on one network.",
        ("One network.",), ("Ages and clients are usual.",), news="retracted",
    )  # fmt: skip
    examples.case(
        9, "coordinated", [("p7-041", 1_590, 481, "no")], (47, 48), "Accounts met.", ("Together.",), ("Human.",),
        merged_into=f"{3:016x}",
    )  # fmt: skip


ALL = (flood, undercover, lockstep, swarm, celebrity, hijacked, unclear, gone)


def everything(rename: Rename = same, seed: int = 1) -> Report:
    """Return a report with a case of each kind."""
    examples = Examples(rename, seed)
    for one in ALL:
        one(examples)
    return examples.report()
