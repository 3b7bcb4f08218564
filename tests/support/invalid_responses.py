"""Answers that are wrong in one way each, by name, with the status that the observation has to have.

Most hold ``SECRET`` or ``TOKEN`` somewhere: what is said of an answer quotes neither. The captured ones are in
``payloads/errors``.
"""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
SECRET = "Zebra7Crossing"

CAPTURED = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parent.parent / "payloads" / "errors").glob("*.json"))
}

_OLD = b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'
_PAGE = f"<!DOCTYPE html><html><title>{SECRET}</title></html>".encode()
_EMPTY = b'{"models": []}'


class Wrong(NamedTuple):
    """An answer that is not one.

    Attributes:
        body: its bytes.
        status: the word of the observation.
        http_status: the status it comes with.
    """

    body: bytes
    status: str = "invalid"
    http_status: int = 200


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _error(**fields: str) -> bytes:
    return _json({"error": {"message": f"{TOKEN} {SECRET}", **fields}})


def _value(text: str | bytes) -> bytes:
    """An answer whose last model has this as its size."""
    text = text.encode() if isinstance(text, str) else text
    return b'{"models": [{"key": "a"}, {"key": "%s", "size_bytes": %s}]}' % (SECRET.encode(), text)


def _deep(levels: int) -> bytes:
    return _value("[" * levels + "]" * levels)


_UNAUTHORIZED = {
    "no token": Wrong(CAPTURED["401-missing-token"], "unauthorized", 401),
    "malformed token": Wrong(CAPTURED["401-malformed-token"], "unauthorized", 401),
    "no token, but 200": Wrong(CAPTURED["401-missing-token"], "unauthorized"),
    "malformed token, but 200": Wrong(CAPTURED["401-malformed-token"], "unauthorized"),
    "invalid key, 403": Wrong(_error(code="invalid_api_key"), "unauthorized", 403),
    "empty 401": Wrong(b"", "unauthorized", 401),
    "page 401": Wrong(_PAGE, "unauthorized", 401),
    "page 403": Wrong(_PAGE, "unauthorized", 403),
    "binary 401": Wrong(b"\xff\xfe" + SECRET.encode(), "unauthorized", 401),
    "models, but 401": Wrong(_EMPTY, "unauthorized", 401),
    "models, but 403": Wrong(_EMPTY, "unauthorized", 403),
}

_TOO_OLD = {
    "unexpected endpoint, captured": Wrong(CAPTURED["200-unexpected-endpoint"], "too_old"),
    "unexpected endpoint": Wrong(_OLD, "too_old"),
    "unexpected endpoint in small letters": Wrong(_OLD.lower(), "too_old"),
    "unexpected endpoint, 404": Wrong(_OLD, "too_old", 404),
    "unexpected endpoint, 400": Wrong(_OLD, "too_old", 400),
    "unexpected endpoint, 500": Wrong(_OLD, "too_old", 500),
    "unexpected endpoint as text": Wrong(b"Unexpected endpoint or method. " + SECRET.encode(), "too_old", 404),
}

