"""Labels as names at the prompt: `p1`, `c3` and `d1`, where the user has no such name of his own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

KEPT = 200
"""Labels of shown things that stay names at the prompt: what is older can still be had through `net`."""

_LABEL = re.compile(r"[a-z][0-9]+\Z")


class Labels:
    """Puts labels into `namespace`, and takes them out again; the user's own names are never touched."""

    def __init__(self, namespace: Callable[[], dict[str, Any]], hidden: Callable[[], dict[str, Any]]) -> None:
        self._namespace = namespace
        self._hidden = hidden
        self._ours: dict[str, object] = {}

    def offer(self, label: str, value: object) -> None:
        """Let `label` mean `value` at the prompt, unless it means something of the user's."""
        names = self._namespace()
        if label in names and not self._is_ours(label):
            return
        self._ours.pop(label, None)
        self._ours[label] = names[label] = self._hidden()[label] = value
        while len(self._ours) > KEPT:
            self._take_away(next(iter(self._ours)))

    def offer_named(self, nodes: list[ast.stmt], find: Callable[[str], object]) -> None:
        """Offer those labels that the code of a cell names, and that `find` knows."""
        names = self._namespace()
        for node in nodes:
            for found in ast.walk(node):
                if isinstance(found, ast.Name) and found.id not in names and _LABEL.match(found.id):
                    value = find(found.id)
                    if value is not None:
                        self.offer(found.id, value)

    def clear(self) -> None:
        """Take all labels away."""
        for label in list(self._ours):
            self._take_away(label)

    def _is_ours(self, label: str) -> bool:
        return label in self._ours and self._namespace().get(label) is self._ours[label]

    def _take_away(self, label: str) -> None:
        if self._is_ours(label):
            del self._namespace()[label]
        self._hidden().pop(label, None)
        del self._ours[label]
