"""A bill of materials in CycloneDX: models as components, servers as services, and who has which.

Only what servers reported stands in it. They report no hash, no licence and no version of a model, so it has none.
The same report makes the same bytes: the serial number comes from the content, and times are those of the run.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any
from uuid import UUID

from inventory import schema
from inventory.about import PROGRAM, VERSION
from inventory.normalize.response import PATHS
from inventory.tables import is_known, rows
from inventory.text import escape_invisible

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.report.facts import Report

Row = dict[str, Any]

IDENTITY = ("key", "publisher", "format", "quantization_name", "size_bytes")
"""Models that agree in these columns are one component, wherever they are."""

_ROOT = "inventory"
_PROPERTIES = tuple(
    column
    for column in schema.MODELS.columns
    if column.name
    not in (*IDENTITY[:2], "server", "ordinal", "architecture", "description", "loaded_instance_count", "as_of")
)
_BRACKETS = re.compile(r"(?<=//\[)[0-9A-Fa-f:.]+(?=\])")
_ENDPOINT = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:]+\]|[^\s/?#@:%<>\"{}|\\^`\[\]]+)(?::[0-9]+)?"
    r"(?:/(?:[^\s?#%<>\"{}|\\^`\[\]]|%[0-9A-Fa-f]{2})*)?"
)
"""An address as the standard allows it; one with a network interface (``[fe80::1%eth0]``) is none."""

_SELF_REPORTED = "reported by the server itself; no file was examined"


def encode(report: "Report", grain: str) -> bytes:  # noqa: ARG001 - it is about models
    """Write the bill of materials of a report."""
    models, had_by = _models(rows(report.models))
    content = {
        "version": 1,
        "metadata": _metadata(report),
        "components": models,
        "services": [_service(row, reference) for reference, row in _servers(report.servers)],
        "dependencies": _dependencies(report.servers, models, had_by),
        "compositions": _compositions(report),
    }
    version = report.bom_version
    head = {"$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json", "bomFormat": "CycloneDX"}
    serial = UUID(bytes=sha256(_json([version, content])).digest()[:16], version=5)  # made from the content
    document = {**head, "specVersion": version, "serialNumber": f"urn:uuid:{serial}", **content}
    return _json(document, indent=2) + b"\n"


def _metadata(report: "Report") -> Row:
    moment = report.snapshot.state_at or report.snapshot.observed_at
    properties = [
        ("run", report.snapshot.run_id),
        ("rows", report.snapshot.what),
        ("selection", escape_invisible(report.selection)),
    ]
    return _filled(
        {
            "timestamp": _utc(moment),
            "lifecycles": [{"phase": "operations"}],
            "tools": {"components": [{"type": "application", "name": PROGRAM, "version": VERSION}]},
            "component": {"type": "platform", "bom-ref": _ROOT, "name": report.title},
            "properties": _named(properties),
        }
    )


def _models(rows: Sequence[Row]) -> tuple[list[Row], dict[str, list[str]]]:
    """Return a component for each distinct model, and the references of those that each server has."""
    alike: dict[str, list[Row]] = defaultdict(list)
    had_by: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        reference = "model-" + _digest([row[name] for name in IDENTITY])
        alike[reference].append(row)
        had_by[row["server"]].append(reference)
    components = [_component(reference, group) for reference, group in alike.items()]
    return sorted(components, key=lambda component: (component["name"], component["bom-ref"])), had_by


def _component(reference: str, rows: Sequence[Row]) -> Row:
    first = rows[0]
    architectures = _distinct(rows, "architecture")
    descriptions = _distinct(rows, "description")
    occurrences = [{"location": server} for server in _distinct(rows, "server")]
    return _filled(
        {
            "type": "machine-learning-model",
            "bom-ref": reference,
            "publisher": first["publisher"],
            "name": first["key"] or "",
            "description": descriptions[0] if len(descriptions) == 1 else None,
            "evidence": {
                "identity": [
                    {
                        "field": "name",
                        "concludedValue": first["key"] or "",
                        "methods": [{"technique": "other", "confidence": 0, "value": _SELF_REPORTED}],
                    }
                ],
                "occurrences": occurrences,
            },
            "modelCard": {"modelParameters": {"modelArchitecture": architectures[0]}} if architectures else None,
            "properties": _named(
                (column.name, value) for column in _PROPERTIES for value in _distinct(rows, column.name)
            ),
        }
    )


def _servers(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield each server with its reference in the document."""
    for row in sorted(rows, key=lambda row: str(row["server"])):
        yield "server-" + _digest([row["server"]]), row


