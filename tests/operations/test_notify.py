"""Notices: what is new is told once, the first is never swallowed, and the history alone knows what was told."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.history_builders import Fleet, day, model, opened
from support.history_builders import run as record_run
from support.sinks import Sink

from inventory import History
from inventory.config.loader import parse
from inventory.config.notices import NoticeConfig, parse_notice
from inventory.config.servers import Server
from inventory.errors import ConfigurationError, FileError
from inventory.history.queries.audit import check_expression
from inventory.operations.audit import audit
from inventory.operations.compare import ResolvedRef
from inventory.operations.notify import FinishedRun, Outcome, tell
from inventory.operations.snapshot import log_run, take_snapshot
from inventory.rules.parse import parse_rules

Events = list[tuple[str, str | None, str | None]]


class Office:
    """A history, a sink, and runs that tell it what they found.

    Args:
        folder: where the answers and the history lie.
        sink: where notices arrive.
        more: further keys of the notice.
    """

    def __init__(self, folder: Path, sink: Sink, **more: Any) -> None:
        self.folder = folder
        self.sink = sink
        self.history: History = opened(folder / "history")
        self.notices = [parse_notice({"url_env": "SINK", **more}, "inventory.toml line 1")]
        self.environment = {"SINK": sink.url}

    def run(self, number: float, fleet: Fleet, failures: Sequence[str] = (), *, logged: bool = True) -> list[Outcome]:
        """Take a snapshot at a day, tell about it, and log it; ``logged=False``: it was killed before."""
        servers = []
        for name, models in fleet.items():
            path = self.folder / f"{name}.json"
            path.unlink(missing_ok=True)
            if models is not None:
                path.write_text(json.dumps({"models": models}))
            servers.append(Server(f"file:{path}", name))
        result = take_snapshot(self.history, servers, timeout=5, recheck=0, clock=lambda: day(number))
        if not logged:
            return []
        outcomes = tell(self.notices, FinishedRun(result, 0, failures), self.history, self.environment)
        errors = [FileError(failure, "") for failure in failures]
        log_run(self.history, result, 0.1, 0, errors, notices=[outcome.entry for outcome in outcomes])
        return outcomes

    def told(self) -> list[Events]:
        """The events of each notice that arrived since this was asked last."""
        documents = [json.loads(body) for body in self.sink.bodies]
        self.sink.received.clear()
        return [
            [(event["event"], event["server"], event["key"]) for event in document["events"]] for document in documents
        ]


@contextmanager
def office(folder: Path, **more: Any) -> Iterator[Office]:
    """An office with a sink that takes everything."""
    with Sink(200) as sink:
        yield Office(folder, sink, **more)


def test_only_what_is_new_is_told(tmp_path: Path) -> None:
    """A first run tells no models, a run without changes nothing, and a change, a failure and a recovery each once."""
    with office(tmp_path) as desk:
        assert [outcome.sent for outcome in desk.run(0, {"a": [model("x")], "b": [model("x")]})] == [None]
        desk.run(1, {"a": [model("x")], "b": [model("x")]})
        assert desk.told() == []
        desk.run(2, {"a": [model("x"), model("y")], "b": None})
        assert desk.told() == [[("added", "a", "y"), ("failed", "b", None)]]
        desk.run(3, {"a": [model("x"), model("y")], "b": None})
        assert desk.told() == []
        desk.run(4, {"a": [model("y")], "b": [model("x")]})
        assert desk.told() == [[("removed", "a", "x"), ("recovered", "b", None)]]
        desk.run(5, {"a": [model("y")], "b": [model("x")]})
        assert desk.told() == []


def test_the_first_failure_is_told_even_in_the_first_run(tmp_path: Path) -> None:
    """A server that was never read is told when it first fails, and when it is first read."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": None})
        desk.run(1, {"a": None, "b": None})
        desk.run(2, {"a": [model("x")], "b": None})
        assert desk.told() == [[("failed", "a", None)], [("failed", "b", None)], [("recovered", "a", None)]]


