"""Broken rules: each ends with its line and the nearest name, before anybody is asked."""

from pathlib import Path

import pytest
from support.cli_runner import run
from support.hostile_servers import Hostile, answer

from inventory.config.loader import parse
from inventory.errors import ConfigurationError
from inventory.history.queries.audit import check_expression
from inventory.rules.example import EXAMPLE
from inventory.rules.model import RuleSet
from inventory.rules.parse import parse_rules

R = '[[rule]]\nname = "r"\n'
W = R + 'deny = { key = "x" }\n[[waiver]]\n'
OK = 'until = 2027-01-01\nbecause = "b"\n'

BROKEN: list[tuple[str, int, str]] = [
    # What a rule is
    ("[rule]\nname = 'x'\n", 1, "Write [[rule]]"),
    ("rule = 1\n", 1, "Write [[rule]]"),
    ("[[rules]]\nname = 'x'\n", 1, "Did you mean 'rule'?"),
    ("[[rul]]\n", 1, "Did you mean 'rule'?"),
    ("[[waivers]]\n", 1, "Did you mean 'waiver'?"),
    ("[[rule]]\ndeny = { key = 'x' }\n", 1, "the rule has no name"),
    (R, 1, "the rule 'r' checks nothing"),
    (R + "nme = 'x'\n", 3, "Did you mean 'name'?"),
    (R + "alow = { key = 'x' }\n", 3, "Did you mean 'allow'?"),
    (R + "denied = { key = 'x' }\n", 3, "Did you mean 'deny'?"),
    (R + "severity = 'hihg'\n", 3, "Did you mean 'high'?"),
    (R + "severity = 3\n", 3, "severity is a whole number"),
    (R + "grain = 'modle'\n", 3, "Did you mean 'model'?"),
    (R + "because = ['x']\n", 3, "because is a list"),
    ("[[rule]]\nname = 7\n", 2, "name is a whole number"),
    ("[[rule]]\nname = ''\n", 2, "name is empty"),
    (R + "deny = { key = 'x' }\n" + R + "deny = { key = 'y' }\n", 5, "a second rule is named 'r'"),
    # Columns
    (R + "allow = { publsher = ['x'] }\n", 3, "Did you mean 'publisher'?"),
    (R + "deny = { kee = ['x'] }\n", 3, "Did you mean 'key'?"),
    (R + "deny = { config_context_length = 1 }\n", 3, "no column 'config_context_length' at grain model"),
    (R + "grain = 'instance'\ndeny = { variants = 'x' }\n", 4, "no column 'variants' at grain instance"),
    (R + "grain = 'server'\ndeny = { key = 'x' }\n", 4, "no column 'key' at grain server"),
    (R + "only = { formt = 'gguf' }\ndeny = { key = 'x' }\n", 3, "Did you mean 'format'?"),
    (R + "require = { keys = ['x'] }\n", 3, "Did you mean 'key'?"),
    (R + "most = { size = '40 GB' }\n", 3, "Did you mean 'size_bytes'?"),
    (R + "least = { max_context = 5 }\n", 3, "Did you mean 'max_context_length'?"),
    (R + "[rule.deny]\nkey = 'x'\npublisherr = 'y'\n", 5, "Did you mean 'publisher'?"),
    (R + "deny.key = 'x'\ndeny.zzzz = 'y'\n", 4, "There are: server, key"),
    # Patterns
    (R + "deny = 'x'\n", 3, "deny is a text"),
    (R + "allow = ['x']\n", 3, "allow is a list"),
    (R + "deny = { key = 5 }\n", 3, "5 is no pattern of key"),
    (R + "deny = { key = [true] }\n", 3, "True is no pattern of key"),
    (R + "deny = { key = [['x']] }\n", 3, "is no pattern of key"),
    (R + "deny = { key = { a = 'x' } }\n", 3, "is no pattern of key"),
    (R + 'deny = { key = "a\\tb" }\n', 3, "cannot be shown"),
    (R + 'deny = { key = "a\\u202eb" }\n', 3, "cannot be shown"),
    (R + "allow = { capabilities_vision = 'ture' }\n", 3, "It is true or false"),
    (R + "deny = { as_of = '2026*' }\n", 3, "as_of is a time"),
    (R + "only = { key = [] }\ndeny = { key = 'x' }\n", 3, "the rule is about nothing"),
    (R + "where = { site = [] }\ndeny = { key = 'x' }\n", 3, "the rule is about nothing"),
    (R + "where = { site = 5 }\ndeny = { key = 'x' }\n", 3, "5 is no pattern of site"),
    # Numbers
    (R + "most = { key = 4 }\n", 3, "key is no number"),
    (R + "most = { size_bytes = '40 GBs' }\n", 3, "size_bytes cannot be bounded by '40 GBs'"),
    (R + "most = { size_bytes = 'forty' }\n", 3, "cannot be bounded by 'forty'"),
    (R + "most = { size_bytes = nan }\n", 3, "cannot be bounded by nan"),
    (R + "most = { size_bytes = true }\n", 3, "cannot be bounded by True"),
    (R + "most = { max_context_length = '128k' }\n", 3, "in tokens"),
    (R + "least = { params_count = '7 GB' }\n", 3, "cannot be bounded by '7 GB'"),
    (R + "unread = 'week'\n", 3, "unread is a text"),
    (R + "unread = -1\n", 3, "unread cannot be -1"),
    (R + "unused = [90]\n", 3, "unused is a list"),
    # Expressions
    (R + "if = ''\n", 3, "if is empty"),
    (R + "if = 5\n", 3, "if is a whole number"),
    (R + "if = 'size_byts > 5'\n", 3, '"size_bytes"'),
    (R + "if = 'size_bytes >'\n", 3, "syntax error"),
    (R + "if = 'size_bytes'\n", 3, "if is of type BIGINT"),
    (R + "if = 'true) FROM models WHERE (true'\n", 3, "syntax error"),
    (R + "if = 'true); DROP TABLE models; --'\n", 3, "if is no SQL condition"),
    (R + "if = 'count(*) > 1'\n", 3, "if is no SQL condition"),
    (R + "if = 'EXISTS (SELECT * FROM read_text(''/etc/passwd''))'\n".replace("''", '"'), 3, "if is no SQL condition"),
    (R + "grain = 'instance'\nif = 'variants IS NULL'\n", 4, "if is no SQL condition over instances"),
    # Exceptions
    ("[[waiver]]\nrule = 'r'\n" + OK, 2, "there is no rule 'r' to waive"),
    (W + "rule = 'rr'\n" + OK, 5, "Did you mean 'r'?"),
    (W + OK, 4, "the waiver has no rule"),
    (W + "rule = 'r'\nbecause = 'b'\n", 4, "the waiver has no until"),
    (W + "rule = 'r'\nuntil = 2027-01-01\n", 4, "the waiver has no because"),
    (W + "rule = 'r'\nbecause = 'b'\nuntil = 'soon'\n", 7, "until cannot be 'soon'"),
    (W + "rule = 'r'\nbecause = 'b'\nuntil = 2027-01-01T10:00:00\n", 7, "Write a day"),
    (W + "rule = 'r'\nbecause = 'b'\nuntil = 20270101\n", 7, "until is a whole number"),
    (W + "rule = 'r'\nkey = []\n" + OK, 6, "the waiver meets nothing"),
    (W + "rule = 'r'\nserver = [5]\n" + OK, 6, "5 is no pattern of server"),
    (W + "rule = 'r'\nexpires = 2027-01-01\n" + OK, 6, "unknown key 'expires'"),
]


