"""Rows rebuilt from the bodies of responses, many bodies at a time.

Most models are on many servers: what the bodies of a fleet say of a model in the same bytes is parsed once.
"""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate, chain, pairwise
from typing import Any, NamedTuple

import pyarrow as pa

from inventory import schema
from inventory.columns import buffer_of, bytes_array, encoded, integers, matches, text_array
from inventory.errors import ServerError
from inventory.history.storage.shared_rows import steady_columns
from inventory.normalize.fingerprint import canonical_lines, digest_of
from inventory.normalize.flatten import Columns, flatten
from inventory.normalize.response import PATHS, decode
from inventory.tables import build, concat

Ignored = tuple[str, ...] | None
"""The globs of unknown fields that rows were stored without; None if an earlier version stored clocks."""

REBUILT = {
    table.name: schema.Table(table.name, table.row, table.response_columns) for table in schema.GRAIN_TABLES.values()
}
"""The columns that are rebuilt."""

_HEAD = re.compile(
    rb'[ \t\r\n]*\{[ \t\r\n]*"models"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(\{[ \t\r\n]*"[a-z_]+"[ \t\r\n]*:)'
)
_TAIL = re.compile(rb"\}[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*\Z")
_LONGEST_TAIL = 100
_TOGETHER = 40  # texts that are flattened together: more would not stay near the processor
_FEW = 2000  # models that are remembered whether they repeat or not
_REPEATED = 4  # how often a model has to come so that remembering it pays


class Placed(NamedTuple):
    """Rows of a table, and the places of the bodies that they belong to.

    Attributes:
        rows: the rows.
        places: the places of bodies.
        numbers: for each place the number of its row; None if they are in the order of the rows.
    """

    rows: pa.Table
    places: pa.Array
    numbers: pa.Array | None = None