def test_a_server_on_another_schedule_is_judged_by_its_own_attempts(tmp_path: Path) -> None:
    """A run over other servers in between is neither a failure nor a recovery."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": [model("x")]})
        desk.run(1, {"a": None})
        desk.run(2, {"b": [model("x")]})
        desk.run(3, {"a": None})
        desk.run(4, {"b": [model("x")]})
        desk.run(5, {"a": [model("x")]})
        assert desk.told() == [[("failed", "a", None)], [("recovered", "a", None)]]


def test_a_suspect_answer_is_a_failure_until_it_is_believed(tmp_path: Path) -> None:
    """An answer that lost its models is told as that, and the models as removed when it is believed: once each."""
    many = [model(key) for key in "pqrstu"]
    bundled = [model("text-embedding-nomic-embed-text-v1.5")]
    with office(tmp_path) as desk:
        desk.run(0, {"a": [*many, *bundled]})
        desk.run(1, {"a": bundled})
        (events,) = desk.told()
        assert events == [("failed", "a", None)]
        desk.run(2, {"a": bundled})
        (events,) = desk.told()
        assert Counter(word for word, _, _ in events) == {"removed": 6, "recovered": 1}


def test_loading_is_told_only_to_those_who_ask(tmp_path: Path) -> None:
    """An instance that comes and goes is the state of a machine; any and loaded tell it."""
    with office(tmp_path) as desk:
        desk.notices += [replace(desk.notices[0], words=frozenset({"loaded"}), number=2)]
        desk.run(0, {"a": [model("x")]})
        desk.run(1, {"a": [model("x", "x")]})
        desk.run(2, {"a": [model("x")]})
        assert desk.told() == [[("loaded", "a", "x")]]


def test_what_could_not_be_sent_is_told_by_the_next_run_that_can(tmp_path: Path) -> None:
    """A sink that is down for two runs swallows nothing, and a second one is told nothing twice."""
    with office(tmp_path) as desk, Sink(200) as other:
        desk.notices += [parse_notice({"url_env": "OTHER"}, "")]
        desk.environment["OTHER"] = other.url
        desk.run(0, {"a": [model("x")], "b": [model("x")]})
        desk.sink.status = 500
        outcomes = desk.run(1, {"a": [model("x"), model("y")], "b": None})
        assert [(outcome.sent, outcome.reason) for outcome in outcomes] == [(False, "it answered HTTP 500"), (True, "")]
        desk.run(2, {"a": [model("y")], "b": None})
        desk.told()
        desk.sink.status = 200
        desk.run(3, {"a": [model("y")], "b": None})
        assert desk.told() == [[("added", "a", "y"), ("removed", "a", "x"), ("failed", "b", None)]]
        desk.run(4, {"a": [model("y")], "b": None})
        assert desk.told() == []
        assert len(other.received) == 2


def test_what_a_first_run_could_not_send_is_told_later(tmp_path: Path) -> None:
    """Also if no notice ever arrived: the failures of the first run, and the changes since it."""
    with office(tmp_path) as desk:
        desk.sink.status = 500
        desk.run(0, {"a": None, "b": [model("x")]})
        desk.told()
        desk.sink.status = 200
        desk.run(1, {"a": None, "b": [model("x"), model("y")]})
        assert desk.told() == [[("added", "b", "y"), ("failed", "a", None)]]


def test_a_run_that_was_killed_swallows_nothing(tmp_path: Path) -> None:
    """What a run recorded that was killed before it told anything is told by the next one."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": [model("x")], "b": [model("x")]})
        desk.run(1, {"a": [model("y")], "b": None}, logged=False)
        desk.run(2, {"a": [model("y")], "b": None})
        assert sorted(desk.told()[0]) == [("added", "a", "y"), ("failed", "b", None), ("removed", "a", "x")]


def test_a_history_without_a_log_begins_with_the_run_before(tmp_path: Path) -> None:
    """Runs that another program recorded are not all told at once."""
    with office(tmp_path) as desk:
        for number, key in enumerate("xyz"):
            record_run(desk.history, {"a": [model(key)]}, day(number))
        desk.run(3, {"a": [model("z"), model("w")]})
        assert desk.told() == [[("added", "a", "w")]]


def test_somebody_new_is_not_told_the_past(tmp_path: Path) -> None:
    """A notice that is added to the configuration tells what happens from then on."""
    with office(tmp_path) as desk:
        notices, desk.notices = desk.notices, []
        desk.run(0, {"a": [model("x")]})
        desk.run(1, {"a": [model("y")]})
        desk.notices = notices
        desk.run(2, {"a": [model("y"), model("z")]})
        assert desk.told() == [[("added", "a", "z")]]


