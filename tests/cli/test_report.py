"""``lms-inventory report`` as people run it: a period in, files for people out."""

from pathlib import Path

import pytest
from openpyxl import load_workbook
from support.cli_runner import Done, clean, run

CONFIGURED = """\
[report]
output = ["reports/{month}.md", "reports/latest.html"]
title = "Models of the physics department"
"""


def report(past: Path, *arguments: str | Path, cwd: Path | None = None, **env: str) -> Done:
    """Write the report of a period."""
    return run("report", *arguments, "--history", past, cwd=cwd, env=clean(**env))


def text_of(path: Path) -> str:
    """What a Markdown report says."""
    return path.read_text(encoding="utf-8")


def test_a_month(past: Path, tmp_path: Path) -> None:
    """The state at its end, what changed in it, coverage, and the block to sign; the file is named for the month."""
    done = report(past, "2026-11", "-o", "{month}.md", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    text = text_of(tmp_path / "2026-11.md")
    for words in ("November 2026", "## Coverage", "## Sign-off", "4 runs verified, no problems", "Reviewed by"):
        assert words in text, words


def test_what_is_signed_is_whole_on_paper(past: Path, tmp_path: Path) -> None:
    """Nothing that stands in the block to sign is wider than its column, least of all the digest."""
    assert report(past, "2026-11", "-o", "r.xlsx", cwd=tmp_path).code == 0
    sheet = load_workbook(tmp_path / "r.xlsx")["Sign-off"]
    digests = [row[1] for row in sheet.iter_rows(values_only=True) if row[0] == "SHA-256 of its observations"]
    assert [len(str(digest)) for digest in digests] == [64]
    for letter, cells in zip("AB", sheet.iter_cols(values_only=True), strict=True):
        assert sheet.column_dimensions[letter].width > max(len(str(cell or "")) for cell in cells)


RULED = """\
[[rule]]
name = "none-from-publisher"
severity = "high"
because = "Only publishers that the security team has reviewed may be used on a machine of ours"
deny = { key = "*" }
"""


@pytest.mark.long
def test_findings_are_whole_on_paper_and_on_a_telephone(past: Path, tmp_path: Path) -> None:
    """The reason of a rule is not cut, and what was found stands beneath the rule where the page is narrow."""
    (tmp_path / "inventory.toml").write_text(RULED)
    assert report(past, "2026-11", "-o", "r.xlsx", "-o", "r.html", cwd=tmp_path).code == 0
    sheet = load_workbook(tmp_path / "r.xlsx")["Findings"]
    [place] = [cell.column_letter for cell in sheet[1] if cell.value == "Because"]
    assert sheet.column_dimensions[place].width >= 70
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<table class="stacked">' in page[page.index('id="findings"') : page.index('id="changes"')]


@pytest.mark.long
def test_not_every_server_needs_to_be_read_for_no_findings(past: Path, tmp_path: Path) -> None:
    """Without a finding nothing is said of servers that the banner says were not read."""
    (tmp_path / "inventory.toml").write_text(RULED.replace("*", "nothing"))
    assert report(past, "2026-11-01..2026-11-12", "-o", "r.xlsx", cwd=tmp_path).code == 0
    texts = [cell for row in load_workbook(tmp_path / "r.xlsx")["Summary"].iter_rows(values_only=True) for cell in row]
    assert any("1 of 2 servers read now" in str(text) for text in texts)
    assert "Everything that was read complies with the rules" in texts


def test_the_files_are_named_for_the_readers_month(past: Path, tmp_path: Path) -> None:
    """A run just after midnight in UTC is one of the evening before in Chicago."""
    done = report(past, "2026-11-12..2026-11-12", "-o", "{date}.md", cwd=tmp_path, TZ="Pacific/Kiritimati")
    assert (done.code, [path.name for path in tmp_path.iterdir()]) == (0, ["2026-11-12.md"])


def test_a_report_shows_local_times_beside_utc(past: Path, tmp_path: Path) -> None:
    """As every other report does; the age of an answer is a local day too."""
    assert report(past, "2026-11", "-o", tmp_path / "r.md", TZ="America/Los_Angeles").code == 0
    assert "state at 2026-11-13 06:00:04 UTC (2026-11-12 22:00 PST)" in text_of(tmp_path / "r.md")


def test_an_unknown_end_is_told_with_the_span_once(past: Path, tmp_path: Path) -> None:
    """The run that is not there, and when the history begins and ends, in one line."""
    done = report(past, "nonesuch..latest", "-o", tmp_path / "r.md")
    assert (done.code, done.err.count("\n"), done.err.count("The history begins")) == (2, 1, 1), done.err


def test_since_the_run_before(past: Path, tmp_path: Path) -> None:
    """Without a period."""
    done = report(past, "-o", tmp_path / "r.md")
    assert done.code == 0
    assert "since 2026-11-12 06:00:04 UTC" in text_of(tmp_path / "r.md")


@pytest.mark.long
def test_between_two_runs(past: Path, tmp_path: Path) -> None:
    """A run at the beginning is what is compared with; the first day is compared with nothing before it."""
    assert report(past, "first..latest", "-o", tmp_path / "all.md").code == 0
    assert "2026-11-10 06:00:04 UTC" in text_of(tmp_path / "all.md")
    assert report(past, "2026-11-10", "-o", tmp_path / "one.md").code == 0
    assert "there is nothing to compare it with" in text_of(tmp_path / "one.md")


def test_configured(past: Path, tmp_path: Path) -> None:
    """[report] names the files and the title; the folders of a configured path are made."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "inventory.toml").write_text(CONFIGURED)
    done = report(past, "2026-11", "--config", tmp_path / "etc" / "inventory.toml")
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / "etc" / "reports"
    assert text_of(folder / "2026-11.md").startswith("# Models of the physics department")
    assert "<h1>Models of the physics department</h1>" in text_of(folder / "latest.html")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2026-11"], "no file to write was named"),
        (["2026-11", "-o", "a.csv"], "a.csv is not a report"),
        (["nov", "-o", "a.md"], "'nov' is not a period. A period is day, week or month"),
        (["2026-10", "-o", "a.md"], "no run was made in the period October 2026. The history begins 2026-11-10"),
        (["latest..first", "-o", "a.md"], "ends before it begins"),
        (["2026-11", "--server", "nobody", "-o", "a.md"], "there is no server 'nobody'"),
    ],
    ids=str,
)
def test_mistakes(past: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    """One line that says what a period is and where the history begins; nothing is written."""
    done = report(past, *arguments, cwd=tmp_path)
    assert (done.code, done.out, said in done.err, done.err.count("\n")) == (2, "", True, 1), done.err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_history(tmp_path: Path) -> None:
    """Nothing there is not a month in which nothing happened."""
    done = report(tmp_path / "none", "2026-11", "-o", tmp_path / "a.md")
    assert (done.code, "there is no history at" in done.err) == (4, True)
