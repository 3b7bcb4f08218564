"""``audit``: findings on a terminal and in files, its exit codes, and rules in the other commands."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import Done, clean
from support.cli_runner import run as run_command
from support.history_builders import model

import inventory
from inventory.tables import rows

RULES = """
[[rule]]
name = "publishers"
severity = "high"
because = "Only reviewed publishers"
allow = { publisher = ["acme"] }
[[rule]]
name = "small"
severity = "low"
most = { size_bytes = "1 GB" }
"""


def world(folder: Path, rules: str, **servers: list[dict[str, Any]] | None) -> Path:
    """A folder with a configuration of servers that are files; None for one that cannot be read."""
    lines = [rules]
    for name, models in servers.items():
        path = folder / f"{name}.json"
        path.unlink(missing_ok=True)
        if models is not None:
            path.write_text(json.dumps({"models": models}))
        kind = "laptop" if name.startswith("l") else "server"
        lines.append(
            f'[[server]]\nname = "{name}"\nurl = "file:{path}"\nlabels = {{ kind = "{kind}", system = "mac" }}\n'
        )
    (folder / "inventory.toml").write_text("\n".join(lines))
    return folder


def run(command: str, *arguments: str, cwd: Path, **env: str) -> Done:
    """Run a command on the history of a folder."""
    return run_command(command, "--history", "h", *arguments, cwd=cwd, env=clean(**env))


def findings_of(done: Done) -> list[tuple[str, str, str, str | None]]:
    """Rule, status, server and key of each finding in JSON."""
    names = ("rule", "status", "server", "key")
    findings: list[tuple[str, str, str, str | None]] = []
    for row in json.loads(done.out)["data"]["findings"]:
        rule, status, server, key = (row[name] for name in names)
        findings.append((rule, status, server, key))
    return findings


BAD, GOOD = model("x/bad", publisher="evil", size_bytes=2 * 10**9), model("acme/good", publisher="acme")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run over a server with two findings, one without, and one that cannot be read."""
    made = world(tmp_path_factory.mktemp("audit"), RULES, a=[BAD, GOOD], b=[GOOD], c=None)
    assert run("snapshot", "-q", cwd=made).code == 3
    return made


def test_findings_are_grouped_with_what_to_do(folder: Path) -> None:
    """The worst come first, each group says why and what to do, and the last line counts."""
    done = run("audit", cwd=folder, COLUMNS="80")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("Audit of ")
    assert lines[2:5] == ["HIGH  publishers (1)", "  Only reviewed publishers", "  wanted: Publisher acme"]
    assert re.fullmatch(r"  a  x/bad  evil  since \d{4}-\d\d-\d\d", lines[5])
    assert lines[6].startswith("  To do: ")
    assert done.out.index("HIGH") < done.out.index("LOW") < done.out.index("UNKNOWN")
    assert "2.00 GB" in done.out
    assert lines[-1] == "2 findings (1 high, 1 low); 1 server unknown"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "code"), [("high", 10), ("medium", 10), ("low", 10), ("unknown", 10), ("high,unknown", 10)]
)
def test_fail_on_names_a_severity_or_a_worse_one(folder: Path, words: str, code: int) -> None:
    """Exit 10 for findings that bad, or for what is not known; else 0."""
    assert run("audit", "--fail-on", words, cwd=folder).code == code
    low = run("audit", "--rule", "small", "--fail-on", words, cwd=folder)
    assert low.code == (10 if words in ("low", "unknown", "high,unknown") else 0)


@pytest.mark.long
def test_a_word_that_no_audit_can_tell_is_refused(folder: Path) -> None:
    """Words about changes are none of audit's, and words about findings none of diff's."""
    for arguments in (["audit", "--fail-on", "removed"], ["diff", "--fail-on", "high"], ["audit", "--fail-on", "hihg"]):
        assert run(*arguments, cwd=folder).code == 2
    done = run("audit", "--rule", "smal", cwd=folder)
    assert (done.code, done.err) == (
        2, "lms-inventory: there is no rule 'smal'. Did you mean 'small'? There are: publishers, small\n",
    )  # fmt: skip


