"""Servers that were not read: grouped by what happened and what to do."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inventory import schema
from inventory.report.failures import failure_groups, read_text

ADVICE = "Is the LM Studio server running?"


def observation(name: str, status: str = "unreachable", reason: str = "connection refused") -> dict[str, Any]:
    """A server's row, whose error names its own address."""
    url = f"http://{name}.example:1234"
    error = None if status == "ok" else f"could not reach {url}: {reason}. {ADVICE}"
    return dict.fromkeys(schema.OBSERVATIONS.names) | {"server": name, "url": url, "status": status, "error": error}


def test_many_that_failed_alike_are_one_line() -> None:
    """Their number, why, the first three by name, and the advice once; another reason is another line."""
    servers = [observation(name) for name in "abcdefghi"] + [
        observation("tok", "unauthorized"),
        observation("up", "ok"),
    ]
    first, second = [group.text for group in failure_groups(servers)]
    assert first == f"9 servers unreachable (connection refused): a, b, c and 6 more. {ADVICE}"
    assert second == f"tok: could not reach http://tok.example:1234: connection refused. {ADVICE}"
    assert len(failure_groups(servers, each=True)) == 10
    assert read_text(servers) == "1 of 11 servers ok; 9 unreachable, 1 unauthorized"
    assert read_text(servers[-1:]) == "1 of 1 server ok"


def test_a_few_keep_their_own_lines() -> None:
    """Two have their addresses; of four, all names fit."""
    assert [group.text[:2] for group in failure_groups([observation("a"), observation("b")])] == ["a:", "b:"]
    (group,) = failure_groups([observation(name) for name in "abcd"])
    assert group.names == "a, b, c, d"


def test_the_reason_without_the_address() -> None:
    """Whatever a message says around the address, what is left is a reason for all of them."""
    for error, reason in (
        ("no complete response from {} within 5 s. Wait", "no complete response within 5 s"),
        (
            "{} closed the connection in the middle of its response. Wait",
            "it closed the connection in the middle of its response",
        ),
        ("the server at {} does not speak HTTP. Look", "the server does not speak HTTP"),
        ("the connection to {} broke: reset. Look", "reset"),
        ("the server wants an API token (HTTP 401). Set it", "the server wants an API token (HTTP 401)"),
    ):
        rows = [observation(name) | {"status": "timeout"} for name in "abc"]
        rows = [row | {"error": error.format(row["url"])} for row in rows]
        (group,) = failure_groups(rows)
        assert group.title == f"3 servers timed out ({reason})"
        assert group.advice in ("Wait", "Look", "Set it")


STATUSES = st.sampled_from(schema.STATUSES)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=9), STATUSES, st.text(max_size=20)), max_size=12))
def test_each_failure_is_in_one_group(servers: list[tuple[str, str, str]]) -> None:
    """Nothing is lost or told twice, whatever the names and reasons."""
    observations = [observation(name, status, reason) for name, status, reason in servers]
    failed = [row["server"] for row in observations if row["status"] != "ok"]
    for each in (False, True):
        groups = failure_groups(observations, each=each)
        assert sorted(name for group in groups for name in group.servers) == sorted(failed)
        assert all(group.status != "ok" and group.text for group in groups)
