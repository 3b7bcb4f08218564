"""Which file of a history holds a run: its own, or a merged one of its month."""

from collections import Counter
from collections.abc import Collection, Mapping

from inventory.errors import FileError


def locate_runs(own: Mapping[str, str], merged: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the path of the file of each run.

    A run is in one file. Only a copy from which nothing was removed also has the files that merged files replaced: then
    the file with the most runs counts.

    Args:
        own: the path of each run's own file.
        merged: the runs in each merged file, by its path.

    Raises:
        FileError: a run would be read twice.
    """
    where = {**own}
    for path in sorted(merged, key=lambda path: len(merged[path])):
        where |= dict.fromkeys(merged[path], path)
    if len(where) < len(own) + sum(map(len, merged.values())):
        numbers = Counter(where.values())
        for path, runs in merged.items():
            if 0 < numbers[path] < len(runs):  # guard: no run of a merged file is read twice
                raise FileError(
                    f"{path} holds runs that another file holds too",
                    "It seems to be a copy: remove from it the files that the original does not have",
                )
    return where
