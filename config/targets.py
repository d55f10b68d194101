"""The targets file -> targets, or one error that lists every problem. Knows what goes with what; opens no other file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from config.assemble import did_you_mean, shown
from config.problems import ConfigError, Problem
from config.schema import Notify
from config.target import MOST_TARGETS, NAME, Format, Sends, Target
from config.toml_file import read_toml
from config.values import Unacceptable, convert, hints_of

_OF_COOP = ("reporter_type", "reporter_id", "item_type", "account_type")
_Complaint = tuple[str, str, str]


def read_targets(notify: Notify) -> dict[str, Target]:
    """Targets by name, in the order of the file; none without a file. Raises ConfigError with every problem."""
    targets, problems = _read(notify)
    if problems:
        raise ConfigError(problems)
    return targets


def check_targets(notify: Notify) -> list[Problem]:
    """Every problem of the targets file, for `check-config`."""
    return _read(notify)[1]


def _read(notify: Notify) -> tuple[dict[str, Target], list[Problem]]:
    if not notify.targets:
        return {}, []
    written, problems = read_toml(Path(notify.targets))
    targets: dict[str, Target] = {}
    for name, values in written.items():
        target, complaints = _target(name, values)
        problems += [Problem(f"{notify.targets}:{key}", what, todo) for key, what, todo in complaints]
        targets[name] = target
    if len(targets) > MOST_TARGETS:
        problems.append(Problem(notify.targets, f"has {len(targets)} targets", f"keep at most {MOST_TARGETS} in one deployment"))
    if not written and not problems:
        problems.append(Problem(notify.targets, "names no target", "write [NAME] and its format below"))
    return targets, problems


def _target(name: str, values: object) -> tuple[Target, list[_Complaint]]:
    if not isinstance(values, Mapping):
        return Target(), [(name, "stands outside of every target", "put it below the [NAME] of its target")]
    complaints: list[_Complaint] = []
    if not re.fullmatch(NAME, name):
        complaints.append((name, "cannot be a target's name", "use up to 32 small letters, digits and -"))
    hints = hints_of(Target)
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in hints:
            complaints.append((f"{name}.{key}", "unknown setting", did_you_mean(key, hints)))
            continue
        try:
            given[key] = convert(value, hints[key], from_text=False)
        except Unacceptable as error:
            complaints.append((f"{name}.{key}", shown(value), f"must be {error}"))
    broken = {key for key, _, _ in complaints}
    target = replace(Target(), **given)
    if target.format is Format.COOP and "sends" not in given:
        target = replace(target, sends=Sends.MODERATION)
    found = ((f"{name}.{key}", what, todo) for key, what, todo in _mistakes(target, set(values)))
    return target, complaints + [each for each in found if each[0] not in broken]


def _mistakes(target: Target, given: set[str]) -> Iterator[_Complaint]:
    """Everything that does not go together, as (key, what is wrong, what to do)."""
    if "format" not in given:
        yield "format", "is missing", "choose one of " + ", ".join(Format)
        return
    yield from _address(target)
    yield from _secrets(target)
    yield from _of_coop(target, given)
    if target.sends is Sends.MODERATION and target.format in (Format.SLACK, Format.ALERTMANAGER):
        yield "sends", f"cannot be moderation with format {target.format}", "use generic or coop for moderation items"
    if target.sends is Sends.ALERTS and target.format is Format.COOP:
        yield "sends", "cannot be alerts with format coop", "remove it: Coop gets moderation items"
    for key in ("severities", "verdicts"):
        if key in given and not getattr(target, key):
            yield key, "is empty, so nothing would be sent", "name some, or remove it to send all"
        elif key in given and target.sends is Sends.MODERATION:
            yield key, "is set, but moderation items have none", "remove it"


def _address(target: Target) -> Iterator[_Complaint]:
    if target.url and target.url_file:
        yield "url", "is set together with url_file", "keep one of the two"
    elif not target.url and not target.url_file:
        yield "url", "is missing", "set it, or url_file where the address is a secret"
    elif target.url and target.format is Format.SLACK:
        yield "url", "must not stand here: whoever knows it can post", "put it in a file and name that in url_file"
    elif target.url and (complaint := bad_address(target.url, target.allow_http)):
        yield "url", *complaint


def bad_address(url: str, allow_http: bool) -> tuple[str, str] | None:
    """What is wrong with an address and what to do, None when it can be posted to; the address is not quoted."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address", 'write "https://host/path"'
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-~]+", url) or parts.fragment:
        return "is no address", 'write "https://host/path"'
    if parts.username is not None or parts.password is not None:
        return "holds a name or a password", "put the value of the Authorization header in a file and name that in authorization_file"
    if parts.scheme == "http" and not allow_http and not _is_here(parts):
        return "is not https, so what is sent can be read on the way", "use https, or set allow_http = true"
    return None


def _is_here(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secrets(target: Target) -> Iterator[_Complaint]:
    if target.format is Format.GENERIC and not target.secret_file:
        yield "secret_file", "is missing", "put a secret in a file (openssl rand -hex 32) and name it: receivers know us by the signature"
    if target.format is Format.COOP and not target.api_key_file:
        yield "api_key_file", "is missing", "put Coop's API key in a file and name it"
    if target.format is not Format.COOP and target.api_key_file:
        yield "api_key_file", f"is set, but format is {target.format}", "remove it, or use authorization_file"


def _of_coop(target: Target, given: set[str]) -> Iterator[_Complaint]:
    for key in (*_OF_COOP, "policy"):
        if target.format is not Format.COOP and key in given:
            yield key, f"is set, but format is {target.format}", "remove it"
        elif target.format is Format.COOP and not getattr(target, key) and key in _OF_COOP:
            yield key, "is missing", "set it to the id that Coop gave out"
