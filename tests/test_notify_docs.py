"""The how-to against the code: its example is a targets file, its receiver knows us, its tables name every setting and every header."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from config import Secret, Settings, with_overrides
from config.target import Target
from config.targets import check_targets, read_targets
from config.values import hints_of
from streams.notify.signing import IDEMPOTENCY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signed

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "webhooks.md").read_text(encoding="utf-8")
OLD, NEW = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def is_ours() -> Callable[[Mapping[str, str], bytes, str], bool]:
    namespace: dict[str, Any] = {}
    exec(block("python"), namespace)  # noqa: S102  the page is ours
    checker: Callable[[Mapping[str, str], bytes, str], bool] = namespace["is_ours"]
    return checker


def test_the_example_is_a_targets_file_without_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "targets.toml"
    path.write_text(block("toml"))
    notify = with_overrides(Settings(), notify={"targets": str(path)}).notify
    assert check_targets(notify) == []
    assert list(read_targets(notify)) == list(tomllib.loads(block("toml")))


def test_the_receiver_of_the_page_takes_what_is_ours_and_fresh_and_nothing_else(is_ours: Callable[..., bool]) -> None:
    now_s, body = int(time.time()), b'{"id":"x"}'
    headers = signed([Secret(OLD), Secret(NEW)], now_s, body)
    assert is_ours(headers, body, OLD)
    assert is_ours(headers, body, NEW)
    assert not is_ours(headers, body, "another")
    assert not is_ours(headers, body + b" ", OLD)
    assert not is_ours({**headers, TIMESTAMP_HEADER: str(now_s + 1)}, body, OLD), "the time is signed too"
    for then_s in (now_s - 302, now_s + 302):
        assert not is_ours(signed([Secret(OLD)], then_s, body), body, OLD)
    for timestamp in ("", "-1", "soon", "١٢٣"):
        assert not is_ours({**headers, TIMESTAMP_HEADER: timestamp}, body, OLD)
    assert not is_ours({}, body, OLD)
    assert not is_ours({**headers, SIGNATURE_HEADER: "v1=ü,,="}, body, OLD)


def test_every_setting_and_every_header_is_on_the_page() -> None:
    assert [name for name in hints_of(Target) if f"`{name}`" not in PAGE] == []
    assert [name for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER, IDEMPOTENCY_HEADER) if f"`{name}`" not in PAGE] == []


def test_nothing_is_signed_without_a_secret() -> None:
    assert signed([], 1, b"") == {}
