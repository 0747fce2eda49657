"""Labels as names: never in the way of the user's own."""

from __future__ import annotations

import ast
from typing import Any

from wirelab.console.labels import KEPT, Labels


def make(**names: Any) -> tuple[Labels, dict[str, Any], dict[str, Any]]:
    hidden: dict[str, Any] = {}
    return Labels(lambda: names, lambda: hidden), names, hidden


def test_a_label_becomes_a_hidden_name() -> None:
    labels, names, hidden = make()
    labels.offer("p1", "port")
    assert names == {"p1": "port"} == hidden


def test_the_users_name_stays() -> None:
    labels, names, hidden = make(p1="mine")
    labels.offer("p1", "port")
    assert names == {"p1": "mine"} and hidden == {}


def test_a_label_that_the_user_took_over_is_his() -> None:
    labels, names, _ = make()
    labels.offer("p1", "port")
    names["p1"] = "mine"
    labels.offer("p1", "another")
    labels.clear()
    assert names == {"p1": "mine"}


def test_labels_in_the_code_of_a_cell_get_their_meaning() -> None:
    labels, names, _ = make()
    tree = ast.parse("c7.close(); print(p1, x, c8)")
    labels.offer_named(tree.body, {"c7": "seven", "p1": "port", "x": "no"}.get)
    assert names == {"c7": "seven", "p1": "port"}


def test_only_the_latest_are_kept() -> None:
    labels, names, _ = make()
    for number in range(KEPT + 5):
        labels.offer(f"c{number}", number)
    assert len(names) == KEPT and "c4" not in names and "c5" in names


def test_clearing_takes_ours_away() -> None:
    labels, names, hidden = make(x=1)
    labels.offer("p1", "port")
    labels.clear()
    assert names == {"x": 1} and hidden == {}