def test_without_rules_there_is_no_audit(tmp_path: Path) -> None:
    """An audit without rules is no pass, and neither is an alarm on findings."""
    world(tmp_path, "", a=[GOOD])
    for arguments in (["audit"], ["snapshot", "--fail-on", "high"]):
        done = run(*arguments, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert "lms-inventory help rules" in done.err


def test_rules_can_be_chosen(folder: Path) -> None:
    """--rule and --severity leave the others out."""
    assert findings_of(run("audit", "--json", "--severity", "high", cwd=folder)) == [
        ("publishers", "fail", "a", "x/bad"), ("publishers", "unknown", "c", None),
    ]  # fmt: skip
    assert {row[0] for row in findings_of(run("audit", "--json", "--rule", "small", cwd=folder))} == {"small"}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx", "html", "md"])
def test_findings_are_written_in_every_format(folder: Path, suffix: str) -> None:
    """A table holds the findings, a report shows them among everything else."""
    assert run("audit", "-o", f"f.{suffix}", cwd=folder).code == 0
    body = (folder / f"f.{suffix}").read_bytes()
    if suffix == "xlsx":
        import openpyxl

        book = openpyxl.load_workbook(folder / "f.xlsx")
        sheet = [[cell.value for cell in row] for row in book["Findings"].iter_rows()]
        assert [row[0] for row in sheet[1:]] == ["high", "low", "unknown", "unknown"]
        assert "x/bad" in sheet[1]
        shown = [cell.value for row in book["Summary"].iter_rows() for cell in row if cell.value]
        assert "Findings: 2 findings (1 high, 1 low); 1 server unknown" in shown
        assert inventory.read(folder / "f.xlsx").models["key"].tolist() == ["acme/good", "x/bad", "acme/good"]
    elif suffix == "parquet":
        import pyarrow.parquet as parquet

        assert [row["rule"] for row in rows(parquet.read_table(folder / "f.parquet"))][:3] == [
            "publishers",
            "publishers",
            "small",
        ]
    else:
        assert b"publishers" in body
        assert b"x/bad" in body


@pytest.mark.long
def test_a_snapshot_audits_what_it_read(tmp_path: Path) -> None:
    """A run shows its findings, ends with 10, and its line of the run log has counts and the digest of the rules."""
    world(tmp_path, RULES, a=[BAD])
    done = run("snapshot", "--fail-on", "high", "-o", "s.md", cwd=tmp_path)
    assert done.code == 10
    assert "HIGH  publishers (1)" in done.out
    assert "## Findings" in (tmp_path / "s.md").read_text()
    entry = json.loads((tmp_path / "h" / "runs.jsonl").read_text())
    assert {name: entry["audit"][name] for name in ("high", "medium", "low", "unknown", "waived")} == {
        "high": 1, "medium": 0, "low": 1, "unknown": 0, "waived": 0,
    }  # fmt: skip
    assert len(entry["audit"]["rules"]) == 64
    assert [row[0] for row in findings_of(run("snapshot", "--json", "--no-history", cwd=tmp_path))] == [
        "publishers",
        "small",
    ]
    assert run("verify", cwd=tmp_path).code == 0
    done = run("query", "--jsonl", "SELECT rule, key FROM findings ORDER BY rule LIMIT 1", cwd=tmp_path)
    assert json.loads(done.out) == {"rule": "publishers", "key": "x/bad"}


@pytest.mark.long
def test_the_history_counts_findings_by_run(tmp_path: Path) -> None:
    """History --findings has a line a run: new, gone, still there."""
    for models in ([BAD], [BAD, GOOD], [GOOD]):
        world(tmp_path, RULES, a=models)
        assert run("snapshot", "-q", cwd=tmp_path).code == 0
    counted = json.loads(run("history", "--findings", "--json", cwd=tmp_path).out)["data"]["finding_runs"]
    assert [(row["new"], row["gone"], row["still"]) for row in counted] == [(2, 0, 0), (0, 0, 2), (0, 2, 0)]
    text = run("history", "--findings", cwd=tmp_path).out
    assert "Still there" in text
    assert run("history", "--findings", "--unused", "3", cwd=tmp_path).code == 2


@pytest.mark.long
def test_the_ten_policies_of_the_manual_find_what_they_are_about(tmp_path: Path) -> None:
    """Each policy finds what breaks it, and a fleet that keeps to them has no finding."""
    page = (Path(inventory.__file__).parent / "manual" / "rules.md").read_text().partition("## Ten policies")[2]
    text = page.partition("```toml\n")[2].partition("```")[0]
    names = [rule["name"] for rule in tomllib.loads(text)["rule"]]
    assert len(names) == 10
    good = {"publisher": "qwen", "format": "mlx", "quantization": {"name": "4bit", "bits_per_weight": 4}}
    embedding = model("text-embedding-nomic-embed-text-v1.5", "e", **good) | {"type": "embedding"}
    loaded = model("qwen/qwen3", "q", **good)
    world(tmp_path, text, laptop=[embedding, loaded], server=[embedding, loaded])
    assert run("snapshot", "-q", "--fail-on", "low,unknown", cwd=tmp_path).code == 0
    quantized = {"quantization": {"name": "Q2_K", "bits_per_weight": 2}}
    bad = good | quantized | {"publisher": "x", "format": "gguf", "size_bytes": 501 * 10**9}
    broken = [model("x/Qwen-UNCENSORED", "u", **bad)]
    broken[0]["loaded_instances"][0]["config"]["context_length"] = 65536
    world(tmp_path, text, laptop=broken, server=[embedding, loaded], laptop2=None)
    (tmp_path / "laptop2.json").unlink(missing_ok=True)
    assert run("snapshot", "-q", "--accept-suspect", cwd=tmp_path).code == 3
    failed = {rule for rule, status, server, _ in findings_of(run("audit", "--json", cwd=tmp_path)) if status == "fail"}
    assert failed == {*names} - {"nothing-unused", "everyone-read-weekly"}  # which tests/operations/test_audit.py has
    unknown = {rule for rule, status, _, _ in findings_of(run("audit", "--json", cwd=tmp_path)) if status == "unknown"}
    assert unknown == {*names}
