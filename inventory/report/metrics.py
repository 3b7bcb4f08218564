"""The numbers of a report that a monitoring system watches: gauges about the run, the servers and the changes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from inventory import schema
from inventory.about import VERSION
from inventory.report.facts import Report
from inventory.rules.evaluate import FAIL, UNKNOWN, WAIVED
from inventory.rules.model import SEVERITIES
from inventory.run_ids import time_of
from inventory.tables import Row, is_known

Samples = Sequence[tuple[Mapping[str, str], float]]


@dataclass(frozen=True)
class Gauge:
    """A number that goes up and down.

    Attributes:
        name: its name, without the tool's.
        meaning: one sentence.
        samples: the labels and the value of each series.
    """

    name: str
    meaning: str
    samples: Samples


def gauges(report: Report) -> list[Gauge]:
    """List the gauges of a report; one without samples is left out.

    A number that is not known has no sample: a server that was never read has no models, not 0 models.
    """
    return [gauge for gauge in (*_run(report), *_servers(report), *_changes(report)) if gauge.samples]


def _run(report: Report) -> Iterator[Gauge]:
    run_id, outcome = report.snapshot.run_id, report.outcome
    yield Gauge("build_info", "The version that wrote these metrics.", [({"version": VERSION}, 1)])
    began: Samples = [({}, _seconds(time_of(run_id)))] if run_id else []
    yield Gauge("run_timestamp_seconds", "When the newest run began.", began)
    yield Gauge("run_duration_seconds", "How long that run took.", [({}, outcome.seconds)] if outcome else [])
    yield Gauge("run_exit_code", "Its exit code: 0 is good.", [({}, outcome.exit_code)] if outcome else [])
    stale = {*report.coverage.stale, *(row["server"] for row in report.servers if not is_known(row))}
    yield Gauge("stale_servers", "Servers whose last complete answer is too old, or missing.", [({}, len(stale))])


def _servers(report: Report) -> Iterator[Gauge]:
    rows = report.servers
    labels = {row["server"]: _labels(row, report.metric_labels) for row in rows}

    def samples(values: Mapping[str, float | None]) -> Samples:
        return [(labels[server], value) for server, value in values.items() if value is not None]

    known = [row for row in rows if is_known(row)]
    yield Gauge(
        "server_up",
        "1 if the newest attempt read the server.",
        samples({row["server"]: int(row["status"] == "ok") for row in rows}),
    )
    yield Gauge(
        "server_status",
        "1 for the status of the newest attempt, 0 for the others.",
        [
            ({**labels[row["server"]], "status": status}, int(row["status"] == status))
            for row in rows
            for status in schema.STATUSES
        ],
    )
    yield Gauge(
        "server_last_complete_timestamp_seconds",
        "When the server was last read completely.",
        samples({row["server"]: row["as_of"] and _seconds(row["as_of"]) for row in known}),
    )
    yield Gauge(
        "server_response_seconds",
        "How long the newest attempt took.",
        samples(
            {row["server"]: None if row["latency_ms"] is None else round(row["latency_ms"] / 1000, 6) for row in rows}
        ),
    )
    for name, column, meaning in (
        ("models", "model_count", "Models on the server, as of its last complete answer."),
        ("instances", "instance_count", "Loaded instances on the server, as of its last complete answer."),
        ("size_bytes", "size_bytes", "Size of the server's models, as of its last complete answer."),
    ):
        yield Gauge(name, meaning, samples({row["server"]: row[column] for row in known}))


def _changes(report: Report) -> Iterator[Gauge]:
    servers = [row["server"] for row in report.servers]
    counts = report.changes.word_counts(servers) if report.changes else None
    samples = [({"change": word}, number) for word, number in (counts or {}).items()]
    yield Gauge("changes", "Models and instances that the newest run found changed.", samples)
    # With rules, no finding is a number; without, or where the audit failed, nothing is known.
    numbers: dict[tuple[str, str], int] = {}
    if report.judgement:
        numbers = dict.fromkeys(product(SEVERITIES, (FAIL, UNKNOWN, WAIVED)), 0)
        numbers |= Counter((row["severity"], row["status"]) for row in report.judgement.findings)
    findings = [({"severity": severity, "status": status}, number) for (severity, status), number in numbers.items()]
    yield Gauge("findings", "Findings of the rules.", sorted(findings, key=lambda sample: sorted(sample[0].values())))


def _labels(row: Row, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a server's series: its name, and those that the configuration names, where it has them."""
    own = json.loads(row["labels"] or "{}") if wanted else {}
    return {"server": row["server"] or ""} | {name: str(own[label]) for label, name in wanted.items() if label in own}


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 6)
