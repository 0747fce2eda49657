"""The mini-language of endpoint strings, before any kind gives it a meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.reactor.endpoints import (
    DescriptionTypeError,
    EmptyDescriptionError,
    EndpointStringError,
    UnfinishedEscapeError,
    quoteStringArgument,
)
from wirelab.reactor.endpoints.description import parse_description

GOOD = [
    # description, kind, positional, named
    ("tcp", "tcp", [], {}),
    ("tcp:", "tcp", [""], {}),
    ("tcp:80", "tcp", ["80"], {}),
    ("TCP:80", "tcp", ["80"], {}),
    (" tcp:80 ", " tcp", ["80 "], {}),
    ("tcp:h:80", "tcp", ["h", "80"], {}),
    ("tcp::80", "tcp", ["", "80"], {}),
    ("tcp:80:interface=127.0.0.1:backlog=5", "tcp", ["80"], {"interface": "127.0.0.1", "backlog": "5"}),
    ("tcp:a=b=c", "tcp", [], {"a": "b=c"}),
    ("tcp:a=", "tcp", [], {"a": ""}),
    ("tcp:=a", "tcp", [], {"": "a"}),
    ("tcp:a=1:a=2", "tcp", [], {"a": "2"}),
    (r"ssl:privateKey=C\:/key.pem", "ssl", [], {"privateKey": "C:/key.pem"}),
    (r"unix:/a\=b", "unix", ["/a=b"], {}),
    (r"unix:/a\\b", "unix", ["/a\\b"], {}),
    (r"unix:\a\b", "unix", ["ab"], {}),
    (r"tcp:\:\:1:80", "tcp", ["::1", "80"], {}),
    ("tcp:[::1]:80", "tcp", ["::1", "80"], {}),
    ("tcp:host=[2001:db8::1]:port=80", "tcp", [], {"host": "2001:db8::1", "port": "80"}),
    ("tcp:80:interface=[::ffff:1.2.3.4]", "tcp", ["80"], {"interface": "::ffff:1.2.3.4"}),
    ("tcp:[fe80::1%eth0]:80", "tcp", ["fe80::1%eth0", "80"], {}),
    # What only looks like an address in brackets is read as anything else is.
    ("unix:[a]", "unix", ["[a]"], {}),
    ("unix:[1]", "unix", ["[1]"], {}),
    (r"unix:[\:\:1]", "unix", ["[::1]"], {}),
    ("unix:x[::1]", "unix", ["x[", "", "1]"], {}),
    ("unix:[::1]x", "unix", ["[", "", "1]x"], {}),
]


@pytest.mark.parametrize(("text", "kind", "positional", "named"), GOOD, ids=[row[0] for row in GOOD])
def test_description_is_taken_apart(
    text: str, kind: str, positional: list[str], named: dict[str, str]
) -> None:
    description = parse_description(text)
    assert description.kind == kind
    assert description.positional == positional
    assert description.named == named
    assert str(description) == text


def test_arguments_know_where_they_are() -> None:
    text = r"tcp:\:\:1:port=80"
    arguments = parse_description(text).arguments
    assert [text[each.position : each.position + each.length] for each in arguments] == [r"\:\:1", "port=80"]
    assert [str(each) for each in arguments] == ["::1", "port=80"]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ("", EmptyDescriptionError, "the endpoint string is empty: write for example 'tcp:8080'"),
        (b"tcp:80", DescriptionTypeError, r"is str, not bytes \(b'tcp:80'\): decode it first"),
        (None, DescriptionTypeError, r"is str, not NoneType \(None\)"),
        (8080, DescriptionTypeError, r"is str, not int \(8080\)"),
        ("tcp:80\\", UnfinishedEscapeError, r"the last backslash escapes nothing.*at position 6 of 'tcp:80"),
    ],
)
def test_what_is_no_description_is_refused(wrong, error, text: str) -> None:
    with pytest.raises(error, match=text) as raised:
        parse_description(wrong)
    assert isinstance(raised.value, EndpointStringError)
    assert isinstance(raised.value, ValueError)


def test_something_else_than_text_is_a_type_error_too() -> None:
    with pytest.raises(TypeError):
        parse_description(b"tcp:80")


def test_the_fault_is_pointed_at() -> None:
    error = EndpointStringError("what", "tcp:80:bad=1", 7, 5)
    assert error.pointer == "tcp:80:bad=1\n       ^^^^^"
    assert str(error) == "what, at position 7 of 'tcp:80:bad=1'"


def test_a_long_description_is_cut_in_the_message() -> None:
    assert len(str(EndpointStringError("what", "tcp:" + "x" * 500))) < 100


@pytest.mark.parametrize(
    ("plain", "quoted"),
    [("", ""), ("plain", "plain"), ("C:/x", r"C\:/x"), ("a\\b", r"a\\b"), ("a=b", r"a\=b"), (r"\:", r"\\\:")],
)
def test_quoting_escapes_what_has_a_meaning(plain: str, quoted: str) -> None:
    assert quoteStringArgument(plain) == quoted


@pytest.mark.parametrize("wrong", [b"bytes", None, 1])
def test_only_text_is_quoted(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"quoteStringArgument\(\) takes str"):
        quoteStringArgument(wrong)


@given(st.text(), st.text())
def test_quoted_values_come_back_unchanged(first: str, second: str) -> None:
    text = f"kind:{quoteStringArgument(first)}:name={quoteStringArgument(second)}"
    description = parse_description(text)
    assert description.positional == [first]
    assert description.named == {"name": second}


@given(st.text())
def test_any_text_is_either_taken_apart_or_refused_with_a_place(text: str) -> None:
    try:
        description = parse_description(text)
    except EndpointStringError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert len(description.arguments) <= text.count(":")
