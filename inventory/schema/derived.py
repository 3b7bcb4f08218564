"""The tables that this tool computes out of what LM Studio sends: runs, lifecycles, changes, counts, problems."""

from inventory.schema import BOOLEAN, CHANGES, INTEGER, LIST, NUMBER, OBJECT, TEXT, TIME, VALUE, Column, Table

RUNS = Table(
    "runs",
    "one run",
    (
        Column("run_id", TEXT, "The run.", key=True),
        Column("collected_at", TIME, "When its first server answered.", "UTC"),
        Column("status", TEXT, "ok, partial, suspect, failed or misdated."),
        Column("servers", INTEGER, "Servers asked.", "servers"),
        Column("servers_ok", INTEGER, "Servers read.", "servers"),
        Column("model_count", INTEGER, "Models of the servers read.", "models"),
        Column("instance_count", INTEGER, "Loaded instances of the servers read.", "instances"),
        Column("size_bytes", INTEGER, "Size of the models of the servers read.", "bytes"),
        Column("unread", LIST, "The servers that were not read or whose answer is suspect."),
        Column("error", TEXT, "Why the first server that was not read was not."),
        Column(
            "added",
            INTEGER,
            "Models added since each server's last reading; null, as the next three, where nothing was compared.",
            "models",
        ),
        Column("removed", INTEGER, "Models removed since each server's last reading.", "models"),
        Column("renamed", INTEGER, "Models that go on under another key.", "models"),
        Column("reconfigured", INTEGER, "Models and instances with another value.", "rows"),
    ),
)

LIFECYCLE = Table(
    "lifecycle",
    "one model on one server",
    (
        Column("server", TEXT, "The server.", key=True),
        Column("key", TEXT, "The model's key.", key=True),
        Column("display_name", TEXT, "Its name for people, as last seen."),
        Column("size_bytes", INTEGER, "Its size on disk, as last seen.", "bytes"),
        Column("first_seen", TIME, "The first complete observation that has it.", "UTC"),
        Column("last_seen", TIME, "The last one.", "UTC"),
        Column("present", BOOLEAN, "The server's last complete observation has it."),
        Column("days_present", INTEGER, "Days (UTC) with a complete observation that has it.", "days"),
        Column("runs_present", INTEGER, "Complete observations that have it.", "runs"),
        Column("runs_loaded", INTEGER, "Complete observations in which it is loaded.", "runs"),
        Column("last_loaded", TIME, "The last of these; null if never loaded.", "UTC"),
        Column("last_changed", TIME, "When it last changed, came or went.", "UTC"),
    ),
)

TIMELINE = Table(
    "timeline",
    "one change, and the run that saw it",
    (
        Column("run_id", TEXT, "The run that saw the change.", key=True),
        Column("previous_run_id", TEXT, "The server's complete observation before."),
        *CHANGES.columns,
    ),
)

COVERAGE = Table(
    "coverage",
    "one server over a period: how much of it was read",
    (
        Column("server", TEXT, "The server.", key=True),
        Column("days", INTEGER, "Local days of the period since it was first asked.", "days"),
        Column("days_read", INTEGER, "Those on which it was read completely.", "days"),
        Column("runs_asked", INTEGER, "Runs of the period that asked it.", "runs"),
        Column("runs_read", INTEGER, "Those that read it completely.", "runs"),
        Column("longest_silence", NUMBER, "The longest time of the period without a complete answer.", "days"),
        Column("last_read", TIME, "Its last complete answer, in the period or before.", "UTC"),
    ),
)
"""Sorted by server; every server of the state at the end, asked in the period or not."""

NOT_COMPARED = Table(
    "not_compared",
    "one server that was not compared",
    (
        Column("server", TEXT, "The server.", key=True),
        Column("reason", TEXT, "Why it was not compared."),
        Column("last_read", TIME, "When it was last read completely.", "UTC"),
    ),
)

HINTS = Table(
    "hints",
    "something to be said beside a change",
    (
        *(column for column in CHANGES.columns if column.key and column.name != "field"),
        Column("hint", TEXT, "What may be behind it."),
    ),
)

BREAKDOWN = Table(
    "breakdown",
    "the models that share a value of one field",
    (
        Column("by", TEXT, "The field: publisher, quantization, architecture, format or server.", key=True),
        Column("name", TEXT, "The value; null where it is not reported.", key=True),
        Column("model_count", INTEGER, "Models with it.", "models"),
        Column("size_bytes", INTEGER, "Their size; null if none reports one.", "bytes"),
        Column("share", NUMBER, "Part of the size of all models, 0 to 1.", "ratio"),
    ),
)
"""One row per field and value, the largest first."""

FLEET = Table(
    "fleet",
    "one model, wherever it is",
    (
        Column("key", TEXT, "The model's key.", key=True),
        Column("display_name", TEXT, "Its name for people."),
        Column("servers", INTEGER, "Servers that have it.", "servers"),
        Column("quantizations", OBJECT, "How many servers have it in each quantization."),
        Column("size_bytes", INTEGER, "Its size on all servers together.", "bytes"),
        Column("loaded_instance_count", INTEGER, "Loaded instances on all servers together.", "instances"),
    ),
)

