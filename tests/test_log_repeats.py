"""A library that complains ten times a second does not fill the log, and what it says is not lost either."""

from __future__ import annotations

import logging

from streams.log_repeats import EVERY_S, Repeats


class Log:
    """A log whose clock is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.told: list[str] = []
        self._filter = Repeats(("aiokafka",), lambda: self.now_s)

    def say(self, name: str, text: str, *arguments: object, level: int = logging.ERROR) -> None:
        record = logging.LogRecord(name, level, "", 0, text, arguments, None)
        if self._filter.filter(record):
            self.told.append(record.getMessage())


def test_what_a_library_says_again_is_told_once_in_a_while_with_how_often_it_was_said() -> None:
    log = Log()
    for _ in range(250):
        log.say("aiokafka.client", "no answer from node %s", 1)
        log.now_s += EVERY_S / 100
    assert log.told == ["no answer from node 1"] + ["no answer from node 1 (left out 99 like it)"] * 2


def test_another_message_level_or_logger_is_told_at_once() -> None:
    log = Log()
    for name in ("aiokafka", "aiokafka.consumer"):
        for text in ("one of %d", "other of %d"):
            for level in (logging.WARNING, logging.ERROR):
                log.say(name, text, 1, level=level)
                log.say(name, text, 2, level=level)
    assert len(log.told) == 8


def test_what_the_project_itself_says_is_never_left_out() -> None:
    log = Log()
    for _ in range(3):
        log.say("streams.worker", "said thrice")
    assert log.told == ["said thrice"] * 3


def test_it_remembers_a_bounded_number_of_kinds() -> None:
    log = Log()
    for number in range(2_500):
        log.say("aiokafka", f"no number is like another: {number}")
    assert len(log.told) == 2_500
    assert len(log._filter._told) <= 1_000
