"""Strict JSON: what is refused, and in which words."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import Invalid
from inventory.limits import MAX_DEPTH, MAX_DIGITS
from inventory.normalize.strict_json import LargeInteger, kind_of, named, parse

BODIES = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "payloads" / "v1").glob("*.json"))]


def refusal(body: bytes) -> str:
    """The words a body is refused with."""
    with pytest.raises(Invalid) as caught:
        parse(body)
    return caught.value.what


def place(body: bytes) -> str:
    """Where a body is refused."""
    what = refusal(body)
    assert what.startswith("the answer is invalid at "), what
    return what.removeprefix("the answer is invalid at ").split(": ")[0]


def _row(fault: str) -> bytes:
    return b'{"models": [{"key": "a"}, {"key": "b"}, {"key": "c"}, {"key": "d", "size_bytes": %s}]}' % fault.encode()


@pytest.mark.guard("half a surrogate pair")
@pytest.mark.guard("levels of nesting")
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("NaN", "NaN, which is no JSON"),
        ("Infinity", "Infinity, which is no JSON"),
        ("-Infinity", "-Infinity, which is no JSON"),
        ("NaNs", "NaN, which is no JSON"),
        ("1" + "0" * MAX_DIGITS, "a whole number of more than 4,300 digits"),
        ("-1" + "0" * MAX_DIGITS, "a whole number of more than 4,300 digits"),
        ("1" + "0" * 1_000_000, "a whole number of more than 4,300 digits"),
        ("10000000000000000000x", "expecting ',' delimiter"),
        ("1e999", "a number that is larger than any double"),
        ("-1E+999", "a number that is larger than any double"),
        ("1" + "0" * 400 + ".5", "a number that is larger than any double"),
        (r'"\ud800"', "half of a surrogate pair"),
        (r'"\uDFFF tail"', "half of a surrogate pair"),
        (r'"\ude00\ud83d"', "half of a surrogate pair"),
        ('"a\x00b"', "invalid control character"),
        ('"a\nb"', "invalid control character"),
        (r'"\x"', "invalid \\escape"),
        ("\x00", "expecting value"),
        ("'text'", "expecting value"),
        ("undefined", "expecting value"),
        ("+1", "expecting value"),
        (".5", "expecting value"),
        ("01", "expecting ',' delimiter"),
        ("1 2", "expecting ',' delimiter"),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, "nested more than 64 levels deep"),
        ("[" * 900 + "]" * 900, "nested more than 64 levels deep"),
        ('{"a":' * 100_000, "nested more than 64 levels deep"),
    ],
)
def test_refused_value(fault: str, words: str) -> None:
    """A value that strict JSON forbids is refused with its place and a reason."""
    body = _row(fault)
    assert words in refusal(body)
    assert place(body).startswith("models[3].size_bytes")


@pytest.mark.guard("a name given twice")
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"models": [], "models": []}', "models"),
        (b'{"models": [{"key": "a"}, {"key": "b", "type": 1, "key": "b"}]}', "models[1].key"),
        (b'{"models": [{"key": "a", "quantization": {"name": 1, "name": 1}}]}', "models[0].quantization.name"),
        (rb'{"models": [{"key": 1, "\u006bey": 2}]}', "models[0].key"),
        (b'[[[{"x": {"": 0, "": 0}}]]]', '[0][0][0].x[""]'),
        (b'{"a b": {"c": 1, "c": 2}}', '["a b"].c'),
        (b'{"a": NaN, "a": 1}', "a"),
    ],
)
def test_repeated_name(body: bytes, where: str) -> None:
    """A name given twice in one object is refused at any depth, however it is spelled; the first fault is told."""
    assert place(body) == where


def test_same_name_in_different_objects() -> None:
    """One name in two objects, one inside the other or side by side, is no repetition."""
    assert parse(b'{"a": {"a": [{"a": 1}, {"a": 1}]}}') == {"a": {"a": [{"a": 1}, {"a": 1}]}}


def test_half_a_surrogate_in_a_name() -> None:
    """Half a surrogate pair in a name is refused in plain words."""
    assert refusal(rb'{"models": [{"\ud800": 1}]}') == (
        "the answer is invalid at models[0]: half of a surrogate pair, which is no character"
    )


@pytest.mark.parametrize("body", [rb'["\ud83d\ude00"]', '["\U0001f600"]'.encode(), rb'["\\ud800"]'])
def test_whole_surrogate_pairs_are_accepted(body: bytes) -> None:
    """A whole surrogate pair, and a backslash followed by such letters, are ordinary text."""
    assert parse(body) == json.loads(body)


def test_unfinished_name_is_no_repetition() -> None:
    """A name broken off by a control character is told as that, even if its beginning is a name given before."""
    assert "invalid control character" in refusal(b'{"a": 1, "a\x01": 2}')


@pytest.mark.parametrize(
    ("body", "where", "at"),
    [
        (b'{"models": [{"key": "\xff"}]}', "models[0].key", 21),
        (b'{"models": [{"key": "\xc3"}]}', "models[0].key", 21),
        (b'{"models": [{"key": "\xed\xa0\x80"}]}', "models[0].key", 21),
        (b'\xef\xbb\xbf{"a": "\xe9"}', "a", 10),
    ],
)
def test_not_utf8(body: bytes, where: str, at: int) -> None:
    """Text that is not UTF-8 is refused with its place and its byte, counted from the body's beginning."""
    assert refusal(body) == f"the answer is invalid at {where}: text that is not UTF-8, at byte {at}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings(encoding: str) -> None:
    """UTF-16 and UTF-32 are refused, with and without a byte order mark."""
    assert refusal('{"models": []}'.encode(encoding))


