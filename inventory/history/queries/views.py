"""The views that a query can use, and how each is made."""

from dataclasses import dataclass

from inventory import schema
from inventory.schema import derived

_RUN = (
    schema.Column("run_id", schema.TEXT, "The run that read it.", key=True),
    schema.Column("observed_at", schema.TIME, "When the server gave the answer.", "UTC"),
)


@dataclass(frozen=True)
class View:
    """A view.

    Attributes:
        table: its name, rows and columns.
        about: what it holds, in a few words.
        files: the table of the history whose rows it shows; empty for one that is computed.
        of_all_runs: it holds all runs, not the state.
    """

    table: schema.Table
    about: str
    files: str = ""
    of_all_runs: bool = False


def _all_runs(table: schema.Table) -> schema.Table:
    columns = tuple(column for column in table.columns if column.name != "as_of")
    return schema.Table(f"{table.name}_history", table.row, (*_RUN, *columns))


VIEWS = {
    view.table.name: view
    for view in (
        View(schema.MODELS, "the models of the state", "models"),
        View(schema.INSTANCES, "the loaded instances of the state", "instances"),
        View(schema.OBSERVATIONS, "each server of the state: newest attempt, last complete answer"),
        View(derived.SERVERS, "each server that any run asked, retired ones too"),
        View(_all_runs(schema.MODELS), "the models of every complete answer", "models", of_all_runs=True),
        View(_all_runs(schema.INSTANCES), "the instances of every complete answer", "instances", of_all_runs=True),
        View(
            schema.Table("observations_history", schema.OBSERVATIONS.row, schema.OBSERVATIONS.columns),
            "what each server answered in each run",
            of_all_runs=True,
        ),
        View(schema.CHANGES, "what changed from the run before to the state"),
        View(derived.TIMELINE, "every change of the history, with its run"),
        View(derived.LIFECYCLE, "each model on each server: first and last seen, loaded, changed"),
        View(derived.RUNS, "the runs, with counts"),
        View(derived.FINDINGS, "what the rules of inventory.toml find in the state"),
    )
}
"""The views, by name, in the order in which they are listed."""


def view_sql(view: View, columns: frozenset[str] | None) -> str:
    """Return the SQL of a view over the stored rows of one grain; only of some columns, by default of all.

    It reads the tables ``stored_NAME`` and, for the state, ``wanted``; for all runs, ``observations_history``.
    """
    names = [column.name for column in view.table.columns if columns is None or column.name in columns]
    own = {"server": "a.server", "as_of": "a.as_of", "run_id": "a.run_id", "observed_at": "a.observed_at"}
    shown = ", ".join(f"{own.get(name, f'r.{name}')} AS {name}" for name in names) or "1 AS present"
    answers = "observations_history a" if view.of_all_runs else "wanted a"
    complete = "WHERE a.status = 'ok'" if view.of_all_runs else ""
    return f"""
        SELECT {shown} FROM {answers}
        JOIN stored_{view.files} r ON r.digest = a.digest AND r.stored_in = a.stored_in {complete}"""


def stored_columns(table: schema.Table, columns: frozenset[str] | None) -> list[str]:
    """Return the columns to load of the stored rows of one grain: those that a query may name."""
    return ["digest", "stored_in", *(name for name in table.response_names if columns is None or name in columns)]
