"""Cases forget an account: who was told of it is told again without it, and nothing else is withdrawn."""

from __future__ import annotations

import msgspec
import pytest
from told_cases import Told, finding, people, sighting

from detectors.cases import shelf

RING = people(20, "r")


def test_items_that_named_an_erased_account_are_sent_again_without_it_once() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=[*RING, "maria"]))
    told.tell(20, sighting(15, "p", accounts=RING, cleared=["peter"]), sighting(15.5, "p", accounts=["peter"], cluster="c"))
    step = told.book.erase("maria", "f00d/0")
    assert {one.account_id for item in step.items for one in item.accounts} == {*RING, "peter"}
    assert step.items[0].revision == told.items[-1].revision + 1
    assert b"maria" not in msgspec.msgpack.encode(told.book.snapshot())
    assert told.book.erase("maria", "f00d/0").items == []
    told.tell(30, sighting(25, "p", accounts=["maria"]))
    assert "maria" in told.named(), "what it does later is news"
    assert told.book.erase("maria", "f00d/0").items == [], "an order that is repeated is done"
    assert b"maria" in msgspec.msgpack.encode(told.book.snapshot())


def test_an_account_is_forgotten_where_findings_wait_and_where_cases_are_closed() -> None:
    told = Told(shards=2)
    told.tell(10, sighting(5, "p", accounts=[*RING, "maria"]), shard=0)
    assert b"maria" in msgspec.msgpack.encode(told.book.snapshot())
    assert told.book.erase("maria", "f00d/0").items == []
    told.tell(10, shard=1)
    assert told.named() == set(RING)
    told.tell(20, sighting(15, "p", accounts=["peter"]), shard=0)
    told.tell(5_000, shard=0)
    told.tell(5_000, shard=1)
    assert told.open() == 0
    step = told.book.erase("peter", "beef/0")
    assert {one.account_id for item in step.items for one in item.accounts} == set(RING)
    assert b"peter" not in msgspec.msgpack.encode(told.book.snapshot())


def test_a_case_from_which_everybody_was_erased_is_not_withdrawn_for_that() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=["maria"]), finding(5))
    told.book.erase("maria", "f00d/0")
    told.tell(20, sighting(15, "p", phase="calm", lean="none", score=0.0))
    assert told.verdicts()[-1][1] in ("coordinated", "mixed")


def test_the_room_of_an_erased_name_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_NAMED", len(RING))
    told = Told()
    told.tell(10, sighting(5, "p", accounts=RING))
    told.book.erase(RING[0], "f00d/0")
    told.tell(90, sighting(80, "p", accounts=["peter"]), ended=True)
    assert told.named() == {*RING[1:], "peter"}