_OTHERS = {
    "FastFlowLM": Wrong(CAPTURED["other-server-fastflowlm-api-v1-models"], "not_lm_studio"),
    "OpenAI's list": Wrong(_json({"object": "list", "data": [{"id": SECRET}]}), "not_lm_studio"),
    "OpenAI's empty list": Wrong(_json({"data": []}), "not_lm_studio"),
    "data that is an object": Wrong(_json({"data": {SECRET: 1}}), "not_lm_studio"),
    "the older API's answer": Wrong(_json({"object": "list", "data": [{"id": "a", "state": "x"}]}), "not_lm_studio"),
    "empty object": Wrong(_json({}), "not_lm_studio"),
    "a status": Wrong(_json({"status": SECRET}), "not_lm_studio"),
    "error null": Wrong(_json({"error": None}), "not_lm_studio"),
    "Models": Wrong(_json({"Models": []}), "not_lm_studio"),
    "models in data": Wrong(_json({"data": {"models": []}}), "not_lm_studio"),
    "models in result": Wrong(_json({"jsonrpc": "2.0", "result": {"models": [{"key": "a"}]}}), "not_lm_studio"),
    "Ollama's": Wrong(_json({"models": [{"name": SECRET, "size": 1}]}), "not_lm_studio"),
    "Ollama's two": Wrong(_json({"models": [{"name": SECRET}, {"name": "b"}]}), "not_lm_studio"),
    "page": Wrong(_PAGE, "not_lm_studio"),
    "page after white space": Wrong(b"\r\n  " + _PAGE, "not_lm_studio"),
    "page after a byte order mark": Wrong(b"\xef\xbb\xbf" + _PAGE, "not_lm_studio"),
    "page after a comment": Wrong(b"<!-- " + SECRET.encode() + b" -->" + _PAGE, "not_lm_studio"),
    "XML": Wrong(b"<?xml version='1.0'?><a/>", "not_lm_studio"),
    "page 404": Wrong(_PAGE, "not_lm_studio", 404),
    "error 404": Wrong(_error(), "not_lm_studio", 404),
    "model not found, 404": Wrong(CAPTURED["404-model-not-found-on-load"], "not_lm_studio", 404),
    "empty 404": Wrong(b"", "not_lm_studio", 404),
    "models, but 404": Wrong(_EMPTY, "not_lm_studio", 404),
    "page 405": Wrong(_PAGE, "not_lm_studio", 405),
    "page 410": Wrong(_PAGE, "not_lm_studio", 410),
    "empty 300": Wrong(b"", "not_lm_studio", 300),
    "empty 301": Wrong(b"", "not_lm_studio", 301),
    "page 302": Wrong(_PAGE, "not_lm_studio", 302),
    "empty 304": Wrong(b"", "not_lm_studio", 304),
    "models, but 307": Wrong(_EMPTY, "not_lm_studio", 307),
    "page 308": Wrong(_PAGE, "not_lm_studio", 308),
}

_NOT_READY = {
    "page 429": Wrong(_PAGE, "unreachable", 429),
    "page 502": Wrong(_PAGE, "unreachable", 502),
    "empty 503": Wrong(b"", "unreachable", 503),
    "error 503": Wrong(_error(), "unreachable", 503),
    "models, but 503": Wrong(_EMPTY, "unreachable", 503),
    "page 504": Wrong(_PAGE, "unreachable", 504),
}

_OTHER_STATUSES = {
    "page 400": Wrong(_PAGE, http_status=400),
    "page 407": Wrong(_PAGE, http_status=407),
    "page 511": Wrong(_PAGE, http_status=511),
    "error 500": Wrong(_error(), http_status=500),
    "models, but 500": Wrong(_EMPTY, http_status=500),
    "models, but 201": Wrong(_EMPTY, http_status=201),
    "models, but 202": Wrong(_EMPTY, http_status=202),
    "models, but 203": Wrong(_EMPTY, http_status=203),
    "empty 204": Wrong(b"", http_status=204),
    "models, but 206": Wrong(_EMPTY, http_status=206),
    "models, but 226": Wrong(_EMPTY, http_status=226),
    "models, but 407": Wrong(_EMPTY, http_status=407),
    "teapot": Wrong(b"", http_status=418),
}

