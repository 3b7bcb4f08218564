"""Every mistake on a command line: one line that says what is wrong and what to type, exit 2, nothing on stdout."""

import re
from pathlib import Path

import click
import pytest
from support.cli_runner import clean, run

from inventory.cli import cli

MISTAKES = {
    "snapsho": "there is no command 'snapsho'. Did you mean 'snapshot'? See lms-inventory --help",
    "bogus": "there is no command 'bogus'. See lms-inventory --help",
    "--bogus": "there is no option '--bogus'. See lms-inventory --help",
    "show --bogus": "show has no option '--bogus'. See lms-inventory show --help",
    "show --colums a": "show has no option '--colums'. Did you mean '--columns'? See lms-inventory show --help",
    "snapshot --histo x": (
        "snapshot has no option '--histo'. Did you mean '--history'? See lms-inventory snapshot --help"
    ),
    "schedule": (
        "schedule needs SCHEDULER: cron, systemd, launchd or windows. For example: lms-inventory schedule cron"
    ),
    "schedule crn": "SCHEDULER cannot be 'crn'. Did you mean 'cron'? Choose cron, systemd, launchd or windows",
    "snapshot --grain x": "--grain cannot be 'x'. Choose model, instance or both",
    "snapshot --timeout 0": "--timeout cannot be 0. Give a number of seconds, more than 0 and at most 86400",
    "snapshot --timeout 1.5s": "--timeout cannot be '1.5s'. Give a number of seconds, more than 0 and at most 86400",
    "snapshot --recheck=-1": "--recheck cannot be -1. Give a number of seconds, at least 0 and at most 3600",
    "snapshot --concurrency 1.5": "--concurrency cannot be '1.5'. Give a whole number, at least 1 and at most 1024",
    "demo --serve --latency nan": "--latency cannot be nan. Give a number of seconds, at least 0 and at most 3600",
    "servers --retire-after nan": "--retire-after cannot be nan. Give a number of days, at least 0 and at most 36500",
    "prune --keep-last x": "--keep-last cannot be 'x'. Give a whole number, at least 1",
    "snapshot --timeout": "--timeout needs a value. Write --timeout SECONDS",
    "show --grain": "--grain needs a value. Write --grain [model|instance]",
    "snapshot --json=1": "--json takes no value. Write --json alone",
    "diff a b c": "diff takes no further argument: c. Usage: lms-inventory diff [OPTIONS] [OLD] [NEW]",
    "export": "export needs -o FILE. For example: lms-inventory export -o inventory.xlsx",
    "servers retire": "servers retire needs NAME. For example: lms-inventory servers retire old-laptop",
    "baseline": "baseline needs a command. Choose list, set or remove; see lms-inventory baseline --help",
    "baseline rem": "there is no command 'baseline rem'. Did you mean 'remove'? Choose list, set or remove",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_answered_with_what_to_type(line: str) -> None:
    """Its cause in the tool's words, and the nearest word or an example."""
    assert run(*line.split()) == (2, "", f"lms-inventory: {MISTAKES[line]}\n")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("TIMEOUT", "soon", "cannot be 'soon'. Give a number of seconds, more than 0 and at most 86400"),
        ("CONCURRENCY", "0", "cannot be 0. Give a whole number, at least 1 and at most 1024"),
        ("GRAIN", "x", "cannot be 'x'. Choose model, instance or both"),
        ("ALLOW_FILES", "perhaps", "cannot be 'perhaps'. Set it to yes or no"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, advice: str) -> None:
    """The variable is named, not the option that nobody typed."""
    done = run("snapshot", env=clean(**{f"LMS_INVENTORY_{name}": value}))
    assert done == (2, "", f"lms-inventory: LMS_INVENTORY_{name} {advice}\n")


def mistakes() -> list[str]:
    """For each option of each command: without its value, with a wrong one, and misspelt."""
    lines = []
    for command in (*cli.commands.values(), *cli.commands["baseline"].commands.values()):  # type: ignore[attr-defined]
        path = f"{'baseline ' if command.name in ('list', 'set', 'remove') else ''}{command.name}"
        for option in command.params:
            name = max(option.opts, key=len)
            if not isinstance(option, click.Option) or option.is_flag:
                continue
            lines += [f"{path} {name}", f"{path} {name}x 1"]
            if isinstance(option.type, click.Choice | click.FloatRange | click.IntRange):
                lines.append(f"{path} {name} no")
    return lines


@pytest.mark.long
def test_no_words_of_the_parser_are_left(tmp_path: Path) -> None:
    """Whatever is mistyped, it is one line without the words of the library that found it."""
    for line in mistakes():
        done = run(*line.split(), cwd=tmp_path)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), line
        assert not re.search(r"valid|Invalid|No such|Missing|Got|range|requires an argument|\?\.|\.\. ", done.err), line
