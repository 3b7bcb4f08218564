"""How much room the files of a history take: what repeats is stored once."""

import random

import pyarrow as pa
from pyarrow import parquet

from inventory.history.storage.checksum import read_verified, write_checksummed


def test_what_repeats_from_run_to_run_is_stored_once() -> None:
    """The digests of 20,000 servers over several runs take little more than those of one run."""
    chance = random.Random(1)
    digests = [f"{chance.getrandbits(256):064x}" for _ in range(20_000)]
    one, ten = (
        write_checksummed(pa.table({"digest": digests * runs}), {"kind": "observations"}, ["digest"])
        for runs in (1, 10)
    )
    assert len(ten) < 1.5 * len(one)
    assert (read_verified(ten) or {})["kind"] == "observations"


def test_only_small_files_are_not_compressed() -> None:
    """One row is small only if its values are: the body of a server with many models is stored compressed."""
    body = b'{"key": "publisher/model", "type": "llm"}' * 1000
    large, small = (
        write_checksummed(pa.table({"body": pa.array([value], pa.large_binary())}), {"kind": "payloads"})
        for value in (body, body[:100])
    )
    assert len(large) < len(body) / 10
    assert body[:100] in small


def test_texts_of_which_no_two_are_equal_have_no_dictionary() -> None:
    """In a large file it would have to be unpacked as a whole for any of them; digests are stored by their lengths."""
    rows = range(150_000)
    columns = {
        "digest": [f"{row:064x}" for row in rows],
        "row_digest": [f"{row:016x}" for row in rows],
        "key": [f"a publisher/a fine-tuned model-{row:09d}" for row in rows],
        "type": ["llm"] * len(rows),
    }
    table = pa.table(columns)
    body = write_checksummed(table, {"kind": "models"}, table.column_names)
    file = parquet.ParquetFile(pa.BufferReader(body))
    encodings = [{*file.metadata.row_group(0).column(place).encodings} - {"RLE"} for place in range(4)]
    plain, by_length, dictionary = {"PLAIN"}, {"DELTA_LENGTH_BYTE_ARRAY"}, {"PLAIN", "RLE_DICTIONARY"}
    assert encodings == [plain, by_length, plain, dictionary]
    assert file.read() == table
    by_digest = parquet.ParquetFile(pa.BufferReader(body), read_dictionary=["digest"]).read(["digest"])
    assert by_digest.column("digest").cast(pa.string()) == table.column("digest")