_NO_JSON = {
    "empty": Wrong(b""),
    "white space": Wrong(b" \n"),
    "a byte order mark alone": Wrong(b"\xef\xbb\xbf"),
    "a word": Wrong(SECRET.encode()),
    "cut off in a key": Wrong(f'{{"models": [{{"key": "{SECRET}'.encode()),
    "cut off before the end": Wrong(b'{"models": [{"key": "a"}]'),
    "cut off in a list": Wrong(b'{"models": ['),
    "more after the end": Wrong(f'{{"models": []}} {SECRET}'.encode()),
    "two documents": Wrong(_EMPTY + b"\n" + _EMPTY),
    "NUL after the end": Wrong(_EMPTY + b"\0"),
    "NUL before it": Wrong(b"\0" + _EMPTY),
    "NUL in a key": Wrong(b'{"models": [{"key": "a\0b"}]}'),
    "line break in a key": Wrong(b'{"models": [{"key": "a\nb"}]}'),
    "trailing comma in a list": Wrong(b'{"models": [{"key": "a"},]}'),
    "trailing comma in an object": Wrong(b'{"models": [{"key": "a",}]}'),
    "single quotes": Wrong(b"{'models': [{'key': 'a'}]}"),
    "names without quotes": Wrong(b'{models: [{key: "a"}]}'),
    "a comment": Wrong(b'{"models": [] /* none */}'),
    "Python": Wrong(b'{"models": [{"key": "a", "x": None}]}'),
    "JSONP": Wrong(b"callback(" + _EMPTY + b");"),
    "a guard in front": Wrong(b")]}',\n" + _EMPTY),
    "an event stream": Wrong(b"data: " + _EMPTY + b"\n\n"),
    "JSON in a text": Wrong(_json(_EMPTY.decode())),
    "YAML": Wrong(b"models:\n- key: a\n"),
    "CSV": Wrong(b"key,size_bytes\na,1\n"),
    "record separator": Wrong(b"\x1e" + _EMPTY),
    "MessagePack": Wrong(b"\x81\xa6models\x91\x81\xa3key\xa1a"),
    "gzip that nobody told": Wrong(gzip.compress(_EMPTY)),
    "half a gzip": Wrong(gzip.compress(_EMPTY)[:-9]),
    "ZIP": Wrong(b"PK\x03\x04\x14\x00\x00\x00\x08\x00"),
    "wrong escape": Wrong(_value(rb'"\x41"')),
    "half an escape": Wrong(_value(rb'"\u12"')),
}

_NO_UTF8 = {
    "byte FF": Wrong(b"\xff" + SECRET.encode()),
    "Latin-1": Wrong('{"models": [{"key": "\u00e9"}]}'.encode("latin-1")),
    "UTF-16": Wrong(_EMPTY.decode().encode("utf-16")),
    "UTF-16 without its mark": Wrong(_EMPTY.decode().encode("utf-16-le")),
    "UTF-16, the other end first": Wrong(_EMPTY.decode().encode("utf-16-be")),
    "UTF-32": Wrong(_EMPTY.decode().encode("utf-32")),
    "UTF-32 without its mark": Wrong(_EMPTY.decode().encode("utf-32-be")),
    "UTF-7": Wrong(b"+AHsAIg-models+ACIAOg- +AFsAXQB9-"),
    "EBCDIC": Wrong(_EMPTY.decode().encode("cp500")),
    "two byte order marks": Wrong(b"\xef\xbb\xbf" * 2 + _EMPTY),
    "a byte order mark inside": Wrong(b'{"models": \xef\xbb\xbf[]}'),
    "overlong NUL": Wrong(b'{"models": [{"key": "\xc0\x80"}]}'),
    "surrogates as UTF-8": Wrong(b'{"models": [{"key": "\xed\xa0\xbd\xed\xb8\x80"}]}'),
    "beyond Unicode": Wrong(b'{"models": [{"key": "\xf4\x90\x80\x80"}]}'),
    "half a letter at the end": Wrong(b'{"models": [{"key": "a"}]}\xc3'),
    "a space of Unicode": Wrong('{"models":\u00a0[]}'.encode()),
}

