"""What is generated (``tests/generate.py``) is what the code makes today."""

import re
import zipfile
from pathlib import Path

import generate
import pytest
from support.generated_blocks import BLOCKS, with_blocks

import inventory
from inventory import History, read
from inventory.config.addresses import PORT
from inventory.history.storage.store import Store
from inventory.history.verify import prove

DOCUMENTS = [
    generate.ROOT / name
    for name in (".github/CONTRIBUTING.md", "tests/benchmarks/RESULTS.md", "tests/reliability/README.md")
]
"""Pages for those who change the tool."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with freshly made samples."""
    monkeypatch.chdir(generate.ROOT)
    generate.write_samples(tmp_path)
    generate.write_reports(tmp_path)
    return tmp_path


def test_samples_are_all_there(made: Path) -> None:
    """sample_outputs/ holds the files that the command makes, the history and the pictures, and no others."""
    names = [*(path.name for path in made.iterdir()), "history", "pictures"]
    assert sorted(names) == sorted(path.name for path in generate.SAMPLES.iterdir())


def test_sample_texts_are_the_same_to_the_byte(made: Path) -> None:
    """The samples in CSV, HTML and Markdown are what the code writes today, byte by byte."""
    for path in (path for suffix in ("csv", "html", "md") for path in made.glob(f"*.{suffix}")):
        assert path.read_bytes() == (generate.SAMPLES / path.name).read_bytes()


def test_sample_parquet_says_the_same(made: Path) -> None:
    """The Parquet samples have today's types, cells, units, meanings and metadata; bytes depend on pyarrow."""
    import pyarrow.parquet as pq

    for path in made.glob("*.parquet"):
        fresh, kept = (pq.ParquetFile(folder / path.name) for folder in (made, generate.SAMPLES))
        assert fresh.read().equals(kept.read())
        assert fresh.schema_arrow.remove_metadata().equals(kept.schema_arrow.remove_metadata(), check_metadata=True)
        assert fresh.schema_arrow.metadata[b"lms-inventory"] == kept.schema_arrow.metadata[b"lms-inventory"]


@pytest.mark.parametrize("name", ["inventory.xlsx", "report.xlsx"])
def test_sample_workbook_says_the_same(made: Path, name: str) -> None:
    """Every part of a sample workbook is what the code writes today (only the compression may differ)."""
    parts = []
    for folder in (made, generate.SAMPLES):
        with zipfile.ZipFile(folder / name) as archive:
            parts.append({name: archive.read(name) for name in archive.namelist()})
    assert parts[0] == parts[1]


@pytest.mark.parametrize("name", ["inventory.csv", "inventory.parquet", "inventory.xlsx"])
def test_samples_read_back_as_the_snapshot(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample read back is the snapshot that it was made from."""
    monkeypatch.chdir(generate.ROOT)
    taken = generate.sample()
    back = read(generate.SAMPLES / name)
    for table in ("models", "instances"):
        assert back.tables[table].equals(taken.tables[table])


@pytest.mark.long
def test_sample_history_says_the_same(tmp_path: Path) -> None:
    """The sample history has the files, cells and types that the code records today; bytes depend on pyarrow."""
    generate.write_history(tmp_path / "history")
    kept, fresh = (Store(folder / "history") for folder in (generate.SAMPLES, tmp_path))
    names = [sorted(str(path.relative_to(one.folder)) for path in one.folder.rglob("*.*")) for one in (kept, fresh)]
    assert names[0] == names[1]
    for path in sorted(kept.folder.rglob("*.parquet")):
        kind = path.relative_to(kept.folder).parts[0]
        assert kept.read(kind, path.stem).table().equals(fresh.read(kind, path.stem).table())


def test_sample_history_is_whole_and_small() -> None:
    """The sample history proves itself, has two failed runs, a partial and a suspect one, and takes less than 1 MB."""
    history = History(generate.SAMPLES / "history")
    assert prove(history.store).problems.num_rows == 0
    assert history.runs().status.value_counts().to_dict() == {"ok": 26, "failed": 2, "partial": 1, "suspect": 1}
    lives = history.lifecycle()
    assert (lives.runs_loaded == 0).any()
    assert not lives.present.all()
    assert set(history.timeline().change) >= {"added", "removed", "reconfigured", "loaded", "unloaded"}
    assert sum(path.stat().st_size for path in history.store.folder.rglob("*.parquet")) < 1_000_000


def test_generated_blocks_are_current() -> None:
    """The generated blocks of the README and of the manual are what the code makes today, and each is somewhere."""
    texts = [page.read_text() for page in generate.PAGES]
    for page, text in zip(generate.PAGES, texts, strict=True):
        assert with_blocks(text) == text, f"{page.name}: run .venv/bin/python tests/generate.py"
    assert {name for text in texts for name in re.findall(r"<!-- generated: (\w+) -->", text)} == set(BLOCKS)


def test_every_limit_is_in_its_place() -> None:
    """A constant of the package that is called a limit stands in ``limits.py``, which the manual's table shows."""
    package = Path(inventory.__file__).parent
    for path in package.rglob("*.py"):
        names = re.findall(r"^_?(?:[A-Z]+_)?(?:LIMIT|MAX_[A-Z]+)(?:: \w+)? = ", path.read_text(), re.MULTILINE)
        assert path.name == "limits.py" or not names, f"move {names} of {path} to inventory/limits.py"


def test_readme_is_short() -> None:
    """The README is a page, not the manual: at most 170 lines and about 8 KB."""
    text = (generate.ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 170
    assert len(text.encode()) <= 8_500


@pytest.mark.parametrize("page", [*generate.PAGES, *DOCUMENTS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link and picture of a page is a file of the repository."""
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_files_in_contributing_exist() -> None:
    """Each file that CONTRIBUTING sends a reader to is there."""
    text = (generate.ROOT / ".github" / "CONTRIBUTING.md").read_text()
    names = re.findall(r"`((?:inventory|tests)/[\w/.]+)`", text)
    assert len(names) > 40
    assert [name for name in names if not (generate.ROOT / name).exists()] == []


def test_the_pictures_are_shown() -> None:
    """Each picture is in the README, and small enough for a page."""
    text = (generate.ROOT / "README.md").read_text()
    pictures = sorted((generate.SAMPLES / "pictures").iterdir())
    assert [path.name for path in pictures] == ["report.png", "session.png", "summary.png"]
    for path in pictures:
        assert f"](sample_outputs/pictures/{path.name})" in text
        assert path.stat().st_size < 200_000


def test_readme_has_the_two_commands_and_every_exit_code() -> None:
    """The README holds the two set-up commands to the letter, and each exit code of the design."""
    text = (generate.ROOT / "README.md").read_text()
    assert "\npython3 -m venv .venv && .venv/bin/pip install . && .venv/bin/lms-inventory demo\n" in text
    assert "\npython3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest\n" in text
    codes = re.findall(r"^\| (\d+(?:, \d+)?) \|", text, re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "10", "130", "143"]
    assert str(PORT) in text


def test_changelog_has_this_version() -> None:
    """The changelog tells what is in this version."""
    assert f"\n## {inventory.__version__} " in (generate.ROOT / "CHANGELOG.md").read_text()
