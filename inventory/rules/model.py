"""The rules and exceptions of a configuration, as values that were checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from inventory import schema
from inventory.config import spec

SEVERITIES = spec.SEVERITIES[::-1]
"""From the worst on, which is the order in which findings are shown."""

SOURCES = {"model": schema.MODELS, "instance": schema.INSTANCES, "server": schema.OBSERVATIONS}
"""What a rule can be about, and the table of whose rows it is then."""

Globs = Mapping[str, tuple[str, ...]]
"""Patterns by column; ``*`` and ``?`` are wild, and case does not count."""


@dataclass(frozen=True)
class Bound:
    """A greatest or least number, and how the configuration writes it, such as ``40 GB``."""

    number: float
    text: str


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    Attributes:
        name: its name, which no other rule has.
        severity: a word of ``SEVERITIES``.
        because: why there is the rule.
        grain: a word of ``SOURCES``: what it is about.
        where: patterns of labels: the servers that it is about.
        only: patterns of columns: the rows that it is about.
        allow: patterns of which a column must match one.
        deny: patterns of which a column may match none, whatever ``allow`` says.
        most: the greatest number of a column.
        least: the least number of a column.
        require: patterns, each of which some row of each server must match.
        unread: days after which a server must have been read.
        unused: days in which a model must have been loaded.
        expression: SQL over the columns of the grain that is true of what does not comply.
        location: where it stands.
    """

    name: str
    severity: str = "medium"
    because: str = ""
    grain: str = "model"
    where: Globs = field(default_factory=dict)
    only: Globs = field(default_factory=dict)
    allow: Globs = field(default_factory=dict)
    deny: Globs = field(default_factory=dict)
    most: Mapping[str, Bound] = field(default_factory=dict)
    least: Mapping[str, Bound] = field(default_factory=dict)
    require: Globs = field(default_factory=dict)
    unread: float | None = None
    unused: float | None = None
    expression: str | None = None
    location: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns whose values it judges, in the order in which it names them."""
        return tuple(dict.fromkeys([*self.deny, *self.allow, *self.most, *self.least]))

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads, but for those of its expression."""
        return frozenset((*self.fields, *self.only, *self.require))


@dataclass(frozen=True, eq=False)
class Waiver:
    """An exception to one rule.

    Attributes:
        rule: the name of the rule.
        until: its last day, in local time.
        because: why there is the exception.
        by: who made it; may be empty.
        server: patterns of the servers that it is about; all without one.
        key: patterns of the models that it is about; without one, of everything.
        location: where it stands.
    """

    rule: str
    until: date
    because: str
    by: str = ""
    server: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True)
class RuleSet:
    """The rules and exceptions of a configuration.

    Attributes:
        rules: the rules, in the order in which they stand.
        waivers: the exceptions.
        digest: SHA-256 of their text, spaces and remarks left out.
    """

    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    digest: str = ""

    def __bool__(self) -> bool:
        """Return whether there is a rule."""
        return bool(self.rules)