_VALUES = {
    "NaN": Wrong(_value("NaN")),
    "Infinity": Wrong(_value("Infinity")),
    "-Infinity": Wrong(_value("-Infinity")),
    "2^64 as a key": Wrong(b'{"models": [{"key": 18446744073709551616}]}'),
    "2^64 as a model": Wrong(b'{"models": [18446744073709551616]}'),
    "2^64 as the models": Wrong(b'{"models": 18446744073709551616}'),
    "2^64 as an error": Wrong(b'{"error": 18446744073709551616, "models": []}'),
    "five thousand digits": Wrong(_value("1" + "0" * 5000)),
    "1e400": Wrong(_value("1e400")),
    "-1e400": Wrong(_value("-1e400")),
    "400 digits and a fraction": Wrong(_value("9" * 400 + ".5")),
    "hexadecimal": Wrong(_value("0x10")),
    "a leading zero": Wrong(_value("007")),
    "a plus": Wrong(_value("+1")),
    "no digit before the point": Wrong(_value(".5")),
    "no digit after the point": Wrong(_value("5.")),
    "an underscore": Wrong(_value("1_000")),
    "digits of another script": Wrong(_value("\u0661\u0662")),
    "lone surrogate": Wrong(_value(rb'"\ud800"')),
    "lone low surrogate": Wrong(_value(rb'"\udfff x"')),
    "surrogates the wrong way round": Wrong(_value(rb'"\ude00\ud83d"')),
    "lone surrogate in a key": Wrong(rb'{"models": [{"key": "a\ud800"}]}'),
    "lone surrogate in a name": Wrong(rb'{"models": [{"key": "a", "\udc00": 1}]}'),
    "lone surrogate in an instance": Wrong(
        rb'{"models": [{"key": "a", "loaded_instances": [{"id": "\ud800", "config": {}}]}]}'
    ),
    "lone surrogate beside the models": Wrong(rb'{"models": [], "x": "\ud83d"}'),
    "models twice": Wrong(b'{"models": [{"key": "a"}], "models": []}'),
    "key twice": Wrong(b'{"models": [{"key": "a", "key": "b"}]}'),
    "key twice, the same": Wrong(b'{"models": [{"key": "a", "key": "a"}]}'),
    "key twice, one escaped": Wrong(rb'{"models": [{"key": "a", "k\u0065y": "b"}]}'),
    "a name twice in a config": Wrong(
        b'{"models": [{"key": "a", "loaded_instances": [{"id": "a", "config": {"parallel": 1, "parallel": 2}}]}]}'
    ),
    "a name twice in a new field": Wrong(b'{"models": [{"key": "a", "new": [[{"x": {"": 0, "": 0}}]]}]}'),
    "a name twice in an error": Wrong(b'{"error": {"code": "invalid_api_key", "code": 1}}'),
    "10,001 names": Wrong(_json({"models": [{"key": "a", "x": dict.fromkeys(map(str, range(10_001)))}]})),
    "65 levels": Wrong(_deep(62)),
    "1,000 levels": Wrong(_deep(1000)),
    "100,000 levels": Wrong(_deep(100_000)),
    "100,000 open objects": Wrong(b'{"models": ' * 50_000),
}