def parsed(text: str) -> RuleSet:
    """The rules of a configuration."""
    return parse_rules(parse(text, Path("inventory.toml")), check_expression)


def test_every_broken_rule_is_told_with_its_line() -> None:
    """60 ways and more to break a rule: each error names the line, and the nearest name where there is one."""
    assert len(BROKEN) >= 60
    for text, line, words in BROKEN:
        with pytest.raises(ConfigurationError) as caught:
            parsed(text)
        assert str(caught.value).startswith(f"inventory.toml line {line}: "), (text, str(caught.value))
        assert words in str(caught.value), (text, str(caught.value))
        assert "\n" not in str(caught.value), text


@pytest.mark.parametrize("command", [["snapshot"], ["audit"], ["export", "-o", "x.xlsx"], ["check"]])
def test_a_broken_rule_ends_a_command_before_anybody_is_asked(tmp_path: Path, command: list[str]) -> None:
    """It is exit code 2, no server gets a request, and nothing is written."""
    with Hostile(answer(b'{"models": []}')) as server:
        (tmp_path / "inventory.toml").write_text(
            f'[[server]]\nname = "s"\nurl = "{server.url}"\n[history]\npath = "h"\n' + R + "deny = { kee = 'x' }\n"
        )
        done = run(*command, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            "lms-inventory: inventory.toml line 8: there is no column 'kee' at grain model. Did you mean 'key'?\n"
        )
        assert server.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.toml"]


def test_what_is_right_is_parsed() -> None:
    """Numbers with units, patterns alone or in a list, and both ways to write a day."""
    rules = parsed(
        f"{R}most = {{ size_bytes = '40 GB', params_count = '70B' }}\n"
        "least = { max_context_length = '8,192 tokens' }\n"
        "deny = { key = '*x*', capabilities_vision = true, quantization_bits_per_weight = 4 }\n"
        "[[waiver]]\nrule = 'r'\nserver = 's'\nuntil = '2027-01-01'\nbecause = 'b'\n"
    )
    [rule], [waiver] = rules.rules, rules.waivers
    assert {name: bound.number for name, bound in {**rule.most, **rule.least}.items()} == {
        "size_bytes": 40 * 10**9, "params_count": 70 * 10**9, "max_context_length": 8192,
    }  # fmt: skip
    assert rule.deny == {
        "key": ("*x*",), "capabilities_vision": ("true",), "quantization_bits_per_weight": ("4",),
    }  # fmt: skip
    assert (waiver.server, waiver.until.isoformat()) == (("s",), "2027-01-01")


def test_the_digest_follows_what_rules_say() -> None:
    """Remarks and spaces do not count; a word does."""
    first, same, other = (
        parse_rules(parse(text, Path("inventory.toml"))).digest
        for text in (
            R + "deny = { key = ['x'] }\n",
            "# a remark\n" + R + "\n\ndeny   = {key = ['x']}\n",
            R + "deny = { key = ['y'] }\n",
        )
    )
    assert first == same != other
    assert len(first) == 64
    assert parse_rules(parse("", Path("inventory.toml"))).digest == ""


def test_the_example_is_right_where_it_is_not_a_remark() -> None:
    """Without the signs of remarks, the example for a new configuration holds rules that are right."""
    text = "\n".join(line.removeprefix("# ").removeprefix("#") for line in EXAMPLE.splitlines()[1:])
    rules = parsed(text)
    assert len(rules.rules) >= 3
    assert len(rules.waivers) == 1
    assert parse(EXAMPLE, Path("inventory.toml")).rules == ()
