"""The names of a history's runs: references, and baselines, which are names that people gave."""

from collections.abc import Sequence

from inventory.errors import ConfigurationError, wrong_type
from inventory.history.loader import RunLoader
from inventory.history.selectors import resolve, resolve_dated

BASELINE = "baseline:"


class NamedRuns(RunLoader):
    """A history whose runs have names. Arguments and errors as ``RunLoader``."""

    def resolve(self, ref: str) -> str:
        """Resolve a reference to a run id.

        Raises:
            ConfigurationError: it matches no run, or more than one.
        """
        if not isinstance(ref, str):
            raise wrong_type(ref, "the name of a run", "Give a text: a run's id, a date such as 2026-11-28, or latest")
        if ref.startswith(BASELINE):
            return self.baseline(ref.removeprefix(BASELINE))
        return resolve(ref, self.store.run_ids(), self.clock())

    def _resolve_dated(self, ref: str, recorded: Sequence[str]) -> str:
        """Resolve a reference to a run that is part of a state; a baseline names its run."""
        name = self.baseline(ref.removeprefix(BASELINE)) if ref.startswith(BASELINE) else ref
        return resolve_dated(name, recorded, self.clock())

    def baseline(self, name: str) -> str:
        """Return the run that a baseline names.

        Raises:
            ConfigurationError: there is none.
        """
        known = self.store.baselines()
        if name not in known:
            raise ConfigurationError(
                f"there is no baseline {name!r}",
                f"There are: {', '.join(known) or 'none'}; save one: lms-inventory baseline set NAME [REF]",
            )
        return known[name]

    def save_baseline(self, name: str, ref: str = "latest") -> str:
        """Save a run as a baseline, and return its id.

        Raises:
            ConfigurationError: the name cannot be one or is taken, or there is no such run.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        run_id = self.resolve(ref)
        self.store.save_baseline(name, run_id)
        return run_id

    def remove_baseline(self, name: str) -> str:
        """Remove a baseline, and return the id of its run, which stays; empty if the baseline was damaged.

        Raises:
            ConfigurationError: there is none of that name.
            FileError: it could not be removed.
        """
        return self.store.remove_baseline(name)