class Texts:
    """What texts hold, each of which is a response by itself, by their numbers from 0 on.

    Attributes:
        lines: the lines of each that are hashed; None if it is not a valid response.
        keys: the keys of the models of each.
    """

    def __init__(self) -> None:
        self.lines: list[list[bytes] | None] = []
        self.keys: list[list[str]] = []
        self._rows = {name: encoded(concat(table, [])) for name, table in REBUILT.items()}
        self._new = {name: defaultdict[str, list[Any]](list) for name in REBUILT}  # columns of rows in no table yet
        self._owners = {name: array("q") for name in REBUILT}  # the number of the text of each row

    def add(self, texts: Sequence[bytes], ignore: Ignored) -> None:
        """Flatten the models of some texts, many together: one by one, each would take as long as ten."""
        if len(texts) > _TOGETHER:
            for start in range(0, len(texts), _TOGETHER):
                self.add(texts[start : start + _TOGETHER], ignore)
            return
        first, records = len(self.lines), [*map(_records, texts)]
        models = [(number, model) for number, parsed in enumerate(records) for model in parsed or ()]
        try:
            flat = flatten([model for _, model in models])
        except ServerError:  # all together or one of them has too long names
            for text in texts if len(texts) > 1 else [b""]:
                self.add([text], ignore)
            return
        models.sort(key=lambda pair: pair[1]["key"])  # as the rows are
        seen: Counter[tuple[int, str]] = Counter()
        owners, ordinals = [], []
        for number, model in models:
            owners.append(number)
            ordinals.append(seen[number, model["key"]])
            seen[number, model["key"]] += 1
        lines: list[list[bytes]] = [[] for _ in texts]
        keys: list[list[str]] = [[] for _ in texts]
        for number, key, line in zip(owners, flat.models["key"], canonical_lines(flat, ignore), strict=True):
            lines[number].append(line)
            keys[number].append(key)
        self.lines += [None if parsed is None else own for parsed, own in zip(records, lines, strict=True)]
        self.keys += keys
        row_of = {name: row for row, name in enumerate(_names(flat.models))}
        for table, columns, rows in (
            (REBUILT["models"], flat.models, range(len(owners))),
            (REBUILT["instances"], flat.instances, [row_of[name] for name in _names(flat.instances)]),
        ):
            steady = columns if ignore is None else steady_columns(columns, ignore)
            numbered_columns = {**steady, "ordinal": [ordinals[row] for row in rows]}
            for name in table.names:
                self._new[table.name][name] += numbered_columns[name]
            self._owners[table.name].extend(first + owners[row] for row in rows)

    def digests(self, numbers: Sequence[int], indices: pa.Array, places: pa.Array) -> dict[int, str]:
        """Return the digests of bodies that consist of texts, by their places.

        Bodies are left out that hold a text that is not valid, or models with equal keys, which would be numbered.

        Args:
            numbers: the texts.
            indices: for each piece of a body, which of them it is.
            places: for each piece the place of its body.
        """
        from pyarrow import compute

        lines = [*chain.from_iterable(self.lines[number] or () for number in numbers)]
        if not lines:
            return {}
        size = integers([len(lines)])[0]
        in_order = sorted(range(len(lines)), key=lines.__getitem__)
        rank_of_line = compute.array_sort_indices(integers(in_order)).cast(pa.int64())
        bounds = integers(accumulate((len(self.lines[number] or ()) for number in numbers), initial=0))
        ranks = pa.LargeListArray.from_arrays(bounds, rank_of_line).take(indices)
        pairs = compute.multiply(places.take(compute.list_parent_indices(ranks)), size)
        pairs = compute.add(pairs, compute.list_flatten(ranks))
        pairs = pairs.take(compute.array_sort_indices(pairs))
        owners = compute.divide(pairs, size)
        ranks = compute.subtract(pairs, compute.multiply(owners, size))
        texts = bytes_array([lines[line] + b"\n" for line in in_order], pa.large_binary()).take(ranks)
        content, ends = buffer_of(texts), memoryview(texts.buffers()[1]).cast("q")
        keys = text_array(chain.from_iterable(self.keys[number] for number in numbers)).dictionary_encode().indices
        keys_of_bodies = compute.multiply(owners, size), keys.cast(pa.int64()).take(integers(in_order)).take(ranks)
        counts = compute.value_counts(compute.add(*keys_of_bodies))
        several = counts.field("values").filter(compute.greater(counts.field("counts"), integers([1])[0]))
        is_invalid = integers(self.lines[number] is None for number in numbers).cast(pa.bool_()).take(indices)
        excluded = {*compute.divide(several, size).to_pylist(), *places.filter(is_invalid).to_pylist()}
        counts = compute.value_counts(owners)
        spans = pairwise(accumulate(counts.field("counts").to_pylist(), initial=0))
        return {
            place: sha256(content[ends[start] : ends[end] - 1]).hexdigest()
            for place, (start, end) in zip(counts.field("values").to_pylist(), spans, strict=True)
            if place not in excluded
        }

    def placed(self, table: str, places: pa.Array, numbers: pa.Array) -> Placed:
        """Return the rows of texts, by their numbers, at the places of the bodies in which they stand."""
        if len(self._owners[table]) > self._rows[table].num_rows:
            new = encoded(build(REBUILT[table], self._new[table]))
            self._rows[table] = pa.concat_tables([self._rows[table], new]).unify_dictionaries().combine_chunks()
            self._new[table].clear()
        occurrences, rows = matches(integers(self._owners[table]), numbers)
        return Placed(self._rows[table], places.take(occurrences), rows)


def _names(rows: Columns) -> Iterator[tuple[str, int]]:
    return zip(rows["key"], rows["ordinal"], strict=True)


def _records(text: bytes) -> list[dict[str, Any]] | None:
    """Parse a text; None if it is not a valid response."""
    try:
        return decode(text, apis=PATHS).models
    except ServerError:
        return None


