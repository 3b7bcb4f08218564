"""The rows of a snapshot -> text for a terminal."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from hypothesis import given, settings
from hypothesis import strategies as st
from support.snapshots import snapshot as snapshot_of

import inventory
from inventory import Snapshot, schema
from inventory import text as layout
from inventory.errors import ConfigurationError
from inventory.stub_server import inventory_before
from inventory.tables import values
from inventory.terminal.listing import View, columns_of, rows_text, sorted_rows

LETTERS = "jZ\u578b\U0001f600"
"""Letters that stand in no head and no sentence of ours."""

HOSTILE = "\x1b[2J\x1b]0;pwned\x07\u202eevil\r\n\u2066\x9b31m\x00"


def taken(folder: Path, **answers: list[dict[str, Any]]) -> Snapshot:
    """A snapshot of saved answers, one a server."""
    for name, models in answers.items():
        (folder / f"{name}.json").write_text(json.dumps({"models": models}))
    return inventory.collect([f"{name}=file:{folder}/{name}.json" for name in answers])


def text_of(
    snapshot: Snapshot,
    grain: str = "model",
    sort: str | None = None,
    columns: str | None = None,
    room: int = 100,
) -> str:
    """What is shown."""
    view = View(room, columns_of(columns, grain), sort is not None)
    text = unstyle("".join(rows_text(snapshot, sorted_rows(snapshot, grain, sort), grain, view=view)))
    assert not [line for line in text.splitlines() if line != line.rstrip()], "no line ends in spaces"
    return text


def test_models(tmp_path: Path) -> None:
    """Totals first; LLMs, embeddings and others apart with their sums, the largest first; a dash for not reported."""
    assert (
        text_of(taken(tmp_path, a=[*inventory_before()[:2], {"key": "bare"}, {"key": "e", "type": "embedding"}]))
        == """\
4 models, 30.10 GB, 3 loaded on 1 server

2 LLMs, 30.10 GB, 3 loaded
  Key                     Params   Architecture  Quantization      Size  Max context  Loaded
  google/gemma-4-26b-a4b  26B-A4B  gemma4        Q4_K_M        17.99 GB      262,144       1
  openai/gpt-oss-20b      20B      gpt-oss       MXFP4         12.11 GB      131,072       2

1 embedding, size not reported, 0 loaded
  e                       -        -             -                    -            -       0

1 model of unknown type, size not reported, 0 loaded
  bare                    -        -             -                    -            -       0
"""
    )


def test_several_servers(tmp_path: Path) -> None:
    """Servers are a column where it fits, else headings; columns give way before a key is folded."""
    snapshot = taken(tmp_path, a=inventory_before()[:1], b=[], c=inventory_before()[:2])
    assert (
        text_of(snapshot, room=80)
        == """\
3 models, 48.09 GB, 4 loaded on 2 servers

a: 1 LLM, 17.99 GB, 1 loaded
  Key                     Params   Quantization      Size  Max context  Loaded
  google/gemma-4-26b-a4b  26B-A4B  Q4_K_M        17.99 GB      262,144       1

c: 2 LLMs, 30.10 GB, 3 loaded
  google/gemma-4-26b-a4b  26B-A4B  Q4_K_M        17.99 GB      262,144       1
  openai/gpt-oss-20b      20B      MXFP4         12.11 GB      131,072       2
