"""Values as the messages of this room show them."""

from __future__ import annotations


def shown(value: object) -> str:
    """`value` as an error message shows it: its repr, cut to a length that fits in a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
