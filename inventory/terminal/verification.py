"""What a check of a history proved, as text for a terminal, and as a statement that can be kept or signed.

A statement holds no time and no path: of the same files it is the same, byte by byte, wherever and whenever it is made.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inventory import schema
from inventory.about import VERSION
from inventory.history.proof import Proof
from inventory.run_ids import time_of
from inventory.tables import Row
from inventory.text import COLUMNS, count, escape_controls, local_text, wrap

STATEMENTS = ("json", "md", "txt")
"""The suffixes of a statement."""

_NEWEST = 10  # Runs whose digests a statement names; each digest also covers the run before.
_CHECKED = "checksums of all files, references between runs, and the tables rebuilt from the responses as received"
_DISTINCT = "which differs only in order and in fields that change all the time"

_IN_CODE = str.maketrans({"|": "\\|", "`": "'"})  # Markdown would end the cell, or the code.


def proof_text(proof: Proof, problems: Sequence[Row], remarks: Sequence[Row], columns: int = COLUMNS) -> str:
    """Show the problems and remarks, what was checked, and the counts on the last line."""
    lines = [escape_controls(f"{row['file']}: {row['problem']}; it holds {row['holds']}") for row in problems]
    lines += [escape_controls(f"remark: {row['file']}: {row['remark']}") for row in remarks]
    if proof.digests:
        first, last = (local_text(time_of(run_id), minutes=True) for run_id in (min(proof.digests), max(proof.digests)))
        what = f"{count(proof.files, 'file')}, {proof.size_bytes / 1000:,.0f} KB, {count(proof.answers, 'response')}"
        span = f"Runs from {first} to {last}" if len(proof.digests) > 1 else f"The run of {first}"
        lines += wrap(f"{span}: {what}. Checked: {_CHECKED}.", columns, "")
    if proof.equal_answers:
        lines += wrap(
            f"{proof.equal_answers:,} of {count(proof.answers, 'response')} share the stored body of an equal one, "
            f"{_DISTINCT}.",
            columns,
            "",
        )
    counts = [(proof.runs, "run"), (len(problems), "problem"), *([(len(remarks), "remark")] if remarks else [])]
    lines.append(", ".join(count(number, word) for number, word in counts))
    return "\n".join(lines)


def statement(proof: Proof, problems: Sequence[Row], baselines: Mapping[str, str], pruned: int, suffix: str) -> str:
    """Render what was proved.

    Args:
        proof: the result of the check.
        problems: its problems.
        baselines: run ids by name.
        pruned: the number of runs that were pruned.
        suffix: one of ``STATEMENTS``.
    """
    facts = _facts(proof, problems, baselines, pruned)
    if suffix == "json":
        return json.dumps(facts, indent=2) + "\n"
    lines = [(name.replace("_", " "), value) for name, value in facts.items() if not isinstance(value, list | dict)]
    lines += [(f"baseline {name}", run_id) for name, run_id in facts["baselines"].items()]
    lines += [(f"SHA-256 of run {row['run_id']}", row["sha256"]) for row in facts["newest_runs"]]
    lines += [("problem", f"{row['file']}: {row['problem']}; it holds {row['holds']}") for row in facts["problems"]]
    cells = [(name, escape_controls(str(value))) for name, value in lines]
    if suffix == "md":
        body = "".join(f"| {name} | `{value.translate(_IN_CODE)}` |\n" for name, value in cells)
        return f"# Verification of a history\n\n| fact | value |\n|---|---|\n{body}"
    return "Verification of a history\n" + "".join(f"{name}: {value}\n" for name, value in cells)


def _facts(proof: Proof, problems: Sequence[Row], baselines: Mapping[str, str], pruned: int) -> dict[str, Any]:
    return {
        "tool": "lms-inventory",
        "version": VERSION,
        "schema_version": schema.SCHEMA_VERSION,
        "result": count(len(problems), "problem") if problems else "no problem",
        "checked": _CHECKED,
        "runs": proof.runs,
        "first_run": min(proof.digests, default=None),
        "newest_run": max(proof.digests, default=None),
        "files": proof.files,
        "size_bytes": proof.size_bytes,
        "responses": proof.answers,
        "responses_that_share_a_body": proof.equal_answers,
        "pruned_runs": pruned,
        "baselines": dict(sorted(baselines.items())),
        "newest_runs": [
            {"run_id": run_id, "sha256": proof.digests[run_id]} for run_id in sorted(proof.digests)[: -_NEWEST - 1 : -1]
        ],
        "problems": [dict(row) for row in problems],
    }