class Rebuilt(NamedTuple):
    """What some bodies hold.

    Attributes:
        digests: the digest of the models of each body; None if it is not a valid response.
        texts: what the bodies consist of: texts, the places of bodies, and the number of the text that stands at each.
    """

    digests: list[str | None]
    texts: list[tuple[Texts, pa.Array, pa.Array]]

    def rows(self, table: str) -> list[Placed]:
        """Return the rows of a table."""
        return [texts.placed(table, places, numbers) for texts, places, numbers in self.texts]


class Rebuilder:
    """Flattens bodies, each of their models once."""

    def __init__(self) -> None:
        self._models = Texts()
        self._known: dict[tuple[Ignored, bytes], dict[bytes, int]] = defaultdict(dict)
        self._asked = 0

    def rebuilt(self, bodies: Sequence[memoryview], ignored: Sequence[Ignored]) -> Rebuilt:
        """Return what some bodies hold, given the fields without which each was stored."""
        rebuilt = Rebuilt([None] * len(bodies), [])
        alike: dict[tuple[Ignored, bytes, bytes], dict[int, memoryview]] = defaultdict(dict)
        for place, (body, ignore) in enumerate(zip(bodies, ignored, strict=True)):
            if cut := _cut(body):
                begin, between, content = cut
                alike[ignore, begin, between][place] = content
        for kind, contents in alike.items():
            self._add_models(rebuilt, *kind, contents)
        whole: dict[Ignored, list[int]] = defaultdict(list)
        for place, digest in enumerate(rebuilt.digests):
            if digest is None:
                whole[ignored[place]].append(place)
        texts = Texts()
        for ignore, places in whole.items():
            texts.add([bytes(bodies[place]) for place in places], ignore)
        for place, lines in zip(chain(*whole.values()), texts.lines, strict=True):
            rebuilt.digests[place] = None if lines is None else digest_of(lines)
        rebuilt.texts.append((texts, integers(chain(*whole.values())), integers(range(len(texts.lines)))))
        return rebuilt

    def _add_models(
        self, rebuilt: Rebuilt, ignore: Ignored, begin: bytes, between: bytes, contents: Mapping[int, memoryview]
    ) -> None:
        """Cut contents of bodies between the models, and add what is known of these; not of bodies that hold others."""
        from pyarrow import compute

        column = bytes_array([*contents.values()], pa.large_binary())
        pieces = compute.split_pattern(column, pattern=between + begin)
        texts = pieces.values.dictionary_encode()
        distinct, known, first = texts.dictionary.to_pylist(), self._known[ignore, begin], len(self._models.lines)
        new = [text for text in distinct if text not in known]
        self._asked += len(texts)
        if first + len(new) > _FEW + self._asked // _REPEATED:
            return
        if new:
            self._models.add([b'{"models":[' + begin + text + b"}]}" for text in new], ignore)
            known.update(zip(new, range(first, first + len(new)), strict=True))
        numbers = [known[text] for text in distinct]
        places = integers(contents).take(compute.list_parent_indices(pieces))
        digests = self._models.digests(numbers, texts.indices, places)
        for place, digest in digests.items():
            rebuilt.digests[place] = digest
        is_cut = compute.is_in(places, integers(digests))
        rebuilt.texts.append(
            (self._models, places.filter(is_cut), integers(numbers).take(texts.indices.filter(is_cut)))
        )


def _cut(body: memoryview) -> tuple[bytes, bytes, memoryview] | None:
    """Return how each model of a body begins, what stands between two, and the models without the ends of the body.

    Each text between the braces that is a list of objects by itself is one in the body too, wherever it was cut. None
    for a body that holds anything beside its models.
    """
    head = _HEAD.match(body)
    tail = _TAIL.search(body, max(len(body) - _LONGEST_TAIL, 0))
    if not head or not tail or tail.start() < head.end():
        return None
    begin, content = head[1], body[head.end() : tail.start()]
    end = re.search(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=" + re.escape(begin) + rb")", content)
    return begin, end[0] if end else b"},", content
