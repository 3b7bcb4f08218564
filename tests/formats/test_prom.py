"""Metrics: promtool, node_exporter and both parsers of prometheus_client read them, whatever the names are."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics_families
from prometheus_client.parser import text_fd_to_metric_families
from support.cli_runner import run
from support.history_builders import day, made, model
from support.snapshots import HOSTILE, MOMENT, PIECES, fleet, snapshot

import inventory
from inventory import schema
from inventory.formats.prom import encode
from inventory.report.facts import Report, RunOutcome
from inventory.rules.evaluate import Judgement
from inventory.tables import rows, table_of

ALERTS = """
rule_files: [rules.yml]
evaluation_interval: 1h
tests:
  - interval: 1h
    input_series:
      - {series: lms_inventory_run_timestamp_seconds, values: "0x40 144000"}
      - {series: lms_inventory_run_exit_code, values: "0 0 4 0x40"}
      - {series: 'lms_inventory_server_up{server="a"}', values: "1 1 0x40"}
      - {series: 'lms_inventory_server_up{server="b"}', values: "1 0 1x40"}
      - {series: 'lms_inventory_changes{change="removed"}', values: "0 0 0 2 0x40"}
      - {series: 'lms_inventory_changes{change="loaded"}', values: "7x40"}
      - {series: 'lms_inventory_findings{severity="high",status="fail"}', values: "0 0 1 0x40"}
      - {series: 'lms_inventory_findings{severity="high",status="waived"}', values: "9x40"}
    alert_rule_test:
      - {eval_time: 25h, alertname: InventoryNotTaken}
      - {eval_time: 27h, alertname: InventoryNotTaken, exp_alerts: [{exp_labels: {}}]}
      - {eval_time: 1h, alertname: InventoryMissing}
      - {eval_time: 1h, alertname: InventoryNotWritten}
      - {eval_time: 2h, alertname: InventoryNotWritten, exp_alerts: [{exp_labels: {}}]}
      - {eval_time: 2h, alertname: ModelServerDown}
      - {eval_time: 27h, alertname: ModelServerDown, exp_alerts: [{exp_labels: {server: a}}]}
      - {eval_time: 2h, alertname: ModelsChanged}
      - {eval_time: 3h, alertname: ModelsChanged, exp_alerts: [{exp_labels: {change: removed}}]}
      - {eval_time: 2h, alertname: ModelRuleBroken, exp_alerts: [{exp_labels: {severity: high, status: fail}}]}
      - {eval_time: 3h, alertname: ModelRuleBroken}
  - interval: 1d
    input_series:
      - {series: 'lms_inventory_server_last_complete_timestamp_seconds{server="a"}', values: "0x20"}
      - {series: 'lms_inventory_size_bytes{server="a"}', values: "100 100 100 100 160x20"}
    alert_rule_test:
      - {eval_time: 1h, alertname: InventoryMissing, exp_alerts: [{exp_labels: {}}]}
      - {eval_time: 6d, alertname: ModelServerStale}
      - {eval_time: 8d, alertname: ModelServerStale, exp_alerts: [{exp_labels: {server: a}}]}
      - {eval_time: 3d, alertname: ModelsGrew}
      - {eval_time: 8d, alertname: ModelsGrew, exp_alerts: [{exp_labels: {server: a}}]}
