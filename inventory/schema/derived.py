"""The tables that this tool computes out of what LM Studio sends: runs, lifecycles, changes, counts, problems."""

from inventory.schema import BOOLEAN, CHANGES, INTEGER, LIST, NUMBER, OBJECT, TEXT, TIME, VALUE, Column, Table


def _column(name: str, kind: str, meaning: str, unit: str = "", *, key: bool = False) -> Column:
    """Make a column that no answer of LM Studio has."""
    return Column(name, kind, "", meaning, unit, key)


RUNS = Table(
    "runs",
    "one run",
    (
        _column("run_id", TEXT, "The run.", key=True),
        _column("collected_at", TIME, "When its first server answered.", "UTC"),
        _column("status", TEXT, "ok, partial, suspect, failed or misdated."),
        _column("servers", INTEGER, "Servers asked.", "servers"),
        _column("servers_ok", INTEGER, "Servers read.", "servers"),
        _column("model_count", INTEGER, "Models of the servers read.", "models"),
        _column("instance_count", INTEGER, "Loaded instances of the servers read.", "instances"),
        _column("size_bytes", INTEGER, "Size of the models of the servers read.", "bytes"),
        _column("unread", LIST, "The servers that were not read or whose answer is suspect."),
        _column("error", TEXT, "Why the first server that was not read was not."),
        _column(
            "added",
            INTEGER,
            "Models added since each server's last reading; null, as the next three, where nothing was compared.",
            "models",
        ),
        _column("removed", INTEGER, "Models removed since each server's last reading.", "models"),
        _column("renamed", INTEGER, "Models that go on under another key.", "models"),
        _column("reconfigured", INTEGER, "Models and instances with another value.", "rows"),
    ),
)

LIFECYCLE = Table(
    "lifecycle",
    "one model on one server",
    (
        _column("server", TEXT, "The server.", key=True),
        _column("key", TEXT, "The model's key.", key=True),
        _column("display_name", TEXT, "Its name for people, as last seen."),
        _column("size_bytes", INTEGER, "Its size on disk, as last seen.", "bytes"),
        _column("first_seen", TIME, "The first complete observation that has it.", "UTC"),
        _column("last_seen", TIME, "The last one.", "UTC"),
        _column("present", BOOLEAN, "The server's last complete observation has it."),
        _column("days_present", INTEGER, "Days (UTC) with a complete observation that has it.", "days"),
        _column("runs_present", INTEGER, "Complete observations that have it.", "runs"),
        _column("runs_loaded", INTEGER, "Complete observations in which it is loaded.", "runs"),
        _column("last_loaded", TIME, "The last of these; null if never loaded.", "UTC"),
        _column("last_changed", TIME, "When it last changed, came or went.", "UTC"),
    ),
)

TIMELINE = Table(
    "timeline",
    "one change, and the run that saw it",
    (
        _column("run_id", TEXT, "The run that saw the change.", key=True),
        _column("previous_run_id", TEXT, "The server's complete observation before."),
        *CHANGES.columns,
    ),
)

COVERAGE = Table(
    "coverage",
    "one server over a period: how much of it was read",
    (
        _column("server", TEXT, "The server.", key=True),
        _column("days", INTEGER, "Local days of the period since it was first asked.", "days"),
        _column("days_read", INTEGER, "Those on which it was read completely.", "days"),
        _column("runs_asked", INTEGER, "Runs of the period that asked it.", "runs"),
        _column("runs_read", INTEGER, "Those that read it completely.", "runs"),
        _column("longest_silence", NUMBER, "The longest time of the period without a complete answer.", "days"),
        _column("last_read", TIME, "Its last complete answer, in the period or before.", "UTC"),
    ),
)
"""Sorted by server; every server of the state at the end, asked in the period or not."""

NOT_COMPARED = Table(
    "not_compared",
    "one server that was not compared",
    (
        _column("server", TEXT, "The server.", key=True),
        _column("reason", TEXT, "Why it was not compared."),
        _column("last_read", TIME, "When it was last read completely.", "UTC"),
    ),
)

HINTS = Table(
    "hints",
    "something to be said beside a change",
    (
        *(column for column in CHANGES.columns if column.key and column.name != "field"),
        _column("hint", TEXT, "What may be behind it."),
    ),
)

BREAKDOWN = Table(
    "breakdown",
    "the models that share a value of one field",
    (
        _column("by", TEXT, "The field: publisher, quantization, architecture, format or server.", key=True),
        _column("name", TEXT, "The value; null where it is not reported.", key=True),
        _column("model_count", INTEGER, "Models with it.", "models"),
        _column("size_bytes", INTEGER, "Their size; null if none reports one.", "bytes"),
        _column("share", NUMBER, "Part of the size of all models, 0 to 1.", "ratio"),
    ),
)
"""One row per field and value, the largest first."""

FLEET = Table(
    "fleet",
    "one model, wherever it is",
    (
        _column("key", TEXT, "The model's key.", key=True),
        _column("display_name", TEXT, "Its name for people."),
        _column("servers", INTEGER, "Servers that have it.", "servers"),
        _column("quantizations", OBJECT, "How many servers have it in each quantization."),
        _column("size_bytes", INTEGER, "Its size on all servers together.", "bytes"),
        _column("loaded_instance_count", INTEGER, "Loaded instances on all servers together.", "instances"),
    ),
)

