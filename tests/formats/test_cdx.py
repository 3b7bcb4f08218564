"""A bill of materials: valid by the strict schemas, whole, the same twice, and with nothing in it that was guessed."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from support.cli_runner import run
from support.history_builders import made, model
from support.snapshots import BODIES, HOSTILE, PIECES, snapshot
from support.snapshots import names as hostile_names

import inventory
from inventory import schema
from inventory.config.spec import BOM_VERSIONS
from inventory.formats.cdx import encode
from inventory.report.facts import Report
from inventory.tables import RunTables, rows, table_of


@cache
def _validator(version: str) -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.from_version(version))


def bill(report: Report) -> dict[str, Any]:
    """The document of a report, after checking what holds of each: the schema, the references and the same bytes."""
    body = encode(report, "model")
    assert body == encode(report, "instance")
    error = _validator(report.bom_version).validate_str(body.decode())
    assert error is None, error
    document: dict[str, Any] = json.loads(body)
    declared = [document["metadata"]["component"]["bom-ref"]]
    declared += [item["bom-ref"] for part in ("components", "services") for item in document[part]]
    assert len(declared) == len(set(declared))
    used = {link["ref"] for link in document["dependencies"]}
    used |= {ref for link in document["dependencies"] for ref in link.get("dependsOn", ())}
    used |= {ref for part in document["compositions"] for ref in part["dependencies"]}
    assert used == set(declared)
    return document


def properties(item: dict[str, Any]) -> dict[str, list[str]]:
    """The values of each property, by its name without the tool's."""
    values: dict[str, list[str]] = {}
    for one in item.get("properties", ()):
        values.setdefault(one["name"].removeprefix("lms-inventory:"), []).append(one["value"])
    return values


@pytest.mark.parametrize("version", BOM_VERSIONS)
def test_every_captured_answer_makes_a_valid_bill(version: str) -> None:
    """All captured bodies, each as a server of its own, and each alone."""
    paths = sorted(BODIES.glob("*.json"))
    whole = inventory.collect([f"{path.stem}=file:{path}" for path in paths])
    document = bill(replace(Report(whole), bom_version=version))
    assert document["specVersion"] == version
    assert len(document["services"]) == len(paths)
    distinct = {
        tuple(row[name] for name in ("key", "publisher", "format", "quantization_name", "size_bytes"))
        for row in rows(whole.tables["models"])
    }
    assert len(document["components"]) == len(distinct)
    assert {item["type"] for item in document["components"]} == {"machine-learning-model"}


def test_nothing_is_guessed() -> None:
    """The API gives no hash, licence, version or address of a model, so there is none; what it gives is all there."""
    whole = inventory.collect([f"lab=file:{BODIES / '21-docs-example-2026-04.json'}"])
    for item in bill(Report(whole))["components"]:
        assert not item.keys() & {"hashes", "licenses", "version", "purl", "cpe", "supplier", "manufacturer"}
        (row,) = (row for row in rows(whole.tables["models"]) if row["key"] == item["name"])
        assert item["publisher"] == row["publisher"]
        assert properties(item)["size_bytes"] == [str(row["size_bytes"])]
        assert properties(item)["quantization_name"] == [row["quantization_name"]]
        architecture = item.get("modelCard", {}).get("modelParameters", {}).get("modelArchitecture")
        assert architecture == row["architecture"]
        (identity,) = item["evidence"]["identity"]
        assert identity["methods"][0]["confidence"] == 0
        assert "reported by the server itself" in identity["methods"][0]["value"]