"""
"""What the alerts of the manual do over made-up hours and days."""

openmetrics: Callable[[StringIO], Iterable[Metric]] = openmetrics_families  # which says nothing of its types

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(text: str) -> Series:
    """Every series by name and labels, as both parsers read it, which must agree."""
    read = [
        {
            (sample.name.removeprefix("lms_inventory_"), tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }
        for families in (
            text_fd_to_metric_families(StringIO(text)),
            openmetrics(StringIO(text)),
        )
    ]
    assert read[0] == read[1]
    return read[0]


def values(metrics: Series, name: str) -> dict[str, float]:
    """The values of one metric by the label that tells its series apart."""
    return {
        ",".join(value for _, value in labels): value for (metric, labels), value in metrics.items() if metric == name
    }


def promtool(*arguments: str | Path, text: str = "") -> str:
    """What promtool says; nothing if all is well."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool here; get it with: apt-get install prometheus")
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_numbers_are_those_of_the_state(tmp_path: Path) -> None:
    """A server that was not read now keeps its models, one that never was has none, and the changes are counted."""
    before = {"a": [model("x", "x:1"), model("y")], "b": [model("x")], "never": None}
    history, ids = made(tmp_path, before, {"a": [model("x"), model("z")], "b": None, "never": None})
    report = Report(history.state(), history.diff(), outcome=RunOutcome(1.25, 3), now=day(9))
    metrics = series(encode(report, "model").decode())
    assert values(metrics, "models") == {"a": 2, "b": 1}
    assert values(metrics, "instances") == {"a": 0, "b": 0}
    assert values(metrics, "size_bytes") == {"a": 20, "b": 10}
    assert values(metrics, "server_up") == {"a": 1, "b": 0, "never": 0}
    statuses = values(metrics, "server_status")
    assert len(statuses) == 3 * len(schema.STATUSES)
    assert {name for name, value in statuses.items() if value} == {"a,ok", "b,unreachable", "never,unreachable"}
    complete = values(metrics, "server_last_complete_timestamp_seconds")
    assert complete == {"a": day(1).timestamp(), "b": day(0).timestamp()}
    assert values(metrics, "changes") == dict.fromkeys(schema.CHANGES_WORDS, 0) | {
        "added": 1,
        "removed": 1,
        "unloaded": 1,
    }
    single = {name: value for (name, labels), value in metrics.items() if not labels}
    assert single == {
        "run_timestamp_seconds": day(1).timestamp(),
        "run_duration_seconds": 1.25,
        "run_exit_code": 3,
        "stale_servers": 3,
    }
    assert ids[1] == history.state().run_id
    assert values(metrics, "build_info") == {inventory.__version__: 1}


def test_what_is_not_known_has_no_sample() -> None:
    """Without a comparison there are no counts of 0, without a run no duration, and without rules no findings."""
    metrics = series(encode(Report(fleet()), "model").decode())
    names = {name for name, _ in metrics}
    assert not names & {"changes", "findings", "run_duration_seconds", "run_exit_code"}
    assert {"models", "server_up", "stale_servers", "run_timestamp_seconds"} <= names


def test_findings_are_counted_by_severity_and_status() -> None:
    """The findings of rules are counted."""
    statuses = (("high", "fail"), ("high", "fail"), ("low", "waived"))
    judgement = Judgement([{"severity": severity, "status": status} for severity, status in statuses])
    counts = values(series(encode(Report(fleet(), judgement=judgement), "model").decode()), "findings")
    assert {name: number for name, number in counts.items() if number} == {"high,fail": 2, "low,waived": 1}


def test_with_rules_no_finding_is_a_zero() -> None:
    """Without rules, or where they could not be judged by, there is no number; with rules there is, for each status."""
    found = values(series(encode(Report(fleet(), judgement=Judgement()), "model").decode()), "findings")
    assert (len(found), set(found.values()), found["high,fail"]) == (9, {0}, 0)


def test_a_server_that_a_run_alone_did_not_read_is_stale() -> None:
    """Its last complete answer is missing, as far as anybody knows."""
    (base,) = rows(snapshot().tables["observations"])
    observed = [base | {"server": "a"}, base | {"server": "b", "status": "timeout"}]
    taken = snapshot()
    taken = replace(taken, tables={**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)})
    assert series(encode(Report(taken), "model").decode())["stale_servers", ()] == 1


def test_no_model_is_a_series_and_labels_are_chosen() -> None:
    """Names of models are in no series; labels of servers are only if they are chosen, with a name that can be one."""
    taken = snapshot([{"server": "s", "key": "secret-model", "ordinal": 0}])
    observed = [row | {"labels": '{"site": "Rome", "cost-center": "7"}'} for row in rows(taken.tables["observations"])]
    taken = replace(taken, tables={**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)})
    plain = encode(Report(taken), "model").decode()
    assert "secret-model" not in plain
    assert "Rome" not in plain
    chosen = encode(Report(taken, metric_labels={"cost-center": "cost_center", "owner": "owner"}), "model").decode()
    assert 'server_up{server="s",cost_center="7"} 1' in chosen
    assert "Rome" not in chosen
    assert "owner" not in chosen