GROUPS = Table(
    "groups",
    "the servers with one value of a label, or one server",
    (
        _column("name", TEXT, "The label's value or the server; null for none.", key=True),
        _column("servers", INTEGER, "Servers.", "servers"),
        _column("different_models", INTEGER, "Different keys of models.", "models"),
        _column("model_count", INTEGER, "Models on all of them together.", "models"),
        _column("size_bytes", INTEGER, "Their size.", "bytes"),
        _column("instance_count", INTEGER, "Loaded instances.", "instances"),
    ),
)

COUNTED = {
    "model": {"added": "added", "removed": "removed", "reconfigured": "reconfigured", "renamed": "renamed"},
    "instance": {"loaded": "loaded", "unloaded": "unloaded", "reconfigured": "instances_reconfigured"},
}
"""The columns of ``CHANGE_GROUPS`` that count what happened, by grain and word."""

CHANGE_GROUPS = Table(
    "groups",
    "what changed on the servers with one value of a label, or on one server",
    (
        *GROUPS.columns[:2],
        *(
            _column(name, INTEGER, f"{grain.capitalize()}s {word}.", f"{grain}s")
            for grain, words in COUNTED.items()
            for word, name in words.items()
        ),
        _column("size_difference", INTEGER, "What the models take more than before.", "bytes"),
        _column("not_compared", INTEGER, "Servers of them that were not compared.", "servers"),
    ),
)

PROBLEMS = Table(
    "problems",
    "something wrong in a history",
    (
        _column("file", TEXT, "The file, from the history's folder.", key=True),
        _column("problem", TEXT, "What is wrong with it."),
        _column("holds", TEXT, "What it holds or held."),
    ),
)

REMARKS = Table(
    "remarks",
    "something in a history that is none of it",
    (
        _column("file", TEXT, "The file or folder, from the history's folder.", key=True),
        _column("remark", TEXT, "What there is to say about it."),
    ),
)

SERVERS = Table(
    "servers",
    "one server that any run asked",
    (
        _column("server", TEXT, "The server.", key=True),
        _column("url", TEXT, "The address that was asked last."),
        _column("labels", OBJECT, "The user's labels when it was asked last."),
        _column("status", TEXT, "Status of the newest attempt; retired for a retired server."),
        _column("last_read", TIME, "Its last complete answer; null if it never gave one.", "UTC"),
        _column("last_asked", TIME, "The newest attempt.", "UTC"),
        _column("days_silent", NUMBER, "Days since its last complete answer.", "days"),
        _column("runs_asked", INTEGER, "Runs that asked it.", "runs"),
        _column("runs_read", INTEGER, "Runs that read it completely.", "runs"),
        _column("model_count", INTEGER, "Models in its last complete answer.", "models"),
        _column("instance_count", INTEGER, "Loaded instances in its last complete answer.", "instances"),
        _column("size_bytes", INTEGER, "Size of its models in its last complete answer.", "bytes"),
        _column("first_read", TIME, "Its first complete answer.", "UTC"),
        _column("error", TEXT, "What went wrong at the newest attempt."),
    ),
)

PANEL = Table(
    "panel",
    "a group of servers or models at one moment",
    (
        _column("moment", TIME, "The moment.", "UTC", key=True),
        _column("name", TEXT, "The group; null where the value is not known.", key=True),
        _column("servers", INTEGER, "Servers whose state holds models of the group.", "servers"),
        _column("model_count", INTEGER, "Models.", "models"),
        _column("instance_count", INTEGER, "Loaded instances.", "instances"),
        _column("size_bytes", INTEGER, "Size of the models.", "bytes"),
    ),
)

FINDINGS = Table(
    "findings",
    "a model, instance or server that a rule does not allow, or a server of which a rule knows nothing",
    (
        _column("run_id", TEXT, "The run whose state was audited."),
        _column("rule", TEXT, "The rule.", key=True),
        _column("severity", TEXT, "How bad it is: low, medium or high."),
        _column("status", TEXT, "fail, unknown (the server was not read) or waived."),
        _column("server", TEXT, "The server.", key=True),
        _column("grain", TEXT, "What does not comply: a model, an instance or a server.", key=True),
        _column("key", TEXT, "The model's key; null where it is about a server.", key=True),
        _column("ordinal", INTEGER, "The ordinal of the model's row.", key=True),
        _column("instance_id", TEXT, "The instance; null at other grains.", key=True),
        _column("instance_ordinal", INTEGER, "The instance's ordinal.", key=True),
        _column("field", TEXT, "The column that the rule is about; null for an expression.", key=True),
        _column("value", VALUE, "Its value; null where the server does not report it."),
        _column("wanted", TEXT, "What the rule wants.", key=True),
        _column("because", TEXT, "Why there is the rule."),
        _column("since", TIME, "Since when it does not comply, as far as runs tell.", "UTC"),
        _column("waived_by", TEXT, "Who made the exception."),
        _column("waived_until", TEXT, "Its last day; a past day: the exception has expired."),
        _column("waived_because", TEXT, "Why there is the exception."),
    ),
)

FINDING_RUNS = Table(
    "finding_runs",
    "the findings of one run, by the rules of today",
    (
        _column("run_id", TEXT, "The run.", key=True),
        _column("collected_at", TIME, "When its first server answered.", "UTC"),
        _column("new", INTEGER, "Findings that it saw first.", "findings"),
        _column("gone", INTEGER, "Findings of before that it no longer saw.", "findings"),
        _column("still", INTEGER, "Findings that were there before and still are.", "findings"),
    ),
)