def test_byte_order_mark() -> None:
    """A UTF-8 byte order mark in front changes nothing."""
    assert parse(b'\xef\xbb\xbf{"models": []}') == {"models": []}


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf"])
def test_empty(body: bytes) -> None:
    """A body without any text is refused, and not as JSON that is wrong."""
    assert refusal(body) == "the answer is empty"


@pytest.mark.parametrize("tail", [b"{}", b"x", b"]", b"\x00", b",", b"// note", b'"', b"\xff"])
def test_trailing_garbage(tail: bytes) -> None:
    """Anything but white space after the document is refused."""
    assert refusal(BODIES[0].strip() + b"\n" + tail)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 0, -1])
def test_64_bit_integers_are_exact(number: int) -> None:
    """Every whole number of 64 bits comes through exactly."""
    assert parse(b"[%d]" % number) == [number]


@pytest.mark.parametrize(
    "number", [2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 10**MAX_DIGITS - 1, -(10**MAX_DIGITS) + 1]
)
def test_larger_integers_are_exact_and_told_apart(number: int) -> None:
    """A whole number beyond 64 bits comes through digit by digit, as one that no column holds."""
    (read,) = parse(f"[{number}]".encode())
    assert type(read) is LargeInteger
    assert read == number
    assert json.dumps({"a": [read]}) == f'{{"a": [{number}]}}'
    assert kind_of(read) == "a number"


def test_python_may_read_fewer_digits() -> None:
    """Where Python was told to read fewer digits than it does by default, more of them are a refusal in words."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert "a whole number of more than" in refusal(b"[%s]" % (b"9" * 641))
        assert parse(b"[%s]" % (b"9" * 640))
    finally:
        sys.set_int_max_str_digits(before)


def test_python_may_read_more_digits() -> None:
    """Where Python was told to read any number of digits, which takes time squared, the limit is still ours."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert "a whole number of more than 4,300 digits" in refusal(b"[%s]" % (b"9" * (MAX_DIGITS + 1)))
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize("levels", [65, 66, 100, 300, 600, 900, 5_000, 100_000])
@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"", b""),
        (b'{"models": [{"key": "a", "size_bytes": ', b"}]}"),
        (b'{"models": [{"key": "a", "new": ', b"}]}"),
        (b'{"models": [{"key": "a", "loaded_instances": [{"id": "a", "config": {"new": ', b"}}]}]}"),
        (b'{"models": [], "beside": ', b"}"),
        (b'{"error": ', b"}"),
    ],
)
def test_too_deep_wherever_it_stands(levels: int, head: bytes, tail: bytes) -> None:
    """More than 64 levels are refused, in lists and in objects, in every part of an answer."""
    for opening, closing in ((b"[", b"]"), (b'{"x":', b"}")):
        body = head + opening * levels + b"1" + closing * levels + tail
        assert "nested more than 64 levels deep" in refusal(body)
        assert place(body).endswith("...")


@pytest.mark.parametrize("inside", [b"", b"1", b'"a"'])
def test_64_levels_are_accepted(inside: bytes) -> None:
    """Exactly 64 levels are accepted, whatever the innermost one holds."""
    body = b"[" * MAX_DEPTH + inside + b"]" * MAX_DEPTH
    assert parse(body) == json.loads(body)


