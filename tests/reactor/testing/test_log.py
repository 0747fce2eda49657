"""`EventLoggingObserver` keeps log records for a test to look at."""

from __future__ import annotations

import logging

from wirelab.reactor.testing import EventLoggingObserver

LOG = "tests.event_logging_observer"


def test_it_keeps_the_records_of_its_logger_while_entered() -> None:
    log = logging.getLogger(LOG)
    with EventLoggingObserver(LOG) as events:
        log.error("one %d", 1)
        logging.getLogger(LOG + ".below").warning("two")
        logging.getLogger("tests.elsewhere").warning("not here")
    log.error("after")
    assert events.messages() == ["one 1", "two"]


def test_it_is_a_sequence_of_records() -> None:
    with EventLoggingObserver(logging.getLogger(LOG)) as events:
        assert len(events) == 0
        assert events  # a handler is a handler, with records or without
        logging.getLogger(LOG).warning("a")
        logging.getLogger(LOG).warning("b")
    assert len(events) == 2
    assert events[0].getMessage() == "a"
    assert [record.getMessage() for record in events[-1:]] == ["b"]
    assert [record.levelname for record in events] == ["WARNING", "WARNING"]


def test_levels_below_its_own_are_left_out() -> None:
    with EventLoggingObserver(LOG, logging.ERROR) as events:
        logging.getLogger(LOG).warning("small")
        logging.getLogger(LOG).error("big")
    assert events.messages() == ["big"]


def test_it_can_be_called_with_a_record() -> None:
    events = EventLoggingObserver()
    events(logging.makeLogRecord({"msg": "direct"}))
    assert events.messages() == ["direct"]
