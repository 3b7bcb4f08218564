"""The tables that rules are judged on: of the state after a run, and of all answers up to it."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from inventory import schema
from inventory.errors import ConfigurationError, QueryError
from inventory.history.queries.database import Database
from inventory.history.queries.statement import parse_statement
from inventory.history.queries.views import stored_columns
from inventory.history.sql import all_runs
from inventory.rules.evaluate import audited_servers
from inventory.rules.globs import sql_text
from inventory.rules.model import SOURCES, Rule, RuleSet
from inventory.rules.sql import ROW, expression_test, expression_type, violations
from inventory.schema import derived
from inventory.tables import Row, RunTables, column_of, concat, is_known, rows, table_of, texts_table, values

if TYPE_CHECKING:
    from inventory.history.reader import RunHistory


_ANSWER = ("digest", "stored_in")
_SAME = ("rule", "grain", *ROW, "field")


def check_expression(rule: Rule) -> None:
    """Check that the expression of a rule is one condition over the columns of its grain.

    Raises:
        ConfigurationError: it is not.
    """
    database = Database()
    for table in SOURCES.values():
        database.add(table.name, concat(table, []))
    database.lock()
    try:
        parse_statement(database.connection, expression_test(rule))
        database.query(expression_test(rule))
        described = rows(database.query(f"DESCRIBE {expression_type(rule)}"))
    except QueryError as error:
        what = error.what.replace("Parser Error: ", "").replace("Binder Error: ", "")
        place = " ".join(line.strip() for line in error.place.splitlines() if "LINE" not in line and "^" not in line)
        raise ConfigurationError(f"if is no SQL condition over {SOURCES[rule.grain].name}: {what}", place) from error
    kinds = [row["column_type"] for row in described]
    if kinds not in (["BOOLEAN"], ['"NULL"']):
        raise ConfigurationError(f"if is of type {', '.join(kinds)}", "Write a condition, such as size_bytes > 40e9")


def tables_database(snapshot: RunTables, rules: RuleSet) -> Database:
    """Build a database with the tables of a file or of one run, to judge them; suspect servers count as unknown."""
    database = Database()
    observations = rows(snapshot.tables["observations"])
    _add_servers(database, rules, observations)
    for name, table in snapshot.tables.items():
        database.add(name, table)
    database.lock()
    return database


def state_database(history: "RunHistory", observed: Sequence[Row], rules: RuleSet) -> Database:
    """Build a database with the tables of a state, to judge them; only the columns that some rule reads are loaded."""
    database = Database()
    _add_servers(database, rules, observed)
    database.add("observations", table_of(schema.OBSERVATIONS, observed))
    database.add("wanted", table_of(all_runs.WANTED, [row for row in observed if row["digest"]]))
    stored = {row["stored_in"] for row in observed if row["digest"]}
    _open_rows(database, history, rules, stored, "wanted", ("server", "as_of"))
    database.lock()
    return database


def history_database(
    history: "RunHistory", run_id: str, rules: RuleSet, servers: Collection[str] | None = None
) -> Database:
    """Build a database with all answers up to a run, each once; its table ``violations`` holds what does not comply.

    ``islands`` holds of each server the observations whose answer is not that of the one before.

    Args:
        history: the history.
        run_id: the last run.
        rules: the rules; those whose expression cannot be computed are left out.
        servers: only these; all by default.
    """
    database = _observed(history, run_id, servers)
    database.execute("""CREATE TEMP TABLE answers AS SELECT server, digest, stored_in, min(observed_at) AS as_of
        FROM islands GROUP BY ALL""")
    database.execute("""CREATE TEMP VIEW observations AS SELECT DISTINCT ON (o.server, o.digest, o.stored_in)
        o.* REPLACE (o.observed_at AS as_of) FROM observations_history o JOIN answers USING (server, digest, stored_in)
        WHERE o.status = 'ok'""")
    # A server is judged by its newest labels, whether it could be read then or not.
    newest = rows(
        database.query("""SELECT * REPLACE ('ok' AS status) FROM observations_history
        QUALIFY row_number() OVER (PARTITION BY server ORDER BY run_id DESC) = 1""")
    )
    database.add("audited", audited_servers(rules, newest))
    stored = set(values(database.query("SELECT DISTINCT stored_in FROM answers"), "stored_in"))
    _open_rows(database, history, rules, stored, "answers", ("server", "as_of", *_ANSWER))
    database.lock()
    columns = ", ".join(f"CAST(NULL AS {'BIGINT' if 'ordinal' in name else 'VARCHAR'}) AS {name}" for name in _SAME)
    database.execute(f"CREATE TEMP TABLE violations AS SELECT {columns}, '' AS digest, '' AS stored_in LIMIT 0")
    for rule in rules.rules:
        if sql := violations(rule, _ANSWER):
            try:
                database.execute(f"INSERT INTO violations SELECT DISTINCT {', '.join((*_SAME, *_ANSWER))} FROM ({sql})")
            except QueryError:
                continue  # It knows nothing, which the audit of the state tells.
    return database


def add_since(history: "RunHistory", run_id: str, rules: RuleSet, findings: Sequence[Row]) -> None:
    """Fill in since when each finding has been there without a break, as far as the runs show."""
    dating = [row for row in findings if row["status"] != "unknown" and row["since"] is None]
    if not dating:
        return
    # Of most servers there is but one answer, or the same one again and again: it is as old as what it holds.
    steps = rows(
        _observed(history, run_id).query(
            "SELECT server, count(*) AS answers, min(observed_at) AS since FROM islands GROUP BY server"
        )
    )
    single = {row["server"]: row["since"] for row in steps if row["answers"] == 1}
    several = [row for row in dating if row["server"] not in single]
    for row in dating:
        row["since"] = single.get(row["server"])
    if not several:
        return
    names = {row["rule"] for row in several}
    judging = RuleSet(tuple(rule for rule in rules.rules if rule.name in names))
    database = history_database(history, run_id, judging, {row["server"] for row in several})
    places = column_of(schema.INTEGER, range(len(several)))
    database.add("places", table_of(derived.FINDINGS, several).append_column("place", places))
    same = " AND ".join(f"v.{name} IS NOT DISTINCT FROM p.{name}" for name in _SAME)
    result = database.query(f"""
        WITH seen AS (
            SELECT p.place, i.observed_at, v.rule IS NOT NULL AS is_found
            FROM places p JOIN islands i ON i.server = p.server
            LEFT JOIN violations v ON v.digest = i.digest AND v.stored_in = i.stored_in AND {same}
        ), broken AS (
            SELECT place, max(observed_at) FILTER (NOT is_found) AS last_good FROM seen GROUP BY place
        )
        SELECT s.place, min(s.observed_at) AS since FROM seen s JOIN broken b ON b.place = s.place
        WHERE s.is_found AND (b.last_good IS NULL OR s.observed_at > b.last_good) GROUP BY s.place""")
    for row in rows(result):
        several[row["place"]]["since"] = row["since"]


def finding_runs(history: "RunHistory", rules: RuleSet, servers: Sequence[str] = ()) -> pa.Table:
    """Count the new, gone and remaining findings of each run: rows of ``derived.FINDING_RUNS``.

    Exceptions do not count, nor do rules on the age of an answer or on use, which no single answer breaks.

    Args:
        history: the history.
        rules: the rules of today, by which every run is judged.
        servers: only these; all by default.
    """
    run_ids = history.dated()
    database = history_database(history, run_ids[-1], rules, set(servers) or None)
    same = " AND ".join(f"v.{name} IS NOT DISTINCT FROM w.{name}" for name in _SAME)
    steps = rows(
        database.query(f"""
        WITH numbers AS (
            SELECT server, digest, stored_in, count(*) AS number FROM violations GROUP BY ALL
        ), steps AS (
            SELECT *, lag(digest) OVER w AS old_digest, lag(stored_in) OVER w AS old_stored_in FROM islands
            WINDOW w AS (PARTITION BY server ORDER BY observed_at, run_id)
        ), common AS (
            SELECT s.server, s.observed_at, s.run_id, count(*) AS number FROM steps s
            JOIN violations v ON v.server = s.server AND v.digest = s.digest AND v.stored_in = s.stored_in
            JOIN violations w ON w.server = s.server AND w.digest = s.old_digest AND w.stored_in = s.old_stored_in
                AND {same} GROUP BY ALL
        )
        SELECT s.run_id, CAST(sum(coalesce(n.number, 0) - coalesce(c.number, 0)) AS BIGINT) AS new,
               CAST(sum(coalesce(o.number, 0) - coalesce(c.number, 0)) AS BIGINT) AS gone
        FROM steps s
        LEFT JOIN numbers n ON n.server = s.server AND n.digest = s.digest AND n.stored_in = s.stored_in
        LEFT JOIN numbers o ON o.server = s.server AND o.digest = s.old_digest AND o.stored_in = s.old_stored_in
        LEFT JOIN common c ON c.server = s.server AND c.observed_at = s.observed_at AND c.run_id = s.run_id
        GROUP BY s.run_id""")
    )
    changed = {row["run_id"]: row for row in steps}
    began = rows(database.query("SELECT run_id, min(observed_at) AS began FROM observations_history GROUP BY run_id"))
    times, total, counted = {row["run_id"]: row["began"] for row in began}, 0, []
    for run_id in run_ids:
        new, gone = (changed[run_id][name] if run_id in changed else 0 for name in ("new", "gone"))
        counted.append(
            {"run_id": run_id, "collected_at": times[run_id], "new": new, "gone": gone, "still": total - gone}
        )
        total += new - gone
    return table_of(derived.FINDING_RUNS, counted)


def _observed(history: "RunHistory", run_id: str, servers: Collection[str] | None = None) -> Database:
    """Build a database with the observations up to a run; ``islands`` has each answer unlike the one before."""
    database = Database()
    runs = [run for run in history.dated() if run <= run_id]
    database.open("observations_history", history.store.checked("observations", runs), schema.OBSERVATIONS.names)
    only = "" if servers is None else f"AND server IN ({', '.join(map(sql_text, sorted(servers)))})"
    database.execute(f"""CREATE TEMP TABLE islands AS SELECT server, run_id, observed_at, digest, stored_in FROM (
        SELECT *, lag(digest) OVER (PARTITION BY server ORDER BY observed_at, run_id) AS before
        FROM observations_history WHERE status = 'ok' {only}) WHERE before IS DISTINCT FROM digest""")
    return database


def _add_servers(database: Database, rules: RuleSet, observations: Sequence[Row]) -> None:
    database.add("audited", audited_servers(rules, observations))
    database.add("answers", texts_table(server=[row["server"] for row in observations if is_known(row)]))


def _open_rows(
    database: Database, history: "RunHistory", rules: RuleSet, stored: Collection[str], answers: str, own: Sequence[str]
) -> None:
    """Load the stored rows of both grains, and make the views over them that rules are judged on."""
    columns = _columns(database, rules)
    grains = {SOURCES[rule.grain].name for rule in rules.rules} | {
        "models" for rule in rules.rules if rule.unused is not None
    }
    for kind, files in all_runs.GRAIN_FILES.items():
        table = schema.TABLES[kind]
        names = stored_columns(table, columns)
        if stored and (kind in grains or columns is None):
            database.stream(f"stored_{kind}", history.store.checked(kind, stored), names)
        else:
            database.add(f"stored_{kind}", concat(files, []))
        shown = ", ".join([*(f"a.{name}" for name in own), *(f"r.{name}" for name in names[2:])])
        database.execute(f"""CREATE TEMP TABLE {kind} AS SELECT {shown} FROM {answers} a
            JOIN stored_{kind} r ON r.digest = a.digest AND r.stored_in = a.stored_in""")


def _columns(database: Database, rules: RuleSet) -> frozenset[str] | None:
    """Return the columns that some rule reads; None for all."""
    names = frozenset(ROW)
    for rule in rules.rules:
        names |= rule.columns
        if rule.expression is not None:
            statement = parse_statement(database.connection, expression_test(rule))
            if statement.columns is None or (statement.tables or frozenset()) - {SOURCES[rule.grain].name}:
                return None
            names |= statement.columns
    return names
