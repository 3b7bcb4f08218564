"""Options of the stand-in for LM Studio that ``lms-inventory demo --serve`` runs."""

import click
from click.shell_completion import CompletionItem

from inventory.cli._command import Seconds, WholeNumber
from inventory.cli._options import PATH, option

_LONGEST = 3600  # Seconds of --latency.


def _complete_scenario(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from inventory.stub_server import SCENARIOS

    return [
        CompletionItem(name, help=scenario.meaning)
        for name, scenario in SCENARIOS.items()
        if name.startswith(incomplete)
    ]


serve_option = option("Serving", "--serve", is_flag=True, help="Only run the stand-in, until it is interrupted.")
port_option = option(
    "Serving",
    "--port",
    metavar="PORT",
    type=WholeNumber(0, 65535),
    help="Port of the stand-in; 0 for one that is free. Default: 1234 with --serve.",
)
scenario_option = option(
    "Serving",
    "--scenario",
    metavar="NAME",
    shell_complete=_complete_scenario,
    help="Behave like this: cold-start, jit, two-instances, upgrade, regrouped, unauthorized, too-old, slow, torn, "
    "empty, suspect, v0-only or link. See lms-inventory help stand-in.",
)
body_option = option(
    "Serving",
    "--body",
    "bodies",
    metavar="FILE",
    type=PATH,
    multiple=True,
    help="Send this file as the response, or the documented one with the word documented. Repeatable: each request "
    "gets the next one, and the last one stays.",
)
loop_option = option(
    "Serving", "--loop", is_flag=True, help="Begin the scenario or the files anew after the last response."
)
latency_option = option(
    "Serving", "--latency", metavar="SECONDS", type=Seconds(min=0, max=_LONGEST), help="Wait before each response."
)
cors_option = option("Serving", "--cors", is_flag=True, help="Let web pages of every origin send requests.")
token_option = option(
    "Serving", "--token", metavar="TOKEN", help="Require this API token. Default: that of LM_API_TOKEN, else none."
)
tls_option = option("Serving", "--tls", is_flag=True, help="Serve https, with a certificate made for it by openssl.")