@given(st.lists(st.sampled_from([*HOSTILE, *PIECES]) | st.text(max_size=9), min_size=1, max_size=3, unique=True))
def test_hostile_names_end_no_line_and_no_label(names: list[str]) -> None:
    """Quotes, backslashes, line breaks and controls in a name make no other series, for either parser."""
    (base,) = rows(snapshot().tables["observations"])
    observed = [base | {"server": name, "labels": f'{{"site": {json.dumps(name)}}}'} for name in names]
    taken = snapshot()
    taken = replace(taken, tables={**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)})
    text = encode(Report(taken, metric_labels={"site": "site"}), "model").decode()
    metrics = series(text)
    up = {labels for name, labels in metrics if name == "server_up"}
    assert 1 <= len(up) <= len(names)
    assert all([name for name, _ in labels] in (["server", "site"], ["server"]) for labels in up)


def test_promtool_finds_nothing_to_complain_of() -> None:
    """Names, help and types are as Prometheus wants them, also with hostile names."""
    (base,) = rows(snapshot().tables["observations"])
    names = [name for name in dict.fromkeys([*HOSTILE, *PIECES]) if name.isprintable()]
    observed = [base | {"server": name, "latency_ms": 12.5, "as_of": MOMENT} for name in names]
    taken = snapshot()
    taken = replace(taken, tables={**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)})
    report = Report(taken, inventory.compare(snapshot(), snapshot()), outcome=RunOutcome(0.5, 10))
    assert promtool("check", "metrics", text=encode(report, "model").decode()) == ""


@pytest.mark.long
def test_a_snapshot_writes_them_last_and_export_without_the_run(tmp_path: Path) -> None:
    """The file of a run has its exit code and duration; export has the state without them."""
    body = Path(__file__).parent.parent / "payloads/v1/21-docs-example-2026-04.json"
    servers = ("--server", f"lab=file:{body}", "--server", "off=http://127.0.0.1:9")
    done = run("snapshot", *servers, "--history", "h", "-o", "x.prom", "-o", "x.csv", cwd=tmp_path)
    assert done.code == 3, done.err
    metrics = series((tmp_path / "x.prom").read_text())
    assert metrics["run_exit_code", ()] == 3
    assert metrics["run_duration_seconds", ()] > 0
    assert values(metrics, "server_up") == {"lab": 1, "off": 0}
    again = run("snapshot", *servers[:2], "--history", "h", "-o", "x.prom", "--fail-on", "incomplete", cwd=tmp_path)
    assert again.code == 0, again.err
    metrics = series((tmp_path / "x.prom").read_text())
    assert (metrics["run_exit_code", ()], sum(values(metrics, "changes").values())) == (0, 0)
    assert values(metrics, "server_up") == {"lab": 1, "off": 0}  # the state, not only what this run asked
    assert run("export", "--history", "h", "-o", "y.prom", cwd=tmp_path).code == 0
    exported = series((tmp_path / "y.prom").read_text())
    assert metrics.keys() - exported.keys() == {("run_exit_code", ()), ("run_duration_seconds", ())}


def test_a_run_that_cannot_be_logged_says_so_in_its_metrics(tmp_path: Path) -> None:
    """The run log is written after the metrics; if that fails, they have the exit code that the command ends with."""
    body = Path(__file__).parent.parent / "payloads/v1/21-docs-example-2026-04.json"
    (tmp_path / "h" / "runs.jsonl").mkdir(parents=True)
    done = run("snapshot", "--server", f"lab=file:{body}", "--history", "h", "-o", "x.prom", cwd=tmp_path)
    assert done.code == 4, done.err
    assert series((tmp_path / "x.prom").read_text())["run_exit_code", ()] == 4