GROUPS = Table(
    "groups",
    "the servers with one value of a label, or one server",
    (
        Column("name", TEXT, "The label's value or the server; null for none.", key=True),
        Column("servers", INTEGER, "Servers.", "servers"),
        Column("different_models", INTEGER, "Different keys of models.", "models"),
        Column("model_count", INTEGER, "Models on all of them together.", "models"),
        Column("size_bytes", INTEGER, "Their size.", "bytes"),
        Column("instance_count", INTEGER, "Loaded instances.", "instances"),
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
            Column(name, INTEGER, f"{grain.capitalize()}s {word}.", f"{grain}s")
            for grain, words in COUNTED.items()
            for word, name in words.items()
        ),
        Column("size_difference", INTEGER, "What the models take more than before.", "bytes"),
        Column("not_compared", INTEGER, "Servers of them that were not compared.", "servers"),
    ),
)

PROBLEMS = Table(
    "problems",
    "something wrong in a history",
    (
        Column("file", TEXT, "The file, from the history's folder.", key=True),
        Column("problem", TEXT, "What is wrong with it."),
        Column("holds", TEXT, "What it holds or held."),
    ),
)

REMARKS = Table(
    "remarks",
    "something in a history that is none of it",
    (
        Column("file", TEXT, "The file or folder, from the history's folder.", key=True),
        Column("remark", TEXT, "What there is to say about it."),
    ),
)

SERVERS = Table(
    "servers",
    "one server that any run asked",
    (
        Column("server", TEXT, "The server.", key=True),
        Column("url", TEXT, "The address that was asked last."),
        Column("labels", OBJECT, "The user's labels when it was asked last."),
        Column("status", TEXT, "Status of the newest attempt; retired for a retired server."),
        Column("last_read", TIME, "Its last complete answer; null if it never gave one.", "UTC"),
        Column("last_asked", TIME, "The newest attempt.", "UTC"),
        Column("days_silent", NUMBER, "Days since its last complete answer.", "days"),
        Column("runs_asked", INTEGER, "Runs that asked it.", "runs"),
        Column("runs_read", INTEGER, "Runs that read it completely.", "runs"),
        Column("model_count", INTEGER, "Models in its last complete answer.", "models"),
        Column("instance_count", INTEGER, "Loaded instances in its last complete answer.", "instances"),
        Column("size_bytes", INTEGER, "Size of its models in its last complete answer.", "bytes"),
        Column("first_read", TIME, "Its first complete answer.", "UTC"),
        Column("error", TEXT, "What went wrong at the newest attempt."),
    ),
)

PANEL = Table(
    "panel",
    "a group of servers or models at one moment",
    (
        Column("moment", TIME, "The moment.", "UTC", key=True),
        Column("name", TEXT, "The group; null where the value is not known.", key=True),
        Column("servers", INTEGER, "Servers whose state holds models of the group.", "servers"),
        Column("model_count", INTEGER, "Models.", "models"),
        Column("instance_count", INTEGER, "Loaded instances.", "instances"),
        Column("size_bytes", INTEGER, "Size of the models.", "bytes"),
    ),
)

FINDINGS = Table(
    "findings",
    "a model, instance or server that a rule does not allow, or a server of which a rule knows nothing",
    (
        Column("run_id", TEXT, "The run whose state was audited."),
        Column("rule", TEXT, "The rule.", key=True),
        Column("severity", TEXT, "How bad it is: low, medium or high."),
        Column("status", TEXT, "fail, unknown (the server was not read) or waived."),
        Column("server", TEXT, "The server.", key=True),
        Column("grain", TEXT, "What does not comply: a model, an instance or a server.", key=True),
        Column("key", TEXT, "The model's key; null where it is about a server.", key=True),
        Column("ordinal", INTEGER, "The ordinal of the model's row.", key=True),
        Column("instance_id", TEXT, "The instance; null at other grains.", key=True),
        Column("instance_ordinal", INTEGER, "The instance's ordinal.", key=True),
        Column("field", TEXT, "The column that the rule is about; null for an expression.", key=True),
        Column("value", VALUE, "Its value; null where the server does not report it."),
        Column("wanted", TEXT, "What the rule wants.", key=True),
        Column("because", TEXT, "Why there is the rule."),
        Column("since", TIME, "Since when it does not comply, as far as runs tell.", "UTC"),
        Column("waived_by", TEXT, "Who made the exception."),
        Column("waived_until", TEXT, "Its last day; a past day: the exception has expired."),
        Column("waived_because", TEXT, "Why there is the exception."),
    ),
)

FINDING_RUNS = Table(
    "finding_runs",
    "the findings of one run, by the rules of today",
    (
        Column("run_id", TEXT, "The run.", key=True),
        Column("collected_at", TIME, "When its first server answered.", "UTC"),
        Column("new", INTEGER, "Findings that it saw first.", "findings"),
        Column("gone", INTEGER, "Findings of before that it no longer saw.", "findings"),
        Column("still", INTEGER, "Findings that were there before and still are.", "findings"),
    ),
)
