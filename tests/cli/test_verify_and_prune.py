"""``lms-inventory verify`` and ``prune`` as people run them."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.history_builders import day, model
from support.history_builders import run as recorded

from inventory import History
from inventory.stub_server import StubServer, inventory_before


@pytest.fixture
def copy(past: Path, tmp_path: Path) -> Path:
    """A history that may be damaged."""
    return Path(shutil.copytree(past, tmp_path / "h"))


def verified(folder: Path) -> str:
    """The last line of a check that found no problem."""
    done = run("verify", "--history", folder)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()[-1] + "\n"


def test_a_whole_history_is_proven(past: Path, tmp_path: Path) -> None:
    """Exit 0, what was proved, and a line of counts; where there is nothing to prove, nothing is proven."""
    assert verified(past) == "4 runs, 0 problems\n"
    files = list(past.rglob("*.parquet"))
    size, first, last = sum(path.stat().st_size for path in files), *_ends(past)
    out = " ".join(run("verify", "--history", past, env=clean(TZ="Europe/Rome")).out.split())
    span = "Runs from 2026-11-10 07:00 CET to 2026-11-13 07:00 CET"
    assert out.startswith(f"{span}: {len(files)} files, {size / 1000:,.0f} KB, 7 responses. Checked: checksums")
    assert run("verify", "--json", "--history", past).data == {
        "runs": 4,
        "first_run": first,
        "newest_run": last,
        "newest_sha256": sha256(next(past.rglob(f"observations/*/{last}.parquet")).read_bytes()).hexdigest(),
        "files": len(files),
        "size_bytes": size,
        "answers": 7,
        "equal_answers": 0,
        "problems": [],
        "remarks": [],
    }
    assert run("verify", "--history", tmp_path / "none").code == 4


def _ends(folder: Path) -> tuple[str, str]:
    """The ids of the first and the last run."""
    first, *_, last = History(folder).store.run_ids()
    return first, last


@pytest.mark.long
@pytest.mark.parametrize("suffix", ["txt", "md", "json"])
def test_a_statement_says_what_was_proved(suffix: str, copy: Path, tmp_path: Path) -> None:
    """Of the same files it is the same byte by byte, of a copy too; it names digests that can be recomputed."""
    run("baseline", "set", "approved", "first", "--history", copy)
    shutil.copytree(copy, tmp_path / "backup")
    statements = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for folder, path, zone in zip((copy, tmp_path / "backup"), statements, ("UTC", "Asia/Tokyo"), strict=True):
        assert run("verify", "--history", folder, "--statement", path, env=clean(TZ=zone)).code == 0
    text = statements[0].read_text()
    assert text == statements[1].read_text()
    for run_id in History(copy).store.run_ids():
        [file] = copy.rglob(f"observations/*/{run_id}.parquet")
        assert run_id in text
        assert sha256(file.read_bytes()).hexdigest() in text
    assert "approved" in text
    (copy / "baselines" / "approved.txt").chmod(0o600)
    (copy / "baselines" / "approved.txt").write_text("x")
    assert run("verify", "--history", copy, "--statement", statements[0]).code == 4
    assert "1 problem" in statements[0].read_text()
    assert "baselines/approved.txt" in statements[0].read_text()


@pytest.mark.parametrize(("name", "code"), [("a.pdf", 2), ("a", 2), ("none/a.md", 4), ("h/observations/a.txt/b.md", 4)])
def test_a_statement_that_cannot_be_written(name: str, code: int, copy: Path) -> None:
    """One line before anything is checked, and nothing is written."""
    before = sorted(copy.parent.rglob("*"))
    done = run("verify", "--history", copy, "--statement", copy.parent / name)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert sorted(copy.parent.rglob("*")) == before


@pytest.mark.parametrize("kind", ["observations", "payloads", "models", "instances"])
def test_a_flipped_bit_is_named(kind: str, copy: Path) -> None:
    """Exit 4 with the damaged file and what it held; commands that need it refuse it with one line."""
    path = next((copy / kind).rglob("*.parquet"))
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(body)
    done = run("verify", "--history", copy, "--json")
    assert done.code == 4
    named = {problem["file"]: problem for problem in done.data["problems"]}
    assert path.stem in named[str(path.relative_to(copy))]["holds"]
    if kind in ("observations", "models"):
        done = run("show", path.stem, "--history", copy)
        assert (done.code, done.out, done.err.count("\n")) == (4, "", 1)
        assert str(path) in done.err


def test_a_missing_file_is_named(copy: Path) -> None:
    """Each problem is a line that says what the file held, and then their number."""
    path = min((copy / "payloads").rglob("*.parquet"))
    path.unlink()
    done = run("verify", "--history", copy)
    assert done.code == 4
    assert f"{path.relative_to(copy)}: missing; it holds the bodies as received of run {path.stem}\n" in done.out
    assert done.out.splitlines()[-1].startswith("4 runs, ")


def test_prune_removes_what_no_rule_keeps(copy: Path) -> None:
    """--dry-run only says which runs would stay and go; afterwards the history is whole and the rest the same."""
    runs = History(copy).store.run_ids()
    before = run("show", "latest", "--history", copy).out
    done = run("prune", "--keep-last", "2", "--dry-run", "--history", copy)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-6:-4] == ["Delete (2 runs)", "  Run (UTC)         Run id"]
    assert done.out.endswith("2 runs kept, 2 would be deleted\n")
    assert History(copy).store.run_ids() == runs
    done = run("prune", "--keep-last", "2", "--json", "--history", copy)
    assert (done.data["kept"], done.data["removed"], done.data["dry_run"]) == (runs[2:], runs[:2], False)
    assert [*done.data["reasons"]] == runs[2:]
    assert History(copy).store.run_ids() == runs[2:]
    assert verified(copy) == "2 runs, 0 problems\n"
    assert run("show", "latest", "--history", copy).out == before


KEPT = """\
Keep (3 runs)
  Run (CET)         Why
  2026-11-13 07:00  daily snapshot; weekly snapshot; newest complete snapshot;
                    holds last answer of laptop, rack:8080
  2026-11-12 07:00  holds last answer of desktop
  2026-11-10 07:00  baseline approved

