"""The forms of a notice: what arrives, and that no name is more than a text in it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from support.snapshots import names

from inventory.config.spec import FORMS
from inventory.notify import Notice, Request, form_of
from inventory.report.events import LINES, Event, event_lines, headline

MOMENT = datetime(2026, 11, 28, 6, 0, 4, tzinfo=UTC)
ADDRESS = "https://sink.example/a/b?c=d"


def notice(*texts: str, exit_code: int | None = 10, link: str = "", server: str = "lab") -> Notice:
    """A notice of some changes."""
    events = [Event("removed", server, f"removed: {text}", text, (text,)) for text in texts]
    return Notice(f"Title: {headline(events, 'nothing new')}", events, "RUN", MOMENT, exit_code, 3, 2, link)


def rendered(form: str, message: Notice) -> Request:
    """What is sent to the address."""
    return form_of(form).render(message, ADDRESS)


def test_the_text_has_a_title_ten_lines_and_the_report() -> None:
    """One line of what happened, at most ten of what, the last of which counts the others, and where the report is."""
    message = notice(*(f"model-{number}" for number in range(12)), link="/reports/x.html")
    lines = message.text.split("\n")
    assert lines[0] == "Title: 12 removed"
    assert lines[1:10] == [f"lab: removed: model-{number}" for number in range(9)]
    assert lines[10:] == ["and 3 more", "Report: /reports/x.html"]
    assert len(notice(*"abcdefghij").lines) == LINES
    assert notice().text == "Title: nothing new"


def test_json_has_everything_for_programs() -> None:
    """Each event with its server and model, the run, its exit code and how much it read."""
    request = rendered("json", notice("a", link="https://r.example"))
    assert request.url == ADDRESS
    document = json.loads(request.body)
    assert document["events"] == [{"event": "removed", "server": "lab", "key": "a", "text": "removed: a"}]
    assert (document["run_id"], document["exit_code"], document["test"]) == ("RUN", 10, False)
    assert (document["servers"], document["servers_read"]) == (3, 2)
    assert (document["time"], document["report"]) == ("2026-11-28T06:00:04Z", "https://r.example")
    many = json.loads(rendered("json", notice(*(str(number) for number in range(1200)))).body)
    assert (len(many["events"]), many["more_events"], len(many["lines"])) == (1000, 200, LINES)


def test_slack_mentions_nobody() -> None:
    """What would be a mention or a link in Slack is a text."""
    content = json.loads(rendered("slack", notice("<!channel> & <https://evil.example|x>")).body)
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;" in content["text"]
    assert content["mrkdwn"] is False


def test_discord_mentions_nobody_and_is_short_enough() -> None:
    """No mention, no emphasis, no link and no preview in Discord, and at most 2,000 characters."""
    content = json.loads(rendered("discord", notice("@everyone *b* [x](http://evil.example)")).body)
    assert content["allowed_mentions"] == {"parse": []}
    assert r"\@everyone \*b\* \[x\]\(http\:" in content["content"]
    long = json.loads(rendered("discord", notice(*("*" * 300 + str(number) for number in range(10)))).body)
    assert len(long["content"]) <= 2000
    assert long["content"].endswith("\n...")


def test_ntfy_opens_a_link_and_is_no_attachment() -> None:
    """The text is the body; a link is opened by a tap, a path is not; a long text is cut between characters."""
    request = rendered("ntfy", notice("a", link="https://r.example/x.html"))
    assert request.headers["Click"] == "https://r.example/x.html"
    assert request.body.decode().startswith("Title: 1 removed\nlab: removed: a\n")
    assert "Click" not in rendered("ntfy", notice("a", link="/reports/x.html")).headers
    assert "Click" not in rendered("ntfy", notice("a", link="https://r.example/x\r\nX: y")).headers
    assert len(rendered("ntfy", notice(*("\u6a21" * 230 + str(number) for number in range(10)))).body) <= 4096


@pytest.mark.parametrize(
    ("address", "code", "expected"),
    [
        ("https://hc.example/abc", 0, "https://hc.example/abc/0"),
        ("https://hc.example/abc/", 10, "https://hc.example/abc/10"),
        ("https://hc.example/key/slug?create=1", 4, "https://hc.example/key/slug/4?create=1"),
        ("https://hc.example/abc", None, "https://hc.example/abc/0"),
    ],
)
def test_healthchecks_gets_the_exit_code(address: str, code: int | None, expected: str) -> None:
    """The exit code is the last part of the path; a test is no failure."""
    assert form_of("healthchecks").render(notice("a", exit_code=code), address).url == expected


@given(names, names)
def test_a_name_is_one_line_and_nothing_else(key: str, server: str) -> None:
    """Whatever a model and a server are called, a line stays one line, and each form can be encoded."""
    message = notice(key, server=server)
    assert len(message.text.split("\n")) == 2
    assert all(line.isprintable() for line in message.lines)
    for form in FORMS:
        request = rendered(form, message)
        assert all(value.isascii() and value.isprintable() for value in request.headers.values())
        if request.headers["Content-Type"] == "application/json":
            json.loads(request.body)
        assert "sink.example" not in repr(request)


def test_headlines_count_what_changed_and_name_servers() -> None:
    """A model that changed in two fields is one; of many servers the number is given."""
    fields = [Event("reconfigured", "a", "x", "k", ("model", "a", "k")) for _ in range(2)]
    failed = [Event("failed", name, "not read: off", subject=(name,)) for name in "abcd"]
    back = [Event("recovered", "z", "read again", subject=("z",))]
    stale = [Event("stale", "y", "stale", subject=("y",))]
    assert (
        headline([*fields, *failed, *back, *stale], "-") == "1 reconfigured; 4 servers not read; z read again; y stale"
    )
    assert headline(failed[:2], "-") == "a, b not read"
    assert headline([Event("failed", "", "x.csv could not be written")], "-") == "x.csv could not be written"
    assert headline([], "nothing new") == "nothing new"
    assert event_lines([]) == []