def test_a_second_file_of_metrics_that_fails_is_in_the_first(tmp_path: Path) -> None:
    """All metrics have the exit code that the command ends with, also if one of them could not be written."""
    body = Path(__file__).parent.parent / "payloads/v1/21-docs-example-2026-04.json"
    (tmp_path / "y.prom").mkdir()
    targets = ("-o", "x.prom", "-o", "y.prom")
    done = run("snapshot", "--server", f"lab=file:{body}", "--history", "h", *targets, cwd=tmp_path)
    assert done.code == 4, done.err
    assert series((tmp_path / "x.prom").read_text())["run_exit_code", ()] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "-o", "x.prom"), "holds the state, and no other tables"),
        (("history", "-o", "x.prom"), "holds the state, and no other tables"),
        (("report", "-o", "x.prom"), "x.prom is not a report"),
        (("show", "x.prom"), "this format cannot be read back"),
    ],
)
def test_other_commands_refuse_them(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """What is not the present state cannot be metrics: one line, exit 2, and no file."""
    made(tmp_path, {"a": []}, {"a": []})
    done = run(*arguments, "--history", "history", cwd=tmp_path)
    assert (done.code, words in done.err, len(done.err.splitlines())) == (2, True, 1), done.err
    assert not (tmp_path / "x.prom").exists()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ('["server"]', "each metric has that already"),
        ('["a-b", "a_b"]', "both a_b in a metric"),
        ('"site"', "must be a list"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels: str, words: str, tmp_path: Path) -> None:
    """The configuration is refused with its line, before any server is asked."""
    (tmp_path / "inventory.toml").write_text(f"[metrics]\nlabels = {labels}\n")
    done = run("snapshot", cwd=tmp_path)
    assert (done.code, "inventory.toml line 2" in done.err, words in done.err) == (2, True, True), done.err


def test_the_alerts_of_the_manual_fire_when_they_should(tmp_path: Path) -> None:
    """Promtool finds the rules of the manual right, and fires each of them over made-up series, and none too early."""
    page = (Path(inventory.__file__).parent / "manual" / "metrics.md").read_text()
    rules = page.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "tests.yml").write_text(ALERTS)
    assert "SUCCESS: 8 rules found" in promtool("check", "rules", tmp_path / "rules.yml")
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "tests.yml")


def test_node_exporter_serves_them(tmp_path: Path) -> None:
    """A real node_exporter reads the file from its folder for text files and serves every series."""
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        pytest.skip("no node_exporter here; get it with: apt-get install prometheus-node-exporter")
    history, _ = made(tmp_path, {'quo"te \\ back': [model("x")], "b": [model("y", "y:1")]})
    folder = tmp_path / "textfiles"
    folder.mkdir()
    text = encode(Report(history.state(), outcome=RunOutcome(0.25, 0)), "model")
    inventory.formats.write(Report(history.state(), outcome=RunOutcome(0.25, 0)), folder / "lms.prom")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program, f"--web.listen-address={address}", "--collector.disable-defaults", "--collector.textfile"]
    process = subprocess.Popen(
        [*command, f"--collector.textfile.directory={folder}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        served = _fetched(f"http://{address}/metrics", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    ours = "".join(line + "\n" for line in served.splitlines() if "lms_inventory_" in line)
    assert series(ours + "# EOF\n") == series(text.decode())
    assert "node_textfile_scrape_error 0" in served
    assert f'node_textfile_mtime_seconds{{file="{folder / "lms.prom"}"}}' in served


def _fetched(url: str, process: "subprocess.Popen[bytes]") -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        assert process.poll() is None, "it ended"
        try:
            with opener.open(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it never answered")


def test_other_users_can_read_the_file(tmp_path: Path) -> None:
    """The exporter is another user: the file has the permissions of any new file."""
    before = os.umask(0o022)
    try:
        inventory.formats.write(Report(fleet()), tmp_path / "x.prom")
    finally:
        os.umask(before)
    assert (tmp_path / "x.prom").stat().st_mode & 0o777 == 0o644