_STRUCTURE = {
    "null": Wrong(b"null"),
    "true": Wrong(b"true"),
    "12": Wrong(b"12"),
    "1.5": Wrong(b"1.5"),
    "a text": Wrong(_json(SECRET)),
    "an empty list": Wrong(b"[]"),
    "a list of models": Wrong(_json([{"key": SECRET}])),
    "an error object": Wrong(_error(code="other")),
    "an error object, captured": Wrong(CAPTURED["404-model-not-found-on-load"]),
    "an error text": Wrong(_json({"error": SECRET})),
    "an error list": Wrong(_json({"error": [SECRET]})),
    "an empty error object": Wrong(_json({"error": {}, "models": [{"key": "a"}]})),
    "an error beside the models": Wrong(_json({"error": SECRET, "models": []})),
    "an empty error": Wrong(_json({"error": "", "models": []})),
    "an error that is false": Wrong(_json({"error": False, "models": []})),
    "an error that is 0": Wrong(_json({"error": 0, "models": []})),
    "models null": Wrong(_json({"models": None})),
    "models an object": Wrong(_json({"models": {}})),
    "models by key": Wrong(_json({"models": {"a": {"key": "a"}}})),
    "models a text": Wrong(_json({"models": SECRET})),
    "models a number": Wrong(_json({"models": 3})),
    "models false": Wrong(_json({"models": False})),
    "models null beside data": Wrong(_json({"models": None, "data": []})),
    "a model null": Wrong(_json({"models": [None]})),
    "a model a text": Wrong(_json({"models": [SECRET]})),
    "a model a list": Wrong(_json({"models": [[{"key": "a"}]]})),
    "a model empty": Wrong(_json({"models": [{}]})),
    "a model with an id": Wrong(_json({"models": [{"id": SECRET}]})),
    "the second without a key": Wrong(_json({"models": [{"key": "a"}, {"id": SECRET}]})),
    "one with a name, one with a key": Wrong(_json({"models": [{"name": SECRET}, {"key": "a"}]})),
    "the second key empty": Wrong(_json({"models": [{"key": "a"}, {"key": ""}]})),
    "a key null": Wrong(_json({"models": [{"key": None}]})),
    "a key a number": Wrong(_json({"models": [{"key": 7}]})),
    "a key true": Wrong(_json({"models": [{"key": True}]})),
    "a key a list": Wrong(_json({"models": [{"key": [SECRET]}]})),
    "a key an object": Wrong(_json({"models": [{"key": {"a": SECRET}}]})),
    "Key": Wrong(_json({"models": [{"Key": "a"}]})),
}

WRONG: dict[str, Wrong] = {
    **_UNAUTHORIZED,
    **_TOO_OLD,
    **_OTHERS,
    **_NOT_READY,
    **_OTHER_STATUSES,
    **_NO_JSON,
    **_NO_UTF8,
    **_VALUES,
    **_STRUCTURE,
}
"""Wrong answers by name."""

ODD: dict[str, bytes] = {
    "no models": _EMPTY,
    "a byte order mark": b"\xef\xbb\xbf" + _EMPTY,
    "line breaks of Windows": b'{\r\n"models": [\r\n]\r\n}\r\n',
    "error null beside the models": b'{"models": [{"key": "a"}], "error": null}',
    "2^63-1": _value(str(2**63 - 1)),
    "2^63": _value(str(2**63)),
    "-2^63-1": _value(str(-(2**63) - 1)),
    "2^64": _value(str(2**64)),
    "2^64 in a new field": b'{"models": [{"key": "a", "new": {"deep": [18446744073709551616]}}]}',
    "2^64 beside the models": b'{"models": [], "x": 18446744073709551616}',
    "four thousand digits": _value("9" * 4000),
    "-0": _value("-0"),
    "-0.0": _value("-0.0"),
    "1e308": _value("1e308"),
    "1e-400": _value("1e-400"),
    "a size that is a text": _value('"7"'),
    "a pair of surrogates": _value(rb'"\ud83d\ude00"'),
    "an escaped NUL": _value(rb'"\u0000"'),
    "64 levels": _deep(61),
    "10,000 names": _json({"models": [{"key": "a", "x": dict.fromkeys(map(str, range(10_000)))}]}),
    "one name in two objects": b'{"models": [{"key": "a", "a": {"a": {"a": 1}}}]}',
    "instances that are none": _json({"models": [{"key": "a", "loaded_instances": [None, 1, {"id": None}]}]}),
    "objects that are lists": _json({"models": [{"key": "a", "quantization": [], "capabilities": "x"}]}),
    "a name of another server beside the key": _json({"models": [{"key": "a", "name": "b"}]}),
    "a text of 10 MB": b'{"models": [{"key": "a", "description": "' + b"x" * 10_000_000 + b'"}]}',
}
"""Answers that are legal, however odd: refusing them would lose what a server says."""
