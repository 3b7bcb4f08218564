"""Options and settings about the state: which servers are part of it, and how old an answer may be."""

from inventory.cli._command import Days
from inventory.cli._context import PREFIX
from inventory.cli._options import option
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
retire_after_option = option(
    "Servers",
    "--retire-after",
    metavar="DAYS",
    envvar=f"{PREFIX}RETIRE_AFTER",
    type=Days(min=0, max=spec.RETIRE_AFTER.most),
    default=30.0,
    show_default=True,
    help="Days after which a server that no run asks is retired; 0 for never.",
)
stale_after_option = option(
    "Servers",
    "--stale-after",
    metavar="DAYS",
    envvar=f"{PREFIX}STALE_AFTER",
    type=Days(min=0, min_open=True, max=spec.STALE_AFTER.most),
    default=7.0,
    show_default=True,
    help="Days after which the last complete answer of a server is stale.",
)
