"""The click classes of all commands: options in groups, examples, commands in the order of use."""

import math
from collections.abc import Sequence
from typing import Any

import click

GROUPS = ("Serving", "Schedule", "Runs", "Servers", "Output", "History", "Comparison", "General")
"""The headings of a help page, in their order."""

# Width in characters of the column with the options; a longer option gets its own line.
_COLUMN = 30


class Option(click.Option):
    """An option under one of the headings in ``GROUPS``; its help names its environment variable."""

    def __init__(self, names: Sequence[str], *, group: str = "General", **attributes: Any) -> None:
        super().__init__(names, **attributes)
        self.group = group

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what stands in brackets: also the variable, which ``show_envvar`` would add to error messages too."""
        extra = super().get_help_extra(ctx)
        if isinstance(self.envvar, str):
            extra["envvars"] = (self.envvar,)
        return extra

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help, with ``[env: NAME]``."""
        record = super().get_help_record(ctx)
        return record and (record[0], record[1].replace("[env var: ", "[env: "))


class Command(click.Command):
    """A command whose help page has its options in groups and ends with examples.

    Args:
        name: the name of the command.
        examples: command lines, each with what it does.
        attributes: those of ``click.Command``.
    """

    def __init__(self, name: str | None, *, examples: Sequence[tuple[str, str]] = (), **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; an error knows its command, which click leaves out of some."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, all aligned."""
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, click.Option):
                groups[getattr(parameter, "group", GROUPS[-1])].append(record)
        longest = max(len(option) for records in groups.values() for option, _ in records)
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl([(option.ljust(min(longest, _COLUMN)), text) for option, text in records])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog and the examples."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line, meaning in self.examples:
                    formatter.write(f"  # {meaning}\n  {line}\n")


class Group(Command, click.Group):
    """A command with subcommands, listed in the order in which they were added."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        Command.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands in the order of use."""
        del ctx
        return list(self.commands)


class _Number(click.FloatRange):
    """A number within a range. NaN is in none, though no limit of a range refuses it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{number} is not a number", param, ctx)
        return number


class Seconds(_Number):
    """A number of seconds within a range."""

    name = "number of seconds"


class WholeNumber(click.IntRange):
    """A whole number within a range."""

    name = "whole number"


class Days(_Number):
    """A number of days within a range."""

    name = "number of days"
