"""Amounts as a person reads them: bytes, time, counts, places."""

from __future__ import annotations


def octets(count: int) -> str:
    """``0 B``, ``999 B``, ``1.2 kB``, ``35 MB``: SI units, as transfer rates have them."""
    if count < 1000:
        return f"{count} B"
    units = iter(("kB", "MB", "GB"))
    value, unit = count / 1000, next(units)
    while value >= 999.5 and unit != "TB":
        value, unit = value / 1000, next(units, "TB")
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def seconds(value: float) -> str:
    """``0.14 s``, ``3.2 s``, ``45 s``, ``2 min``, ``3 h``, ``5 d``: as much as the eye needs."""
    if value < 1:
        return f"{value:.2f} s"
    if value < 10:
        return f"{value:.1f} s"
    for size, unit, limit in ((1, "s", 100), (60, "min", 100), (3600, "h", 48), (86400, "d", None)):
        if limit is None or value < size * limit:
            return f"{value / size:.0f} {unit}"
    raise AssertionError("the last unit has no limit")


def whole_seconds(value: float) -> str:
    """As `seconds`, for a column that says how long ago: ``0 s``, ``3 s``."""
    return f"{value:.0f} s" if value < 10 else seconds(value)


def counted(count: int, noun: str) -> str:
    """``no connections``, ``1 connection``, ``12 connections``."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
