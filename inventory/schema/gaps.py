"""What a file cannot tell: the columns that it lacks, who was asked, and whether a text was empty or not there.

A comparison says nothing about what one of its sides cannot tell.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gaps:
    """The facts that the file of a snapshot does not hold.

    Attributes:
        columns: table and name of each column that the file lacks, or that was left aside because it is unknown.
        blanks: the file cannot tell an empty text from one that is not there.
        servers: the file names only servers that have rows; whether others were read is not known.
        notes: what a person should know about the file, one sentence each.
    """

    columns: frozenset[tuple[str, str]] = frozenset()
    blanks: bool = False
    servers: bool = False
    notes: tuple[str, ...] = ()

    def __or__(self, other: "Gaps") -> "Gaps":
        """Combine the gaps of two files."""
        return Gaps(
            self.columns | other.columns,
            self.blanks or other.blanks,
            self.servers or other.servers,
            tuple(dict.fromkeys((*self.notes, *other.notes))),
        )