Delete (1 run)
  Run (CET)         Run id
  2026-11-11 07:00  {}

3 runs kept, 1 would be deleted
"""


def test_a_dry_run_shows_both_tables_and_why(copy: Path) -> None:
    """Times are local and each is a reference to its run; every reason for which a run stays is there."""
    runs = History(copy).store.run_ids()
    rules = ("prune", "--keep-daily", "1", "--keep-weekly", "1", "--history", copy)
    run("baseline", "set", "approved", "first", "--history", copy)
    env = clean(TZ="Europe/Rome", COLUMNS="80")
    done = run(*rules, "--dry-run", env=env)
    assert done == (0, KEPT.format(runs[1]), "")
    reasons = run(*rules, "--dry-run", "--json").data["reasons"]
    assert reasons[runs[2]] == ["holds last answer of desktop"]
    assert reasons[runs[3]][:2] == ["daily snapshot", "weekly snapshot"]
    for line in done.out.splitlines():
        if line.startswith("  2026"):
            shown = run("show", line[2:18], "--json", "--this-run", "--history", copy, env=env).data
            run_id = next(one for one in runs if one.startswith(line[2:12].replace("-", "")))
            assert shown == run("show", run_id, "--json", "--this-run", "--history", copy).data
    done = run("prune", "--run", runs[2], "--dry-run", "--history", copy)
    assert done.out.startswith("Delete (1 run)\n")


def test_prune_without_a_rule_is_refused(copy: Path) -> None:
    """Exit 2, and nothing goes."""
    done = run("prune", "--history", copy)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert len(History(copy).store.run_ids()) == 4


@pytest.mark.long
def test_the_newest_run_is_missed_too(copy: Path) -> None:
    """That the newest observations file was removed, at which no file points, is known by the journal."""
    with StubServer(inventory_before()) as server:
        assert run("snapshot", "-q", "--server", server.url, "--history", copy).code == 0
    assert run("verify", "--history", copy).code == 0
    newest = max((copy / "observations").rglob("*.parquet"))
    newest.unlink()
    done = run("verify", "--history", copy, "--json")
    assert done.code == 4
    assert [problem["file"] for problem in done.data["problems"]] == [str(newest.relative_to(copy))]
    assert "runs.jsonl" in done.data["problems"][0]["problem"]


@pytest.fixture
def months(tmp_path: Path) -> Path:
    """A history of seven runs from 1 November to 25 December 2025; the model changes each time."""
    history = History(tmp_path / "history")
    for number in range(7):
        recorded(history, {"s": [model("a", size_bytes=number)]}, day(number * 9 - 365))
    return history.store.folder


@pytest.mark.long
def test_prune_merges_closed_months(months: Path) -> None:
    """--compact says how many files became how many, --dry-run changes nothing; what can be read stays the same."""
    before = [run(word, "--history", months, "--json").data for word in ("history", "diff", "show")]
    there = sorted(months.rglob("*"))
    done = run("prune", "--compact", "--dry-run", "--history", months)
    assert done == (0, "~ 2025-11: 16 files\n1 month would be compacted\n", "")
    assert sorted(months.rglob("*")) == there
    done = run("prune", "--compact", "--history", months)
    assert done == (0, "~ 2025-11: 16 files merged into 4\n1 month compacted\n", "")
    assert len(list(months.glob("*/month=2025-11/*.parquet"))) == 4
    assert [run(word, "--history", months, "--json").data for word in ("history", "diff", "show")] == before
    assert verified(months) == "7 runs, 0 problems\n"
    assert run("prune", "--compact", "--json", "--history", months).data == {"compacted": [], "dry_run": False}


@pytest.mark.long
def test_prune_and_merge_at_once(months: Path) -> None:
    """With keep rules the runs that no rule keeps go first; --json tells both."""
    runs = History(months).store.run_ids()
    done = run("prune", "--keep-last", "5", "--compact", "--json", "--history", months)
    assert {**done.data, "reasons": None} == {
        "reasons": None,
        "kept": runs[2:],
        "removed": runs[:2],
        "compacted": [{"month": "2025-11", "files": 8, "merged_files": 4}],
        "dry_run": False,
    }
    done = run("prune", "--keep-last", "4", "--compact", "--history", months)
    assert done == (0, "4 runs kept, 1 deleted\n0 months compacted\n", "")
    assert verified(months) == "4 runs, 0 problems\n"


def test_a_damaged_merged_file_is_named(months: Path) -> None:
    """Exit 4 with the file and the month that it held; other commands refuse it with one line."""
    run("prune", "--compact", "--history", months)
    [path] = (months / "observations" / "month=2025-11").iterdir()
    body = bytearray(path.read_bytes())
    body[-20] ^= 1
    path.write_bytes(body)
    done = run("verify", "--history", months)
    assert (done.code, done.err) == (4, "")
    what = f"{path.relative_to(months)}: is damaged: its content is not what was written"
    assert what in done.out
    assert "of many runs of 2025-11" in done.out
    done = run("history", "--history", months)
    assert (done.code, done.out, done.err.count("\n")) == (4, "", 1)


def test_a_statement_can_be_signed_as_the_manual_says(past: Path, tmp_path: Path) -> None:
    """ssh-keygen signs it; a statement made anew from the same history meets the signature, of another it does not."""
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("no ssh-keygen here; get it with: apt-get install openssh-client")
    key, statement = tmp_path / "key", tmp_path / "verified.txt"
    assert run("verify", "--history", past, "--statement", statement).code == 0
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f"auditor@example.org {key.with_suffix('.pub').read_text()}")
    subprocess.run([program, "-Y", "sign", "-f", key, "-n", "file", statement], check=True, capture_output=True)
    again = tmp_path / "again.txt"
    assert run("verify", "--history", past, "--statement", again).code == 0
    words = ["-Y", "verify", "-f", str(allowed), "-I", "auditor@example.org", "-n", "file", "-s", f"{statement}.sig"]
    for body, code in ((again.read_bytes(), 0), (again.read_bytes().replace(b"no problem", b"1 problem"), 255)):
        assert subprocess.run([program, *words], input=body, check=False, capture_output=True).returncode == code
