"""Options and settings about the state: which servers are part of it, and how old an answer may be."""

from inventory.cli._command import Days
from inventory.cli._options import option, setting_option
from inventory.config import spec

this_run_option = option(
    "History",
    "--this-run",
    is_flag=True,
    help="Only what this one run read, instead of the last complete answer of each server.",
)
stale_option = option(
    "Servers", "--stale", is_flag=True, help="Only servers whose last complete answer is too old, or missing."
)
retired_option = option("Servers", "--retired", is_flag=True, help="Only servers that are retired.")

# Settings without a flag: the configuration and the environment set them for every command.
retire_after_option = setting_option(spec.RETIRE_AFTER, "DAYS", Days, 30.0, spec.RETIRE_AFTER.meaning)
stale_after_option = setting_option(
    spec.STALE_AFTER, "DAYS", Days, 7.0, "Days after which the last complete answer of a server is stale."
)
