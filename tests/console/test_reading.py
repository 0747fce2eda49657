"""The bytes of a conversation and the reads that wait for them, whole and split at every byte."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.console.errors import EndedError, LocalClosedError, LocalLimitError, RemoteClosedError
from wirelab.console.reading import HIGH_WATER, LOW_WATER, Exactly, ReadBuffer, Some, Until, Want

LINE = b"\n"


def line(limit: int = 100) -> Until:
    return Until(LINE, limit, is_line=True)


def drain(buffer: ReadBuffer) -> list[bytes | Exception]:
    answers = []
    while (answer := buffer.next_answer()) is not None:
        answers.append(answer[1])
    return answers


def told(answers: list[bytes | Exception]) -> list[object]:
    """Answers in a form that compares: an error by its kind, with what was left."""
    return [
        (type(each).__name__, getattr(each, "partial", None)) if isinstance(each, Exception) else each
        for each in answers
    ]


# (what comes in before the end, the reads that wait, the answers)
TABLE: list[tuple[bytes, list[Want], list[object]]] = [
    (b"hello\r\n", [line()], [b"hello"]),
    (b"hello\n", [line()], [b"hello"]),
    (b"\r\n\n", [line(), line()], [b"", b""]),
    (b"a\rb\r\r\n", [line()], [b"a\rb\r"]),
    (b"one\r\ntwo\r\n", [line(), line()], [b"one", b"two"]),
    (b"abcdef", [Exactly(2), Exactly(3), Exactly(1)], [b"ab", b"cde", b"f"]),
    (b"", [Exactly(0)], [b""]),
    (b"user> pw> ", [Until(b"> "), Until(b"> ")], [b"user> ", b"pw> "]),
    (b"--abc--=--=", [Until(b"--=")], [b"--abc--="]),
    (b"aab", [Until(b"ab")], [b"aab"]),
    (b"5\r\nhello", [line(), Exactly(5)], [b"5", b"hello"]),
    (b"hel", [line()], [("RemoteClosedError", b"hel")]),
    (b"hel", [Exactly(4), Exactly(3)], [("RemoteClosedError", b"hel"), b"hel"]),
    (b"ab", [Until(b"abc"), line(), Exactly(2)], [("RemoteClosedError", b"ab")] * 2 + [b"ab"]),
    (b"", [Some(), line(), Some(5)], [b"", ("RemoteClosedError", b""), b""]),
    (b"x" * 101 + b"\n", [line(100), Exactly(102)], [("LocalLimitError", None), b"x" * 101 + b"\n"]),
    (b"x" * 100 + b"\n", [line(100)], [b"x" * 100]),
    (b"x" * 8 + b"END", [Until(b"END", 8)], [b"x" * 8 + b"END"]),
    (
        b"x" * 9 + b"END",
        [Until(b"END", 8), line()],
        [("LocalLimitError", None), ("RemoteClosedError", b"x" * 9 + b"END")],
    ),
]


def fresh(wants: list[Want]) -> list[Want]:
    """The same reads again, without what a search has noted in them."""
    return [Until(w.delimiter, w.limit, w.is_line) if isinstance(w, Until) else w for w in wants]


@pytest.mark.parametrize(("data", "wants", "answers"), TABLE)
def test_reads_get_what_they_wait_for_wherever_the_bytes_are_cut(
    data: bytes, wants: list[Want], answers: list[object]
) -> None:
    cuts = [[data[:at], data[at:]] for at in range(len(data) + 1)]
    cuts.append([data[at : at + 1] for at in range(len(data))])
    for pieces in cuts:
        buffer, got = ReadBuffer(), []
        for want in fresh(wants):
            buffer.ask(want)
        for piece in pieces:
            buffer.receive_data(piece)
            got += drain(buffer)
        buffer.receive_end()
        assert told(got + drain(buffer)) == answers


@pytest.mark.parametrize(("data", "wants", "answers"), TABLE)
def test_reads_that_ask_after_the_end_get_the_same(
    data: bytes, wants: list[Want], answers: list[object]
) -> None:
    buffer = ReadBuffer()
    buffer.receive_data(data)
    buffer.receive_end()
    for want in fresh(wants):
        buffer.ask(want)
    assert told(drain(buffer)) == answers


def test_some_gives_what_is_there_and_no_more_than_asked() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"abcdef")
    buffer.ask(Some(4))
    buffer.ask(Some())
    buffer.ask(Some())
    assert drain(buffer) == [b"abcd", b"ef"]


def test_a_withdrawn_read_leaves_its_bytes_to_the_next() -> None:
    buffer, first = ReadBuffer(), Exactly(10)
    buffer.ask(first)
    buffer.ask(line())
    buffer.receive_data(b"hi\r\n")
    assert buffer.next_answer() is None
    buffer.withdraw(first)
    assert drain(buffer) == [b"hi"]
    buffer.withdraw(first)


def test_withdrawing_forgets_that_read_and_no_equal_one() -> None:
    buffer, first, second = ReadBuffer(), Exactly(1), Exactly(1)
    buffer.ask(first)
    buffer.ask(second)
    buffer.withdraw(second)
    buffer.receive_data(b"x")
    answer = buffer.next_answer()
    assert answer is not None and answer[0] is first


def test_bytes_put_back_come_first_again() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"one\ntw")
    buffer.ask(line())
    assert drain(buffer) == [b"one"]
    buffer.ask(line())
    assert drain(buffer) == []
    buffer.put_back(b"one\n")
    buffer.receive_data(b"o\n")
    assert drain(buffer) == [b"one"]


def test_a_connection_lost_with_an_error_gives_its_reason_to_all_that_wait() -> None:
    buffer, reason = ReadBuffer(), ConnectionResetError("gone")
    buffer.receive_data(b"rest")
    for want in (line(), Some(), Some(), Exactly(1)):
        buffer.ask(want)
    buffer.receive_end(reason)
    assert drain(buffer) == [reason, b"rest", reason, reason]


def test_an_end_made_here_says_so() -> None:
    buffer = ReadBuffer()
    buffer.receive_end(is_local=True)
    buffer.receive_end()
    buffer.ask(line())
    [error] = drain(buffer)
    assert isinstance(error, LocalClosedError) and str(error) == "closed here before a line came"


def test_the_error_of_an_early_end_says_what_came_and_how_to_get_it() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"hel")
    buffer.receive_end()
    buffer.ask(Exactly(5))
    [error] = drain(buffer)
    assert isinstance(error, RemoteClosedError) and isinstance(error, EndedError)
    assert (
        str(error) == "the peer closed before 5 bytes came; 3 bytes are left, and recv() gives them: b'hel'"
    )


def test_the_error_of_a_long_line_names_the_limit() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"x" * 30)
    buffer.ask(line(10))
    [error] = drain(buffer)
    assert isinstance(error, LocalLimitError) and error.limit == 10
    assert "no line within 10 bytes, which is the limit: recv() gives what is there" in str(error)


def test_it_is_full_from_the_high_mark_down_to_the_low_one() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"x" * (HIGH_WATER - 1))
    assert not buffer.is_full
    buffer.receive_data(b"x")
    assert buffer.is_full
    buffer.ask(Exactly(HIGH_WATER - LOW_WATER))
    drain(buffer)
    assert buffer.is_full
    buffer.ask(Exactly(1))
    drain(buffer)
    assert not buffer.is_full
    buffer.receive_data(b"x")
    assert not buffer.is_full


def test_a_read_that_waits_for_more_than_the_high_mark_lets_it_in() -> None:
    buffer = ReadBuffer()
    buffer.receive_data(b"x" * HIGH_WATER)
    buffer.ask(Exactly(HIGH_WATER + 1))
    assert drain(buffer) == [] and not buffer.is_full
    buffer.receive_data(b"x")
    assert [len(data) for data in drain(buffer) if isinstance(data, bytes)] == [HIGH_WATER + 1]


def test_one_byte_fragments_cost_linear_work() -> None:
    def cost(size: int) -> float:
        buffer = ReadBuffer()
        buffer.ask(Until(b"\r\n.\r\n", 1 << 20))
        start = time.process_time()
        for _ in range(size):
            buffer.receive_data(b"\r")
            assert buffer.next_answer() is None
        return time.process_time() - start

    cost(1000)
    assert cost(100_000) < 40 * max(cost(10_000), 1e-3)


STEPS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=6),
        st.builds(Some, st.one_of(st.none(), st.integers(1, 5))),
        st.builds(Exactly, st.integers(0, 8)),
        st.builds(Until, st.sampled_from([b"\n", b"ab", b"\r\n"])),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
def test_no_byte_is_lost_or_given_twice_whatever_is_asked_and_withdrawn(
    steps: list[bytes | Want | int],
) -> None:
    buffer, came, given, waiting = ReadBuffer(), b"", b"", []
    for step in steps:
        if isinstance(step, bytes):
            buffer.receive_data(step)
            came += step
        elif isinstance(step, int):
            if step < len(waiting):
                buffer.withdraw(waiting.pop(step))
        else:
            [want] = fresh([step])
            buffer.ask(want)
            waiting.append(want)
        while (answer := buffer.next_answer()) is not None:
            assert answer[0] is waiting.pop(0)
            assert isinstance(answer[1], bytes)
            given += answer[1]
    buffer.receive_end()
    given += b"".join(data for data in drain(buffer) if isinstance(data, bytes))
    assert given + buffer.peek(len(came)) == came
