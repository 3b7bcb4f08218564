"""The first ``inventory.toml`` of a user: the servers that are known, and most other keys as comments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import dumps

from inventory.config import spec
from inventory.config.servers import Server

_EXAMPLES = {
    "path": '"history"',
    "retire_after": "30",
    "collector": '"office-rome"',
    "keeper": "true",
    "stale_after": "7",
    "separator": '";"',
    "decimal": '","',
    "ignore": '["extra.last_used_at"]',
    "timeout": "10",
    "concurrency": "64",
    "recheck": "5",
    "grain": '"both"',
    "token_env": '"LM_API_TOKEN"',
    "token_file": '"lm-studio.token"',
    "source": '"auto"',
    "ca_file": '"authorities.pem"',
    "output": '["reports/{month}.xlsx"]',
    "link": '"https://files.example/{date}.html"',
    "title": '"Models on our machines"',
    "labels": '{ site = "Rome", owner = "Ann" }',
}
"""A value that each key can have."""

_HEAD = """\
# Configuration of lms-inventory: the servers to query, and settings for all commands.
# A line that begins with # is a comment; remove the # to use it. Relative paths begin at the folder of this file.
# Check it with:  lms-inventory check
# All keys:       lms-inventory help servers
# A token never stands in this file: name the variable or the file that holds it.
"""


@dataclass(frozen=True)
class FoundServer:
    """A server of the file, and what it answered when the file was made.

    Attributes:
        server: its name, address and source.
        answer: one sentence.
        needs_token: it asked for a token, or for another one.
    """

    server: Server
    answer: str
    needs_token: bool = False


def starter_text(servers: Sequence[FoundServer]) -> str:
    """Return the text of a configuration: ``[[server]]`` for each server, and most other keys as comments."""
    tables = "\n".join("\n".join(_table(name)) for name in ("history", "defaults", "compare", "report", "csv"))
    entries = "\n".join("\n".join(_entry(server)) for server in servers)
    example = f'# {spec.title("server")}\n# name = "gpu"\n# url = "http://10.0.0.5:1234"\n'
    return "\n".join([_HEAD, tables, entries, example])


def _table(name: str) -> Iterator[str]:
    """Yield the lines of a table whose keys are all comments."""
    yield spec.title(name)
    width = max(len(f"{key.name} = {_EXAMPLES[key.name]}") for key in spec.TABLES[name])
    for key in spec.TABLES[name]:
        setting = f"{key.name} = {_EXAMPLES[key.name]}"
        yield f"# {setting:{width}}  # {key.meaning.replace('`', '')}"
    yield ""


def _entry(entry: FoundServer) -> Iterator[str]:
    """Yield the lines of a server."""
    server = entry.server
    yield spec.title("server")
    yield f"# {entry.answer}"
    yield f"name = {dumps(server.name, ensure_ascii=False)}"
    yield f"url = {dumps(server.url, ensure_ascii=False)}"
    if server.source not in ("lmstudio", "file"):
        yield f"source = {dumps(server.source)}  # it has only the older API"
    if server.source != "file":
        yield f"# token_env = {_EXAMPLES['token_env']}{'  # it asked for a token' if entry.needs_token else ''}"
    yield f"# labels = {_EXAMPLES['labels']}"
    yield ""
