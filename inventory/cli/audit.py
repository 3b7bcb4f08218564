"""``lms-inventory audit``."""

from collections.abc import Sequence
from dataclasses import replace

import click

from inventory.cli._command import Command
from inventory.cli._completion import complete_ref, complete_rule
from inventory.cli._exit_codes import AUDIT_WORDS, change_exit_code, parse_fail_on
from inventory.cli._history import optional_history, resolve_refs, stale_after
from inventory.cli._options import fail_on_option, files_option, history_option, json_options, option
from inventory.cli._output import print_errors, print_tables, terminal_width
from inventory.cli._rules import audit_fail_words, audit_side, configured_rules, selected_rules
from inventory.cli._targets import check_tables, local_zone, reports_of, write_all, write_tables
from inventory.rules.model import SEVERITIES
from inventory.schema import derived


@click.command(
    cls=Command,
    short_help="Judge the state by the rules of inventory.toml.",
    examples=(
        ("lms-inventory audit", "What does not comply now"),
        ("lms-inventory audit --fail-on high", "Exit with 10 if there is a finding of severity high"),
        ("lms-inventory audit 2026-11-01 -o findings.xlsx", "What did not comply then, as a workbook"),
    ),
)
@click.argument("ref", default="latest", shell_complete=complete_ref)
@option(
    "Runs",
    "--rule",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_rule,
    help="Only this rule. Repeatable.",
)
@option(
    "Runs",
    "--severity",
    type=click.Choice(list(reversed(SEVERITIES)), case_sensitive=False),
    help="Only rules of this severity or a worse one.",
)
@files_option("Write the findings to FILE, or a report with them; its suffix is the format. Repeatable.")
@fail_on_option(
    AUDIT_WORDS,
    "Exit with 10 if there is a finding of this severity or a worse one (low, medium, high), or a server of which a "
    "rule knows nothing (unknown).",
)
@history_option
@json_options
def audit(
    ref: str,
    names: Sequence[str],
    severity: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    fail_on: str | None,
    history_path: str | None,
    as_json: str | None,
) -> int:
    """Judge the state at REF (default: latest) by the rules of inventory.toml.

    A server that was not read is unknown for every rule, never a pass. REF is whatever show accepts.
    """
    rules = selected_rules(configured_rules(needed=True), names, severity)
    fail_words = parse_fail_on(fail_on, AUDIT_WORDS)
    reports = reports_of(outputs)
    check_tables(outputs, reports)
    from inventory.operations.compare import report_of, snapshot_of
    from inventory.report.findings import findings_section
    from inventory.rules.evaluate import Judgement, findings_table
    from inventory.terminal.findings import findings_text

    history = optional_history(history_path)
    [side] = resolve_refs([ref], history)
    judgement = audit_side(side, history, rules) or Judgement()
    table = findings_table(judgement.findings)
    files = [output for output in outputs if output not in reports]
    failures = write_tables([(derived.FINDINGS, table)], files, side.run_id or "", csv_for)
    if reports:
        zone = local_zone(snapshot_of(side, history))
        whole = replace(report_of(side, history, zone, stale_after=stale_after()), judgement=judgement)
        failures += write_all(whole, reports)[1]
    text = findings_text(findings_section(judgement), f"Audit of {side.name}", terminal_width())
    print_tables("audit", [(derived.FINDINGS, table)], text, as_json)
    print_errors(failures)
    incomplete = bool(side.live and side.snapshot and not side.snapshot.complete)
    return change_exit_code(
        None, fail_words, failures, incomplete=incomplete, audited=audit_fail_words(fail_words, judgement)
    )