"""
    )
    assert "Server  Key " in text_of(snapshot, room=120)
    assert "Server  Instance " in text_of(snapshot, "instance", room=120)
    assert text_of(snapshot, columns="key,size").splitlines()[2] == "Server  Key                         Size"


def test_nothing(tmp_path: Path) -> None:
    """A server without models has nothing on disk; models without sizes have an unknown size."""
    assert text_of(taken(tmp_path, a=[])) == "0 models, 0.00 GB, 0 loaded\n"
    assert text_of(taken(tmp_path, a=[{"key": "k"}])).startswith("1 model, size not reported, 0 loaded on 1 server\n\n")


@pytest.mark.parametrize(
    ("sort", "keys"), [("size_bytes", "bac"), ("-size_bytes", "abc"), ("-key", "cba"), (None, "abc"), ("-size", "abc")]
)
def test_order(sort: str | None, keys: str, tmp_path: Path) -> None:
    """Rows are sorted either way, and those without a value come last."""
    snapshot = taken(tmp_path, a=[{"key": "a", "size_bytes": 2}, {"key": "b", "size_bytes": 1}, {"key": "c"}])
    assert "".join(values(sorted_rows(snapshot, "model", sort), "key")) == keys


def test_keys_are_never_cut_and_everything_is_plain(tmp_path: Path) -> None:
    """Keys stay whole, names of double width are aligned, hostile ones visible."""
    keys = ["k" * 100, "\u6a21\u578b\u4e00", "e\u0301", HOSTILE]
    models = [
        {"key": key, "architecture": "a" * 30 + key[:9], "params_string": "7B", "size_bytes": 10**9} for key in keys
    ]
    text = text_of(taken(tmp_path, a=models), room=layout.UNLIMITED)
    assert text.replace("\n", "").isprintable()
    assert "k" * 100 in text
    lines = [line for line in text.splitlines() if " 7B " in line]
    assert len(lines) == 4
    assert len({layout.width(line) for line in lines}) == 1
    assert HOSTILE.encode("unicode_escape").decode()[:10] in text_of(taken(tmp_path, a=models), columns="key,extra")


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(
    st.dictionaries(
        st.text("ab\u6a21\u0301-/ .", min_size=1, max_size=60).map(str.strip).filter(bool),
        st.lists(st.text(LETTERS + "\u0301-/_.@", min_size=1, max_size=250), max_size=5),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([80, 100, 120, 200]),
    st.sampled_from([None, "key,publisher,size", ",".join(schema.MODELS.names)]),
)
def test_no_line_is_too_wide_and_no_key_is_lost(fleet: dict[str, list[str]], room: int, columns: str | None) -> None:
    """Whatever servers and models are called, however many there are, each key stands there whole, folded or not."""
    models = [
        {
            "server": server,
            "key": key,
            "ordinal": ordinal,
            "publisher": "7" * (len(key) % 40),
            "size_bytes": 10**9 * len(key),
        }
        for server, keys in fleet.items()
        for ordinal, key in enumerate(keys)
    ]
    snapshot = snapshot_of(models)
    text = text_of(snapshot, columns=columns, room=room)
    assert max(map(layout.width, text.splitlines())) <= room
    seen = Counter(character for character in text if character in LETTERS)
    assert seen == Counter(character for row in models for character in str(row["key"]) if character in LETTERS)
    assert all(key in text for keys in fleet.values() for key in keys if layout.width(key) <= 8)


def test_what_is_not_there(tmp_path: Path) -> None:
    """Unknown columns, and rows of a grain that a file does not hold, are refused."""
    snapshot = taken(tmp_path, a=inventory_before())
    snapshot.write(tmp_path / "a.csv")
    with pytest.raises(ConfigurationError, match=r"no column 'nope'. .*There are: server, key, "):
        columns_of("key,nope", "model")
    with pytest.raises(ConfigurationError, match="no column 'instance_id'"):
        sorted_rows(snapshot, "model", "instance_id")
    with pytest.raises(ConfigurationError, match="no instance rows"):
        sorted_rows(inventory.read(tmp_path / "a.csv"), "instance", None)


def test_a_long_name_does_not_widen_every_line(tmp_path: Path) -> None:
    """In a pipe a name longer than any screen stands whole; the other lines are padded to 200 columns at most."""
    snapshot = taken(tmp_path, a=[{"key": "k" * 5000}, {"key": "l", "size_bytes": 10**9}])
    lines = text_of(snapshot, room=layout.UNLIMITED).splitlines()
    long, short = (next(line for line in lines if line.startswith(f"a       {letter}")) for letter in "kl")
    assert long.startswith("a       " + "k" * 5000)
    assert 200 < len(short) < 320
