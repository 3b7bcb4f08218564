"""S4: the diff of two runs of a fleet, beside comparing two full copies."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cold import LMS
from harness import OURS, Contestant, Race, Size, Target, Work

from inventory import schema

if TYPE_CHECKING:
    import pyarrow as pa

_COMPARED = (*schema.MODELS.keys, *schema.MODELS.compared)
Found = Iterable[tuple[str, str, str]]


def columns_only(table: "pa.Table") -> "pa.Table":
    """The models with their keys and what is compared of them: the others compare all columns that they are given."""
    return table.select(list(_COMPARED))


def with_id(table: "pa.Table", path: Path) -> None:
    """Write models for those who want one column to join on: to PATH.parquet and PATH.csv."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv, parquet

    ids = pc.binary_join_element_wise(
        table.column("server"), table.column("key"), table.column("ordinal").cast(pa.string()), "|"
    )
    wide = table.add_column(0, "id", ids).replace_schema_metadata(None)
    parquet.write_table(wide, path.with_suffix(".parquet"))
    csv.write_csv(wide, path.with_suffix(".csv"))


def _two_runs(unique: bool, share: float) -> Callable[[Path, dict[str, int]], None]:
    def prepare(folder: Path, numbers: dict[str, int]) -> None:
        from bodies import changed, fleet
        from generated_histories import Past

        from inventory import History
        from inventory.history.recorder import record

        history = History(folder / "history")
        past = Past(fleet(numbers["servers"], models=numbers["models"], unique=unique))
        record(history, past.snapshot)
        with_id(columns_only(past.snapshot.tables["models"]), folder / "old")
        past.next(changed(past.bodies, share, 1))
        record(history, past.snapshot)
        with_id(columns_only(past.snapshot.tables["models"]), folder / "new")

    return prepare


def _ours(folder: Path) -> Work:
    import pyarrow.compute  # noqa: F401 - there before the work begins, as what the others import is

    from inventory import History
    from inventory.tables import values

    def work() -> Any:
        table = History(folder / "history").diff().table
        cells = zip(*(values(table, name) for name in ("change", "server", "key", "grain")), strict=True)
        return lambda: summed(cell[:3] for cell in cells if cell[3] == "model")

    return work


def _command(folder: Path) -> Sequence[str]:
    return [*LMS, "diff", "--json", "--history", str(folder / "history")]


def _printed(_: Path, text: str) -> Any:
    """The changes of models that ``diff --json`` printed."""
    changes = json.loads(text)["data"]["changes"]
    return summed((row["change"], row["server"], row["key"]) for row in changes if row["grain"] == "model")


def summed(found: Found) -> Any:
    """The changes as an answer: sorted, once each, and only how many and their digest where they are very many."""
    from hashlib import sha256

    rows = sorted({tuple(row) for row in found if row[0] in ("added", "removed", "reconfigured")})
    return [len(rows), sha256(json.dumps(rows).encode()).hexdigest()]


JOIN = f"""
    SELECT CASE WHEN o.key IS NULL THEN 'added' WHEN n.key IS NULL THEN 'removed' ELSE 'reconfigured' END AS change,
           coalesce(o.server, n.server) AS server, coalesce(o.key, n.key) AS key
    FROM OLD o FULL JOIN NEW n ON o.server = n.server AND o.key = n.key AND o.ordinal = n.ordinal
    WHERE o.key IS NULL OR n.key IS NULL
       OR {" OR ".join(f"o.{name} IS DISTINCT FROM n.{name}" for name in schema.MODELS.compared)}"""


def _duckdb(folder: Path) -> Work:
    import duckdb

    def work() -> Any:
        sql = JOIN.replace("OLD", f"'{folder}/old.parquet'").replace("NEW", f"'{folder}/new.parquet'")
        rows = duckdb.connect().sql(sql).fetchall()
        return lambda: summed(rows)

    return work


def _polars(folder: Path) -> Work:
    import polars as pl

    def work() -> Any:
        keys = list(schema.MODELS.keys)
        old, new = (pl.read_parquet(folder / f"{name}.parquet") for name in ("old", "new"))
        both = old.join(new, on=keys, how="full", suffix="_new")
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in schema.MODELS.compared)
        word = (
            pl.when(pl.col("key").is_null())
            .then(pl.lit("added"))
            .when(pl.col("key_new").is_null())
            .then(pl.lit("removed"))
            .when(differs)
            .then(pl.lit("reconfigured"))
        )
        found = both.select(
            word.alias("change"), pl.coalesce("server", "server_new"), pl.coalesce("key", "key_new")
        ).drop_nulls("change")
        rows = found.rows()
        return lambda: summed(rows)

    return work


def _datacompy(library: str) -> Callable[[Path], Work]:
    def start(folder: Path) -> Work:
        import sys
        from importlib import import_module

        import datacompy

        sys.path.append(str(Path(__file__).parent / "scripts"))
        from compared import changes

        frames = import_module(library)
        compare = datacompy.PandasCompare if library == "pandas" else datacompy.PolarsCompare

        def work() -> Any:
            old, new = (frames.read_parquet(folder / f"{name}.parquet") for name in ("old", "new"))
            rows = list(changes(compare(old, new, join_columns=["id"])))
            return lambda: summed(rows)

        return work

    return start


def _csv_diff(folder: Path) -> Work:
    from csv_diff import compare, load_csv

    def work() -> Any:
        tables = []
        for name in ("old", "new"):
            with (folder / f"{name}.csv").open(newline="") as file:
                tables.append(load_csv(file, key="id"))
        found = compare(*tables)
        rows = [(word, row["server"], row["key"]) for word in ("added", "removed") for row in found[word]]
        rows += [
            ("reconfigured", *(tables[1][row["key"]][name] for name in ("server", "key"))) for row in found["changed"]
        ]
        return lambda: summed(rows)

    return work


def _diff(name: str, title: str, *, unique: bool, share: float, limit: float, others: bool) -> Race:
    slow = (
        Contestant("polars full join", _polars),
        Contestant("datacompy polars", _datacompy("polars"), slow=True),
        Contestant("datacompy pandas", _datacompy("pandas"), slow=True),
        Contestant("csv-diff", _csv_diff, slow=True),
    )
    return Race(
        name,
        title,
        Size({"servers": 20_000, "models": 60}, 3),
        Size({"servers": 200, "models": 60}, 3),
        _two_runs(unique, share),
        (
            Contestant(OURS, _ours),
            Contestant(f"{OURS}, whole command", command=_command, answer=_printed),
            Contestant("DuckDB full join", _duckdb),
            *(slow if others else ()),
        ),
        (
            Target("seconds", limit, ("DuckDB full join",)),
            *((Target("peak_mb", 0.33, ("DuckDB full join",)),) if share < 1 else ()),
        ),
    )


DIFFS = (
    _diff("S4", "diff of two runs, 0.5 % of the servers changed", unique=False, share=0.005, limit=0.3, others=True),
    _diff("S4u", "the same, no row on two servers", unique=True, share=0.005, limit=0.3, others=False),
    _diff("S4a", "the same, every server changed", unique=False, share=1.0, limit=1.5, others=False),
)