def test_who_has_which_and_what_is_not_known(tmp_path: Path) -> None:
    """One model on two servers is one component; a server that was off is incomplete, one never read is unknown."""
    same = model("x", publisher="p")
    other = {**same, "size_bytes": 11}
    history, _ = made(tmp_path, {"a": [same, other], "b": [same], "never": None}, {"a": [same, other], "b": None})
    document = bill(Report(history.state()))
    assert [item["name"] for item in document["components"]] == ["x", "x"]
    references = {item["name"]: item["bom-ref"] for item in document["services"]}
    depends = {link["ref"]: set(link.get("dependsOn", ())) for link in document["dependencies"]}
    assert depends["inventory"] == set(references.values())
    assert depends[references["b"]] < depends[references["a"]]
    assert len(depends[references["a"]]) == 2
    assert depends[references["never"]] == set()
    compositions = {part["aggregate"]: set(part["dependencies"]) for part in document["compositions"]}
    assert compositions == {
        "complete": {references["a"]},
        "incomplete": {references["b"], "inventory"},
        "unknown": {references["never"]},
    }
    (component,) = (item for item in document["components"] if properties(item)["size_bytes"] == ["10"])
    assert [place["location"] for place in component["evidence"]["occurrences"]] == ["a", "b"]


def test_a_service_has_its_endpoint_status_labels_and_the_hash_of_its_answer() -> None:
    """What is known of a server is in its service; the SHA-256 is that of the answer as received."""
    observed = rows(snapshot().tables["observations"])[0]
    observed |= {"url": "http://10.0.0.5:1234", "labels": '{"site": "Rome"}', "source": "lmstudio"}
    observed |= {"payload_digest": "ab" * 32, "as_of": observed["observed_at"]}
    (service,) = bill(Report(_with_observations(observed)))["services"]
    assert service["endpoints"] == ["http://10.0.0.5:1234/api/v1/models"]
    assert service["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    named = properties(service)
    assert (named["status"], named["label:site"], named["sha256"]) == (["ok"], ["Rome"], ["ab" * 32])


ADDRESSES = {
    "http://[fe80::1%eth0]:1234": None,
    "file:/a b/<x>.json": None,
    "http://h/a%b": None,
    "http://[2001:db8::1]:1234": "http://[2001:0db8:0000:0000:0000:0000:0000:0001]:1234",
    "https://h\u00e9.example/p": "https://h\u00e9.example/p",
}
"""Addresses in the form that the standard has for them, if there is one."""


@pytest.mark.parametrize(("url", "endpoint"), ADDRESSES.items())
def test_addresses_without_a_form_in_the_standard_are_a_property(url: str, endpoint: str | None) -> None:
    """What the standard has no form for is not lost, and makes no invalid document."""
    observed = rows(snapshot().tables["observations"])[0] | {"url": url, "source": "lmstudio"}
    (service,) = bill(Report(_with_observations(observed)))["services"]
    assert service.get("endpoints") == ([f"{endpoint}/api/v1/models"] if endpoint else None)
    assert properties(service).get("address") == (None if endpoint == url else [url])


def _with_observations(*observed: dict[str, Any]) -> RunTables:
    taken = snapshot()
    return replace(taken, tables={**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)})


