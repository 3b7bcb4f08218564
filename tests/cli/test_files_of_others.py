"""The commands and files: CSV for other programs, what a file does not tell, and names in other normal forms."""

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cli_runner import run

import inventory
from inventory import History
from inventory.history.recorder import record
from inventory.run_ids import new_run_id

MODEL = {
    "type": "llm",
    "publisher": "acme",
    "key": "acme/one",
    "display_name": "One",
    "quantization": {"name": "iQ2_XXS", "bits_per_weight": 2.06},
    "size_bytes": 1_583_000_000,
    "loaded_instances": [],
    "max_context_length": 4096,
    "format": "gguf",
}
NFC, NFD = (unicodedata.normalize(form, "caf\u00e9-\u00fcber") for form in ("NFC", "NFD"))
MOMENT = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a saved answer."""
    (tmp_path / "answer.json").write_text(json.dumps({"models": [MODEL]}))
    return tmp_path


TAKE = ("snapshot", "-q", "--server", "a=file:answer.json", "--recheck", "0")
AGAIN = (*TAKE, "--history", "h")


def heads(folder: Path) -> dict[str, str]:
    """The character after the first name of each CSV file."""
    return {path.name: path.read_bytes().decode("utf-8-sig").split('"')[2][0] for path in sorted(folder.glob("*.csv"))}


@pytest.mark.long
def test_csv_for(folder: Path) -> None:
    """Every command that writes CSV writes it for another program, and every command reads it."""
    german = ("--csv-for", "excel-de")
    assert run(*AGAIN, *german, "-o", "one.csv", cwd=folder).code == 0
    assert run(*AGAIN, *german, "-o", "two.csv", "--grain", "both", cwd=folder).code == 0
    assert run("export", "--history", "h", *german, "-o", "three.csv", cwd=folder).code == 0
    assert run("diff", "--history", "h", *german, "-o", "four.csv", cwd=folder).code == 0
    assert run("history", "--history", "h", *german, "-o", "five.csv", cwd=folder).code == 0
    assert {*heads(folder).values()} == {";"}
    assert '"2,06"' in (folder / "one.csv").read_text("utf-8")
    done = run("diff", "one.csv", "latest", "--history", "h", "--fail-on", "any", cwd=folder)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(("name", "separator"), [("excel-fr", ";"), ("tab", "\t"), ("Excel", ","), ("semicolon", ";")])
def test_programs(folder: Path, name: str, separator: str) -> None:
    """What separates the cells follows from the program."""
    assert run(*TAKE, "--no-history", "--csv-for", name, "-o", "x.csv", cwd=folder).code == 0
    assert heads(folder) == {"x.csv": separator}


def test_an_unknown_program(folder: Path) -> None:
    """A wrong name is refused before anybody is asked, with the names that there are."""
    done = run(*TAKE, "--no-history", "--csv-for", "excle", "-o", "x.csv", cwd=folder)
    assert done.code == 2
    assert "--csv-for cannot be 'excle'. Did you mean 'excel'? Choose excel, " in done.err
    assert not (folder / "x.csv").exists()


@pytest.mark.parametrize(
    ("text", "separator", "number"),
    [
        ('separator = ";"', ";", "2.06"),
        ('separator = ";"\ndecimal = ","', ";", '"2,06"'),
        ('separator = "tab"', "\t", "2.06"),
        ('separator = "\\t"\ndecimal = ","', "\t", '"2,06"'),
        ('separator = ","', ",", "2.06"),
        ("", ",", "2.06"),
    ],
)
def test_configured(folder: Path, text: str, separator: str, number: str) -> None:
    """The configuration says it for all commands; an option goes before it, and check shows it."""
    (folder / "inventory.toml").write_text(f"[csv]\n{text}\n")
    assert run(*TAKE, "--no-history", "-o", "x.csv", cwd=folder).code == 0
    assert heads(folder) == {"x.csv": separator}
    assert number in (folder / "x.csv").read_text("utf-8")
    assert run(*TAKE, "--no-history", "--csv-for", "excel", "-o", "x.csv", cwd=folder).code == 0
    assert heads(folder) == {"x.csv": ","}
    told = run("check", "--server", "a=file:answer.json", cwd=folder).out
    assert ("separator" in told) == ("separator" in text)
    assert ("decimal" in told) == ("decimal" in text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('separator = "|"', "inventory.toml line 2: separator cannot be '|'. Use ',', ';', tab"),
        ('decimal = ","', "inventory.toml line 2: separator and decimal are both ','"),
        ("separator = 1", "inventory.toml line 2: separator is a whole number"),
        ('sep = ";"', "inventory.toml line 2: unknown key 'sep' in [csv]. Did you mean 'separator'?"),
    ],
)
def test_configured_wrongly(folder: Path, text: str, said: str) -> None:
    """What cannot be is told with its line."""
    (folder / "inventory.toml").write_text(f"[csv]\n{text}\n")
    done = run(*TAKE, "--no-history", "-o", "x.csv", cwd=folder)
    assert done.code == 2
    assert said in done.err


def test_scheduled(folder: Path) -> None:
    """A schedule passes it on."""
    done = run("schedule", "cron", "--csv-for", "excel-de", "-o", "x.csv", "--server", "a=file:answer.json", cwd=folder)
    assert "--csv-for excel-de" in done.out


@pytest.mark.long
def test_what_a_file_does_not_tell(folder: Path) -> None:
    """Diff, show and export say what a file lacks and what was left aside, once for each file, and go on."""
    (folder / "x.csv").write_text("server,key,size_bytes,not_yet_known\na,acme/one,1583000000,mit\n")
    told = [
        "lms-inventory: x.csv: column not_yet_known ignored: it was written by a newer version, or added by hand",
        "lms-inventory: x.csv: no columns type, publisher, display_name, architecture, quantization_name,",
    ]
    for command in (("diff", "x.csv", "x.csv"), ("show", "x.csv"), ("export", "x.csv", "-o", "y.xlsx")):
        done = run(*command, cwd=folder)
        assert done.code == 0
        assert [line[: len(told[number])] for number, line in enumerate(done.err.splitlines())] == told
    run(*TAKE, "--no-history", "-o", "z.csv", cwd=folder)
    done = run("diff", "x.csv", "z.csv", "--fail-on", "any", "--json", cwd=folder)
    assert (done.code, done.data["changes"]) == (0, [])


@pytest.mark.long
def test_a_suspect_answer_as_csv(folder: Path) -> None:
    """An answer that lost its models is no removal in CSV, whichever side it is on, and it is said what is left out."""
    many = {"models": [MODEL | {"key": f"acme/{number}"} for number in range(12)]}
    (folder / "many.json").write_text(json.dumps(many))
    both = ("snapshot", "-q", "--recheck", "0", "--history", "h", "--server", "a=file:answer.json")
    asked = (*both, "--server", "b=file:many.json", "-o")
    assert run(*asked, "whole.csv", cwd=folder).code == 0
    (folder / "many.json").write_text(json.dumps({"models": many["models"][:2]}))
    done = run(*asked, "doubt.csv", "--this-run", cwd=folder)
    assert done.code == 3
    assert "doubt.csv leaves out b, whose response is suspect" in done.err
    for old, new in (("whole.csv", "doubt.csv"), ("doubt.csv", "whole.csv"), ("previous", "doubt.csv")):
        done = run("diff", old, new, "--history", "h", "--fail-on", "any", "--json", cwd=folder)
        assert (done.code, done.data["changes"]) == (0, [])
        (row,) = done.data["not_compared"]
        assert row["server"] == "b"
        assert "file, which does not say who was read" in row["reason"]


@pytest.mark.parametrize(
    ("stored", "typed"), [(NFC, NFD), (NFD, NFC), (NFC[:4] + NFD[5:], NFC)], ids=["NFD", "NFC", "mixed"]
)
@pytest.mark.long
def test_names_in_another_normal_form(tmp_path: Path, stored: str, typed: str) -> None:
    """Names that look the same are the same, however a keyboard or a file system composes them."""
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"models": [MODEL | {"key": stored}]}))
    servers = [inventory.Server(f"file:{answer}", name, labels={"site": name}) for name in (stored, "other")]
    record(History(tmp_path / "h"), inventory.collect(servers, clock=lambda: MOMENT, run_id=new_run_id(MOMENT)))
    assert unicodedata.normalize("NFC", stored) == unicodedata.normalize("NFC", typed)
    assert stored != typed
    at = ("--history", tmp_path / "h")
    done = run("history", "--model", typed, *at, "--json")
    assert {row["key"] for row in done.data["lifecycle"]} == {stored}
    assert run("history", "--server", typed, *at, "--json").data["runs"][0]["servers"] == 1
    assert run("history", "--where", f"site={typed}", *at).code == 0
    assert run("history", "--by", "server", "--server", typed, *at, "--json").data["groups"][0]["name"] == stored
    assert run("diff", f"latest:{typed}", "latest:other", *at).code == 0
    (tmp_path / "x.csv").write_text(f"server,key\n{stored},{stored}\n", encoding="utf-8")
    done = run("diff", tmp_path / "x.csv", tmp_path / "x.csv", "--server", typed)
    assert done.code == 0
