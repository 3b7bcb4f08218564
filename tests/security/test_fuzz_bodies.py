"""Any bytes as an answer give tables that agree with it, or a status; never another exception.

The seeds are the captured answers and ``corpus/bodies``, where a body belongs that once was understood wrongly.
"""

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest

from inventory import schema
from inventory.collection.batch import ResponseBatch, flatten_response
from inventory.errors import ServerError

HERE = Path(__file__).parent
SEEDS = sorted(
    path for folder in (HERE / "corpus" / "bodies", HERE.parent / "payloads") for path in folder.rglob("*.json")
)
TOKENS = [
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"0.1", b"18446744073709551616", b"9223372036854775807"),
    *(b"{}", b"[]", b"{", b"}", b"[", b"]", b",", b":", b'"', b'""', b'"key":"a",', b"\\ud800", b"\\u0000", b"\\"),
    *(b"\xff", b"\xef\xbb\xbf", b"\0", b"<", b"[" * 70, b'"loaded_instances":[{}],', b'"error":1,', b'"models":[],'),
]


def mutated(chance: random.Random, body: bytes, others: list[bytes]) -> bytes:
    """A body with a few things changed in it."""
    result = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        place = chance.randrange(len(result) + 1)
        kind = chance.randrange(6)
        if kind == 0 and place < len(result):
            result[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del result[place : place + chance.choice([1, 2, 10, 200])]
        elif kind == 2:
            result[place:place] = chance.choice(TOKENS)
        elif kind == 3:
            result[place : place + chance.randrange(20)] = chance.choice(TOKENS)
        elif kind == 4:
            begin = chance.randrange(len(result) + 1)
            result[place:place] = result[begin : begin + chance.choice([1, 10, 300])]
        else:  # a value, whose end is known, becomes another
            colon = result.find(b":", place)
            comma = result.find(b",", colon)
            if 0 < colon < comma:
                result[colon + 1 : comma] = chance.choice([*TOKENS, chance.choice(others)[:200]])
    return bytes(result)


def check(body: bytes, api: str) -> bool:
    """Whether it is understood, once it is known that its tables then agree with it."""
    batch = ResponseBatch()
    reading = refused = None
    try:
        reading = batch.add((api,), sha256(body).hexdigest(), flatten_response(body, (api,)))
    except ServerError as error:
        refused = error
    if reading is None:
        assert refused is not None
        assert refused.status in schema.STATUSES
        assert str(refused).isprintable()
        return False
    observed = [dict.fromkeys(schema.OBSERVATIONS.names) | {"server": "s"}]
    tables = batch.snapshot(observed, {"s": reading}).tables
    models = json.loads(body.decode("utf-8-sig"))["models" if api == "lmstudio" else "data"]
    assert sorted(tables["models"].column("key").to_pylist()) == sorted(
        model["key" if api == "lmstudio" else "id"] for model in models
    )
    if api == "lmstudio":
        loaded = [model["loaded_instances"] for model in models if isinstance(model.get("loaded_instances"), list)]
        assert tables["instances"].num_rows == sum(isinstance(one, dict) for several in loaded for one in several)
    assert (reading.summary["model_count"], reading.summary["instance_count"]) == (
        tables["models"].num_rows,
        tables["instances"].num_rows,
    )
    for table in tables.values():
        table.validate(full=True)
    return True


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_seed(path: Path) -> None:
    """Every seed is understood, or refused with a status, by each API."""
    for api in ("lmstudio", "lmstudio_v0"):
        check(path.read_bytes(), api)


@pytest.mark.parametrize(
    "examples",
    [500, pytest.param(5_000, marks=pytest.mark.long), pytest.param(100_000, marks=pytest.mark.full)],
)
def test_mutations(examples: int) -> None:
    """So is every seed in which something was changed at random."""
    chance = random.Random(examples)
    bodies = [body for path in SEEDS if 0 < len(body := path.read_bytes()) < 20_000]
    understood = 0
    for number in range(examples):
        body = mutated(chance, chance.choice(bodies), bodies)
        try:
            understood += check(body, ("lmstudio_v0", "lmstudio")[number % 4 > 0])
        except Exception as error:
            raise AssertionError(f"example {number} of {examples}: {body!r}") from error
    assert examples // 50 < understood < examples