def _service(row: Row, reference: str) -> Row:
    answer = _endpoint(f"{row['url'] or ''}{PATHS.get(row['source'], '')}")
    evidence = {
        "type": "evidence",
        "url": answer,
        "comment": "the answer that the models are from, as received",
        "hashes": [{"alg": "SHA-256", "content": row["payload_digest"]}],
    }
    properties = [
        ("status", row["status"]),
        ("error", row["error"]),
        ("last_attempt", _utc(row["observed_at"])),
        ("as_of", _utc(row["as_of"]) if is_known(row) else None),
        ("address", None if answer and row["url"] in answer else row["url"]),
        ("sha256", row["payload_digest"]),
        *((f"label:{name}", value) for name, value in sorted(_labels(row).items())),
    ]
    return _filled(
        {
            "bom-ref": reference,
            "name": row["server"] or "",
            "endpoints": [answer] if answer else None,
            "externalReferences": [evidence] if answer and row["payload_digest"] else None,
            "properties": _named(properties),
        }
    )


def _endpoint(address: str) -> str | None:
    """Return an address as the standard allows it: IPv6 in full, as validators refuse ``::``; else None."""
    try:
        address = _BRACKETS.sub(lambda match: IPv6Address(match[0]).exploded, address)
    except ValueError:
        return None
    return address if _ENDPOINT.fullmatch(address) else None


def _dependencies(servers: Sequence[Row], models: Sequence[Row], had_by: Mapping[str, Sequence[str]]) -> list[Row]:
    references = {row["server"]: reference for reference, row in _servers(servers)}
    links = [{"ref": _ROOT, "dependsOn": sorted(references.values())}]
    links += [
        {"ref": reference, "dependsOn": sorted(set(had_by.get(name, ())))} for name, reference in references.items()
    ]
    links += [{"ref": model["bom-ref"]} for model in models]
    return [_filled(link) for link in links]


def _compositions(report: "Report") -> list[Row]:
    """Say of which servers the list of models is whole, older than the last attempt, or not known."""
    groups: dict[str, list[str]] = defaultdict(list)
    for reference, row in _servers(report.servers):
        is_whole = row["status"] == "ok" and not report.selection
        groups["complete" if is_whole else "incomplete" if is_known(row) else "unknown"].append(reference)
    whole = "complete" if set(groups) == {"complete"} else "incomplete"
    groups[whole if report.servers else "unknown"].append(_ROOT)
    return [{"aggregate": word, "dependencies": sorted(set(groups[word]))} for word in sorted(groups)]


def _labels(row: Row) -> Mapping[str, str]:
    own = json.loads(row["labels"] or "{}")
    return own if isinstance(own, dict) else {}


def _distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values that a column has in some rows, without null and the empty text, in order."""
    by_text = {_text(row[name]): row[name] for row in rows if row[name] not in (None, "")}
    return [by_text[text] for text in sorted(by_text)]


def _named(values: Iterable[tuple[str, Any]]) -> list[Row]:
    """Return properties under the tool's name, those without a value left out."""
    return [{"name": f"{PROGRAM}:{name}", "value": _text(value)} for name, value in values if value not in (None, "")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _filled(part: Row) -> Row:
    """Leave out what has no value, but not a name, which each part must have."""
    return {name: value for name, value in part.items() if name == "name" or value not in (None, "", [])}


def _utc(moment: "datetime | None") -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(values: Sequence[Any]) -> str:
    return sha256(_json(values)).hexdigest()[:32]


def _json(value: Any, indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()