def test_files_that_could_not_be_written_are_told_once(tmp_path: Path) -> None:
    """While the same file fails run after run, the first one tells it; when another does, that is told."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": []}, ["x.csv could not be written"])
        desk.run(1, {"a": []}, ["x.csv could not be written"])
        desk.run(2, {"a": []}, ["x.csv could not be written", "y.csv could not be written"])
        desk.run(3, {"a": []})
        desk.run(4, {"a": []}, ["x.csv could not be written"])
        titles = [json.loads(body)["title"] for body in desk.sink.bodies]
    assert [title.partition(": ")[2] for title in titles] == [
        "x.csv could not be written",
        "y.csv could not be written",
        "x.csv could not be written",
    ]


def test_a_history_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """There is nothing to compare with, so it is told each time rather than never."""
    (tmp_path / "history").write_text("")
    with Sink(200) as sink:
        config = parse_notice({"url_env": "SINK"}, "")
        (tmp_path / "a.json").write_text('{"models": []}')
        history = History(tmp_path / "history")
        result = take_snapshot(history, [Server(f"file:{tmp_path / 'a.json'}", "a")], timeout=5)
        assert result.failure is not None
        tell([config], FinishedRun(result, 4, [result.failure.what]), history, {"SINK": sink.url})
        (body,) = sink.bodies
    assert json.loads(body)["exit_code"] == 4
    assert result.failure.what in json.loads(body)["title"]


@pytest.mark.long
def test_stale_is_told_when_it_becomes_so(tmp_path: Path) -> None:
    """Once when the last answer becomes older than the days that are given, and again after it was read."""
    with office(tmp_path, when=["stale:3d"]) as desk:
        desk.run(0, {"a": [], "b": []})
        for number in range(1, 8):
            desk.run(number, {"a": [], "b": None})
        assert desk.told() == [[("stale", "b", None)]]
        desk.run(8, {"a": [], "b": []})
        for number in range(9, 14):
            desk.run(number, {"a": [], "b": None})
        assert desk.told() == [[("stale", "b", None)]]


def test_always_tells_that_nothing_happened(tmp_path: Path) -> None:
    """A run in which nothing is new says how much it read; healthchecks is told of each run by itself."""
    with office(tmp_path, when=["always"]) as desk:
        desk.notices += [parse_notice({"url_env": "SINK", "form": "healthchecks"}, "")]
        desk.run(0, {"a": [], "b": None})
        first = sorted(desk.sink.bodies)
        desk.sink.received.clear()
        desk.run(1, {"a": [], "b": None})
        second = sorted(desk.sink.bodies)
    for texts, title in ((first, ": b not read"), (second, ": nothing new; 1 of 2 servers read")):
        assert texts[0].partition("\n")[0].endswith(title)
        assert json.loads(texts[1])["title"].endswith(title)


def test_findings_are_told_when_they_are_new(tmp_path: Path) -> None:
    """A finding whose time is before the run that was told last is known; an exception is none."""
    with office(tmp_path, when=["findings"]) as desk:
        desk.run(0, {"a": [model("x")]})
        (tmp_path / "a.json").write_text(json.dumps({"models": [model("x")]}))
        servers = [Server(f"file:{tmp_path / 'a.json'}", "a")]
        result = take_snapshot(desk.history, servers, timeout=5, clock=lambda: day(1))
        finding = {"rule": "r", "severity": "high", "status": "fail", "server": "a", "key": "x", "ordinal": 0}
        finding |= {"instance_id": None, "field": "size_bytes", "value": "10", "since": day(1), "waived_until": None}
        findings = [
            finding,
            finding | {"rule": "old", "since": day(-3)},
            finding | {"rule": "excepted", "status": "waived"},
        ]
        tell(desk.notices, FinishedRun(result, 10, findings=findings), desk.history, desk.environment)
        (body,) = desk.sink.bodies
    document = json.loads(body)
    assert [event["text"] for event in document["events"]] == ["high: r: x (size_bytes 10)"]
    assert document["title"].endswith(": 1 high")


def _audited(desk: Office, number: float, rules: str, *, models: Sequence[dict[str, Any]]) -> list[Events]:
    """Take a snapshot at a day, audit it, tell the findings and log it; return what was told."""
    (desk.folder / "a.json").write_text(json.dumps({"models": models}))
    server = Server(f"file:{desk.folder / 'a.json'}", "a")
    ticks = itertools.count()
    result = take_snapshot(desk.history, [server], timeout=5, clock=lambda: day(number + next(ticks) * 1e-6))
    run_id = result.snapshot.run_id
    ruleset = parse_rules(parse(rules, desk.folder / "inventory.toml"), check_expression)
    judgement = audit(ResolvedRef("now", run_id), desk.history, ruleset, now=day(number + 1e-3))
    run = FinishedRun(result, 0, findings=judgement.findings)
    outcomes = tell(desk.notices, run, desk.history, desk.environment)
    log_run(desk.history, result, 0.1, 0, [], notices=[outcome.entry for outcome in outcomes])
    return desk.told()


RULES = """
[[rule]]
name = "only-x"
severity = "high"
allow = { key = ["x"] }
[[rule]]
name = "used"
severity = "low"
unused = 3
"""


@pytest.mark.long
def test_a_finding_of_an_audit_is_told_once(tmp_path: Path) -> None:
    """In an answer, which is later than the beginning of its run, or by the time that nobody used a model."""
    with office(tmp_path, when=["findings"]) as desk:
        assert _audited(desk, 0, RULES, models=[model("x"), model("y")]) == [[("high", "a", "y")]]
        assert _audited(desk, 1, RULES, models=[model("x"), model("y")]) == []
        assert _audited(desk, 2, RULES, models=[model("x"), model("y"), model("z")]) == [[("high", "a", "z")]]
        assert _audited(desk, 2.5, RULES, models=[model("x"), model("y"), model("z")]) == []
        assert _audited(desk, 4, RULES, models=[model("x")]) == [[("low", "a", "x")]]
        assert _audited(desk, 5, RULES, models=[model("x")]) == []
        assert _audited(desk, 6, RULES, models=[model("x"), model("y")]) == [[("high", "a", "y")]]


@pytest.mark.long
def test_a_finding_whose_exception_ended_is_told_once(tmp_path: Path) -> None:
    """It is as old as its answer, and nobody was told of it before."""
    last_day = day(1).astimezone().date()
    rules = f'{RULES}[[waiver]]\nrule = "only-x"\nkey = "y"\nuntil = {last_day}\nbecause = "trial"\n'
    with office(tmp_path, when=["high"]) as desk:
        told = [_audited(desk, number, rules, models=[model("x", "x:1"), model("y")]) for number in range(5)]
    assert told == [[], [], [[("high", "a", "y")]], [], []]


def _models_file(history: History, place: int) -> Path:
    run_id = history.dated()[place]
    return history.store.where("models", [run_id])[run_id]


@pytest.mark.long
def test_changes_that_could_not_be_read_are_told_when_they_can(tmp_path: Path) -> None:
    """A damaged file is told once, servers that fail are told all the same, and the changes when it is mended."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": [model("x")], "b": []})
        path = _models_file(desk.history, 0)
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        (outcome,) = desk.run(1, {"a": [model("x"), model("y")], "b": None})
        assert (outcome.sent, "is damaged" in outcome.reason) == (True, True)
        assert desk.told() == [[("failed", "b", None), ("failed", None, None)]]
        path.write_bytes(whole)
        desk.run(2, {"a": [model("x"), model("y")], "b": None})
        assert desk.told() == [[("added", "a", "y")]]
        desk.run(3, {"a": [model("x"), model("y")], "b": None})
        assert desk.told() == []


