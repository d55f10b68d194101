"""Meetings and groups as plain data for snapshots, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.lockstep.group import Group
from detectors.lockstep.judge import Weighed
from detectors.lockstep.meetings import Burst, Meeting
from detectors.lockstep.standing import Attended
from detectors.lockstep.told import told_of


def meeting_state(meeting: Meeting) -> dict[str, Any]:
    """Return a meeting as plain data."""
    return {
        "here": _burst_state(meeting.here),
        "there": _burst_state(meeting.there),
        "width_ms": meeting.width_ms,
        "accounts": meeting.accounts.tobytes(),
        "among": meeting.among,
    }


def meeting_of(state: dict[str, Any]) -> Meeting:
    """Return the meeting that `meeting_state` was given."""
    accounts = np.frombuffer(state["accounts"], np.uint64)
    return Meeting(Burst(*state["here"]), Burst(*state["there"]), state["width_ms"], accounts, state["among"])


def group_state(group: Group) -> dict[str, Any]:
    """Return a group as plain data."""
    clearest = group.clearest
    return {
        "cluster": group.cluster,
        "meeting": meeting_state(clearest.meeting),
        "weighed": [clearest.met, clearest.common, clearest.share, clearest.p_value],
        "score": group.score,
        "last_ms": group.last_ms,
        "attended": [_attended_state(one) for one in group.attended],
        "told": group.told.snapshot(),
        "opened": group.opened,
        "settles_ms": group.settles_ms,
        "has_grown": group.has_grown,
    }


def group_of(state: dict[str, Any]) -> Group:
    """Return the group that `group_state` was given."""
    group = Group(Weighed(meeting_of(state["meeting"]), *state["weighed"]))
    group.cluster, group.score, group.last_ms = state["cluster"], state["score"], state["last_ms"]
    group.attended = [_attended_of(one) for one in state["attended"]]
    group.told = told_of(state["told"])
    group.opened, group.settles_ms, group.has_grown = state["opened"], state["settles_ms"], state["has_grown"]
    return group


def _attended_state(one: Attended) -> dict[str, Any]:
    return {
        "burst": _burst_state(one.burst),
        "account": one.account.tobytes(),
        "option": one.option.tobytes(),
        "bystanders": one.bystanders,
        "alike": one.alike.tobytes(),
        "settled": one.settled,
        "cut_off": one.cut_off,
    }


def _attended_of(state: dict[str, Any]) -> Attended:
    account, option = np.frombuffer(state["account"], np.uint64), np.frombuffer(state["option"], np.int32)
    alike = np.frombuffer(state["alike"], np.float64)
    burst = Burst(*state["burst"])
    return Attended(burst, account, option, state["bystanders"], alike, state["settled"], state["cut_off"])


def _burst_state(burst: Burst) -> list[int]:
    return [burst.poll, burst.start_ms, burst.end_ms]
