"""Amounts as a person reads them."""

import pytest

from wirelab.console.amounts import counted, octets, seconds, whole_seconds


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_499, "999 kB"),
        (999_501, "1.0 MB"),
        (35_400_000, "35 MB"),
        (7 * 10**15, "7000 TB"),
    ],
)
def test_octets_take_the_unit_that_keeps_them_short(count: int, text: str) -> None:
    assert octets(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 s"),
        (0.14, "0.14 s"),
        (3.21, "3.2 s"),
        (45.4, "45 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (1e6, "12 d"),
    ],
)
def test_seconds_take_the_unit_that_keeps_them_short(value: float, text: str) -> None:
    assert seconds(value) == text


def test_whole_seconds_leave_the_fraction_out() -> None:
    assert [whole_seconds(value) for value in (0.2, 3.4, 45, 130)] == ["0 s", "3 s", "45 s", "2 min"]


def test_counts_name_what_they_count() -> None:
    assert [counted(n, "connection") for n in (0, 1, 2)] == [
        "no connections",
        "1 connection",
        "2 connections",
    ]