@settings(max_examples=settings().max_examples // 2)
@given(hostile_names, hostile_names)
def test_hostile_names_make_valid_documents(key: str, publisher: str) -> None:
    """Any text can be a key, a publisher, a description and an architecture, and comes back as it was."""
    row = {
        "server": "s",
        "ordinal": 0,
        "key": key,
        "publisher": publisher,
        "description": key,
        "architecture": publisher,
    }
    (item,) = bill(Report(snapshot([row])))["components"]
    assert item["name"] == key
    assert item.get("publisher", "") == publisher


def test_names_of_servers_and_labels_may_be_anything_too() -> None:
    """Each hostile text is the name of a service and the value of a label."""
    base = rows(snapshot().tables["observations"])[0]
    texts = list(dict.fromkeys([*HOSTILE, *PIECES]))
    observed = [base | {"server": text, "labels": json.dumps({text or "x": text})} for text in texts]
    document = bill(Report(_with_observations(*observed)))
    assert {item["name"] for item in document["services"]} == set(texts)


def test_the_serial_number_is_that_of_the_content() -> None:
    """Another model, another version of the format, or another moment is another document."""
    first = Report(snapshot([{"server": "s", "key": "a", "ordinal": 0}]))
    others = [
        first,
        replace(first, bom_version="1.7"),
        Report(snapshot([{"server": "s", "key": "b", "ordinal": 0}])),
        Report(snapshot([{"server": "s", "key": "a", "ordinal": 0}], run_id="20261124T060004.123456Z-3f9a")),
    ]
    numbers = [bill(report)["serialNumber"] for report in others]
    assert len(set(numbers)) == len(others)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", number) for number in numbers)


def test_a_part_is_never_called_complete(tmp_path: Path) -> None:
    """A bill of filtered rows says so: no server's list is complete in it."""
    body = BODIES / "21-docs-example-2026-04.json"
    assert run("snapshot", "--server", f"lab=file:{body}", "--history", "h", "-o", "x.cdx.json", cwd=tmp_path).code == 0
    whole = json.loads((tmp_path / "x.cdx.json").read_text())
    assert {part["aggregate"] for part in whole["compositions"]} == {"complete"}
    done = run("export", "--history", "h", "--filter", "type=llm", "-o", "y.cdx.json", cwd=tmp_path)
    assert done.code == 0, done.err
    part = json.loads((tmp_path / "y.cdx.json").read_text())
    assert {item["aggregate"] for item in part["compositions"]} == {"incomplete"}
    assert 0 < len(part["components"]) < len(whole["components"])


@pytest.mark.long
def test_commands_that_hold_a_state_write_it(tmp_path: Path) -> None:
    """Export twice makes the same bytes; a report of a period and a comparison write the state at its end."""
    body = BODIES / "21-docs-example-2026-04.json"
    (tmp_path / "inventory.toml").write_text(f'[cdx]\nversion = "1.7"\n[[server]]\nname = "lab"\nurl = "file:{body}"\n')
    for _ in range(2):
        assert run("snapshot", "--history", "h", "-q", cwd=tmp_path).code == 0
    for number, command in enumerate(("export", "export", "report", "diff")):
        done = run(command, "--history", "h", "-o", f"{number}.cdx.json", cwd=tmp_path)
        assert done.code == 0, done.err
    bodies = [path.read_bytes() for path in sorted(tmp_path.glob("*.cdx.json"))]
    assert len(bodies) == 4
    assert {json.loads(body)["specVersion"] for body in bodies} == {"1.7"}
    assert len(set(bodies)) == 1
    refused = run("history", "--history", "h", "-o", "x.cdx.json", cwd=tmp_path)
    assert (refused.code, "holds the state" in refused.err) == (2, True)


def test_a_condition_that_is_no_text_is_shown_visibly(tmp_path: Path) -> None:
    """A filter from a terminal with another encoding ends in no traceback."""
    made(tmp_path, {"a": [model("x")]})
    condition = os.fsdecode(b"key!=caf\xe9")
    done = run("export", "--history", "history", "--filter", condition, "-o", "x.cdx.json", cwd=tmp_path)
    assert done.code == 0, done.err
    properties = json.loads((tmp_path / "x.cdx.json").read_text())["metadata"]["properties"]
    assert {"name": "lms-inventory:selection", "value": "key!=caf\\udce9"} in properties


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    """The configuration is refused with its line and the versions that there are."""
    (tmp_path / "inventory.toml").write_text('[cdx]\nversion = "1.5"\n')
    done = run("snapshot", cwd=tmp_path)
    assert (done.code, "line 2" in done.err, "Did you mean '1.7'" in done.err) == (2, True, True)


def test_the_file_can_be_signed_as_the_manual_says(tmp_path: Path) -> None:
    """ssh-keygen signs it and verifies the signature; a byte more is another file."""
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("no ssh-keygen here; get it with: apt-get install openssh-client")
    bom, key = tmp_path / "models.cdx.json", tmp_path / "key"
    bom.write_bytes(encode(Report(snapshot()), "model"))
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "allowed_signers").write_text(f"auditor@example.org {key.with_suffix('.pub').read_text()}")
    subprocess.run([program, "-Y", "sign", "-f", key, "-n", "file", bom], check=True, capture_output=True)
    allowed = str(tmp_path / "allowed_signers")
    verify = [program, "-Y", "verify", "-f", allowed, "-I", "auditor@example.org", "-n", "file", "-s", f"{bom}.sig"]
    for body, code in ((bom.read_bytes(), 0), (bom.read_bytes() + b" ", 255)):
        assert subprocess.run(verify, input=body, check=False, capture_output=True).returncode == code
