"""``lms-inventory help``: the pages of the manual."""

from collections.abc import Iterator
from importlib.resources import files

import click
from click.shell_completion import CompletionItem

from inventory.about import PROGRAM
from inventory.cli._command import Command
from inventory.cli._output import terminal_width
from inventory.errors import ConfigurationError, did_you_mean
from inventory.terminal.manual import page_text, summary

_READABLE = 120  # columns beyond which a paragraph is hard to read

TOPICS = (
    "getting-started", "servers", "history", "shared", "reports", "schedule", "rules", "query", "metrics", "notices",
    "formats", "sbom", "tables", "statuses", "exit-codes", "environment", "security", "scale", "stand-in", "options",
)  # fmt: skip
"""The pages in ``inventory/manual``, in the order in which a new user reads them."""


def _page(topic: str) -> str:
    return (files("inventory") / "manual" / f"{topic}.md").read_text(encoding="utf-8")


def _commands(context: click.Context) -> dict[str, click.Command]:
    """Return the commands beside this one, by name."""
    group = context.parent.command if context.parent else None
    return dict(group.commands) if isinstance(group, click.Group) else {}


def _complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a topic or a command."""
    names = {topic: summary(_page(topic)) for topic in TOPICS}
    names = {name: command.get_short_help_str(100) for name, command in _commands(context).items()} | names
    return [CompletionItem(name, help=text) for name, text in names.items() if name.startswith(incomplete)]


@click.command(name="help", cls=Command, short_help="List the topics of the manual, or show one.")
@click.argument("topic", required=False, shell_complete=_complete)
@click.pass_context
def help_command(context: click.Context, topic: str | None) -> None:
    """List the topics of the manual, or show one.

    TOPIC is a topic of the manual, or the name of a command, whose options are then shown.
    """
    commands = _commands(context)
    if topic is None:
        click.echo("\n".join(_list()))
    elif topic in TOPICS:
        also = f"\n\nThe options of this command: {PROGRAM} {topic} --help" if topic in commands else ""
        click.echo_via_pager(page_text(_page(topic), min(terminal_width(), _READABLE)) + also)
    elif topic in commands:
        with click.Context(commands[topic], context.parent, info_name=topic) as other:
            click.echo(commands[topic].get_help(other))
    else:
        advice = did_you_mean(topic, [*TOPICS, *commands]) or f"See {PROGRAM} help"
        raise ConfigurationError(f"there is no topic '{topic}'", advice)


def _list() -> Iterator[str]:
    """Render the list of all topics."""
    yield f"Show a topic: {PROGRAM} help TOPIC"
    yield f"Show the options of a command: {PROGRAM} COMMAND --help\n"
    width = max(map(len, TOPICS))
    yield from (f"  {topic:{width}}  {summary(_page(topic))}" for topic in TOPICS)