def test_truncation_at_every_byte(payloads: dict[str, bytes]) -> None:
    """A captured answer broken off at any byte is refused."""
    body = payloads["09-devoxxgenie-809-2025-12"].strip()
    for length in range(len(body)):
        assert refusal(body[:length])


def test_captured_answers_are_accepted() -> None:
    """Every captured answer is read as the standard library reads it."""
    assert BODIES
    for body in BODIES:
        assert parse(body) == json.loads(body)


@pytest.mark.parametrize(
    ("head", "unit", "tail"),
    [
        pytest.param(b"", b"[", b"", id="open lists"),
        pytest.param(b"", b'{"a":', b"", id="open objects"),
        pytest.param(b'["', rb"\"", b'\x01"]', id="escaped quotes, then a control character"),
        pytest.param(b'["', rb"\"", b"\xff", id="escaped quotes, then no UTF-8"),
        pytest.param(b'["', rb"\"", b"", id="a text without end"),
        pytest.param(b'{"', rb"aaaaaa\"", rb'\ud800":1}', id="a long name with half a pair"),
        pytest.param(b"", b"9", b"", id="a long number"),
        pytest.param(b"[", b"1234567890123456,", b"", id="many numbers"),
        pytest.param(b"", b'"', b"", id="quotes"),
        pytest.param(b"", b" ", b"x", id="white space"),
    ],
)
def test_hostile_bodies_are_refused_quickly(head: bytes, unit: bytes, tail: bytes) -> None:
    """A hostile body of 30 MB is refused in time that grows with its size, with a short message."""
    body = head + unit * (30_000_000 // len(unit)) + tail
    what = refusal(body)  # takes about 0.5 s; a search that takes time squared would need hours
    assert len(what) < 400


def test_no_place_is_made_up() -> None:
    """For a fault far into a large body no place is told rather than a wrong one."""
    padding = b'{"models": [' + b'{"key": "a"},' * 50_000
    assert refusal(padding + b'{"size_bytes": NaN}]}').startswith(
        "the answer is invalid: NaN, which is no JSON, beyond"
    )
    assert refusal(padding + b'{"size_bytes": }]}').startswith("the answer is invalid: no valid JSON (expecting value)")


@pytest.mark.parametrize(
    ("name", "step"),
    [("size_bytes", ".size_bytes"), ("a b", '["a b"]'), ("\x1b[31m", '["\\u001b[31m"]'), ("x" * 99, f'["{"x" * 40}"]')],
)
def test_named(name: str, step: str) -> None:
    """A name from the other side is quoted, escaped and cut before it stands in a message."""
    assert named(name) == step


def accepted_or_invalid(body: bytes) -> Any:
    """The document, or None for a body that is refused as it should be; any other exception passes."""
    try:
        return parse(body)
    except Invalid as error:
        words = str(error)
    assert words.isprintable()
    assert words.isascii()
    return None


@given(st.binary(max_size=200))
def test_arbitrary_bytes(body: bytes) -> None:
    """Arbitrary bytes are read or refused as Invalid, never anything else."""
    document = accepted_or_invalid(body)
    if document is not None:
        assert document == json.loads(body.decode("utf-8-sig"))


TOKENS = [
    *'{}[],:"\\',
    '"a"',
    '"b"',
    "1",
    "-",
    "1e999",
    "9" * 19,
    "9" * 25,
    "NaN",
    "-Infinity",
    "null",
    "true",
    "\x00",
    " ",
]
TOKENS += ["\\ud800", "\\u0061", '"\\ud800"', "[" * 70, "]" * 70, '{"a":' * 70, "}" * 70, "\u212a", "e", "."]


@given(st.lists(st.sampled_from(TOKENS), max_size=20).map("".join))
def test_arbitrary_tokens(text: str) -> None:
    """Any heap of JSON's own tokens is read or refused as Invalid, never anything else."""
    document = accepted_or_invalid(text.encode())
    if document is not None:
        assert document == json.loads(text)


@given(st.sampled_from(BODIES), st.data())
def test_mutated_answers(body: bytes, data: st.DataObject) -> None:
    """A captured answer with some bytes replaced, inserted or cut is read or refused as Invalid."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        stop = min(len(body), start + data.draw(st.integers(0, 8)))
        new = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(TOKENS).map(str.encode)))
        body = body[:start] + new + body[stop:]
    accepted_or_invalid(body)


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_strict_json_is_read_exactly(document: Any) -> None:
    """Every strict JSON document is read as it was written."""
    assert parse(json.dumps(document).encode()) == document
    assert parse(json.dumps(document, ensure_ascii=False).encode()) == document