@pytest.mark.long
def test_a_file_that_is_damaged_for_good_does_not_silence_what_comes_after(tmp_path: Path) -> None:
    """What changed since the run before is told, and the damage is not told again."""
    with office(tmp_path) as desk:
        desk.run(0, {"a": [model("x")]})
        path = _models_file(desk.history, 0)
        path.write_bytes(path.read_bytes()[:100])
        desk.run(1, {"a": [model("x"), model("y")]})
        desk.told()
        desk.run(2, {"a": [model("x"), model("y"), model("z")]})
        assert desk.told() == [[("added", "a", "z")]]
        desk.run(3, {"a": [model("x"), model("y"), model("z")]})
        assert desk.told() == []


@pytest.mark.long
@pytest.mark.parametrize(
    "runs", [12, pytest.param(50, marks=pytest.mark.long), pytest.param(365, marks=pytest.mark.full)]
)
def test_a_year_of_runs_is_told_as_a_person_would_want(tmp_path: Path, runs: int) -> None:
    """Whatever servers and the sink do, each notice has what is new since the last one arrived: counted by hand."""
    chance = random.Random(runs)
    servers, keys = ("a", "b", "c"), "pqrstuvwxyz"
    has = {server: set(chance.sample(keys, 8)) for server in servers}
    read: dict[str, set[str]] = {}
    up: dict[str, bool] = {}
    known_models: dict[str, set[str]] = {}
    known_up: dict[str, bool] = {}
    notices = 0
    with office(tmp_path) as desk:
        for number in range(runs):
            fleet: Fleet = {}
            for server in chance.sample(servers, chance.choice((1, 3, 3))):
                if chance.random() < 0.2:  # at most one, so that no answer is suspect
                    has[server] ^= {chance.choice(keys)}
                up[server] = chance.random() < (0.7 if up.get(server, True) else 0.4)
                if up[server]:
                    read[server] = set(has[server])
                fleet[server] = [model(key) for key in sorted(has[server])] if up[server] else None
            news: set[tuple[str, str | None, str | None]] = set()
            for server, before in known_models.items():
                news |= {("added", server, key) for key in read[server] - before}
                news |= {("removed", server, key) for key in before - read[server]}
            news |= {("failed", server, None) for server in up if not up[server] and known_up.get(server, True)}
            news |= {("recovered", server, None) for server in up if up[server] and not known_up.get(server, True)}
            desk.sink.status = chance.choice((200, 200, 200, 500))
            desk.run(number, fleet)
            sent = desk.told()
            assert [set(events) for events in sent] == ([news] if news else [])
            assert sum(map(len, sent)) == len(news)
            if desk.sink.status == 200 or not news:
                notices += bool(news)
                known_up = dict(up)
            if desk.sink.status == 200 or not news or number == 0:
                known_models = {server: set(found) for server, found in read.items()}
    assert runs / 4 < notices < runs


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "has no address"),
        ({"url_env": "A", "command": ["x"]}, "exclude each other"),
        ({"url_env": "https://hooks.example/Canary12"}, "not a variable's name"),
        ({"command": []}, "command is empty"),
        ({"command": ["x"], "form": "slack"}, "form is about an address"),
        ({"url_env": "A", "when": ["remved"]}, "Did you mean 'removed'"),
        ({"url_env": "A", "when": ["stale:0d"]}, "when cannot hold 'stale:0d'"),
        ({"url_env": "A", "proxy": "me:Canary12@proxy"}, "proxy is not the address of a proxy"),
        ({"url_env": "A", "proxy": "http://me:Canary12@proxy"}, "proxy is not the address of a proxy"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], words: str) -> None:
    """Each with what to do, and without a secret that was written there by mistake."""
    with pytest.raises(ConfigurationError) as caught:
        parse_notice(values, "inventory.toml line 1")
    assert words in str(caught.value)
    assert "Canary12" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "hooks.example/Canary12",
        "ftp://Canary12",
        "https://",
        "http://a:b:c/Canary12",
        "https://x/\u00e9Canary12",
        "https://a/Canary12\nhttps://b",
    ],
)
def test_an_address_that_is_none_is_one_sentence(text: str, tmp_path: Path) -> None:
    """In a variable or a file: the notice fails, nothing is sent, and it is not shown."""
    (tmp_path / "url").write_text(text)
    result = take_snapshot(None, [Server(f"file:{tmp_path / 'none.json'}", "a")], timeout=5)
    configs = [
        parse_notice({name: value, "when": ["always"]}, "")
        for name, value in (("url_env", "SINK"), ("url_file", str(tmp_path / "url")), ("url_file", str(tmp_path)))
    ]
    outcomes = tell(configs, FinishedRun(result, 3), None, {"SINK": text})
    assert [outcome.sent for outcome in outcomes] == [False] * 3
    assert not any("Canary12" in outcome.reason for outcome in outcomes)


def test_a_command_is_told_too(tmp_path: Path) -> None:
    """It gets the same object; two of the same program are told apart."""
    script = f"cat > {tmp_path}/told.json"
    config = NoticeConfig("json", frozenset(), always=True, command=("/bin/sh", "-c", script))
    result = take_snapshot(None, [Server(f"file:{tmp_path / 'none.json'}", "a")], timeout=5)
    (outcome,) = tell([config], FinishedRun(result, 3), None, {})
    assert outcome == Outcome("command /bin/sh", sent=True)
    assert json.loads((tmp_path / "told.json").read_text())["exit_code"] == 3
    assert replace(config, number=2).name == "command /bin/sh, 2"
