"""The tables that this tool computes out of what LM Studio sends: runs, lifecycles, changes, counts, problems."""

from inventory import schema

RUNS = schema.Table(
    "runs",
    "one run",
    (
        schema.Column("run_id", schema.TEXT, "", "The run.", key=True),
        schema.Column("collected_at", schema.TIME, "", "When its first server answered.", "UTC"),
        schema.Column("status", schema.TEXT, "", "ok, partial, suspect, failed or misdated."),
        schema.Column("servers", schema.INTEGER, "", "Servers asked.", "servers"),
        schema.Column("servers_ok", schema.INTEGER, "", "Servers read.", "servers"),
        schema.Column("model_count", schema.INTEGER, "", "Models of the servers read.", "models"),
        schema.Column("instance_count", schema.INTEGER, "", "Loaded instances of the servers read.", "instances"),
        schema.Column("size_bytes", schema.INTEGER, "", "Size of the models of the servers read.", "bytes"),
        schema.Column("unread", schema.LIST, "", "The servers that were not read or whose answer is suspect."),
        schema.Column("error", schema.TEXT, "", "Why the first server that was not read was not."),
        schema.Column(
            "added",
            schema.INTEGER,
            "",
            "Models added since each server's last reading; null, as the next three, where nothing was compared.",
            "models",
        ),
        schema.Column("removed", schema.INTEGER, "", "Models removed since each server's last reading.", "models"),
        schema.Column("renamed", schema.INTEGER, "", "Models that go on under another key.", "models"),
        schema.Column("reconfigured", schema.INTEGER, "", "Models and instances with another value.", "rows"),
    ),
)

LIFECYCLE = schema.Table(
    "lifecycle",
    "one model on one server",
    (
        schema.Column("server", schema.TEXT, "", "The server.", key=True),
        schema.Column("key", schema.TEXT, "", "The model's key.", key=True),
        schema.Column("display_name", schema.TEXT, "", "Its name for people, as last seen."),
        schema.Column("size_bytes", schema.INTEGER, "", "Its size on disk, as last seen.", "bytes"),
        schema.Column("first_seen", schema.TIME, "", "The first complete observation that has it.", "UTC"),
        schema.Column("last_seen", schema.TIME, "", "The last one.", "UTC"),
        schema.Column("present", schema.BOOLEAN, "", "The server's last complete observation has it."),
        schema.Column(
            "days_present", schema.INTEGER, "", "Days (UTC) with a complete observation that has it.", "days"
        ),
        schema.Column("runs_present", schema.INTEGER, "", "Complete observations that have it.", "runs"),
        schema.Column("runs_loaded", schema.INTEGER, "", "Complete observations in which it is loaded.", "runs"),
        schema.Column("last_loaded", schema.TIME, "", "The last of these; null if never loaded.", "UTC"),
        schema.Column("last_changed", schema.TIME, "", "When it last changed, came or went.", "UTC"),
    ),
)

TIMELINE = schema.Table(
    "timeline",
    "one change, and the run that saw it",
    (
        schema.Column("run_id", schema.TEXT, "", "The run that saw the change.", key=True),
        schema.Column("previous_run_id", schema.TEXT, "", "The server's complete observation before."),
        *schema.CHANGES.columns,
    ),
)

COVERAGE = schema.Table(
    "coverage",
    "one server over a period: how much of it was read",
    (
        schema.Column("server", schema.TEXT, "", "The server.", key=True),
        schema.Column("days", schema.INTEGER, "", "Local days of the period since it was first asked.", "days"),
        schema.Column("days_read", schema.INTEGER, "", "Those on which it was read completely.", "days"),
        schema.Column("runs_asked", schema.INTEGER, "", "Runs of the period that asked it.", "runs"),
        schema.Column("runs_read", schema.INTEGER, "", "Those that read it completely.", "runs"),
        schema.Column(
            "longest_silence", schema.NUMBER, "", "The longest time of the period without a complete answer.", "days"
        ),
        schema.Column("last_read", schema.TIME, "", "Its last complete answer, in the period or before.", "UTC"),
    ),
)
"""Sorted by server; every server of the state at the end, asked in the period or not."""

NOT_COMPARED = schema.Table(
    "not_compared",
    "one server that was not compared",
    (
        schema.Column("server", schema.TEXT, "", "The server.", key=True),
        schema.Column("reason", schema.TEXT, "", "Why it was not compared."),
        schema.Column("last_read", schema.TIME, "", "When it was last read completely.", "UTC"),
    ),
)

HINTS = schema.Table(
    "hints",
    "something to be said beside a change",
    (
        *(column for column in schema.CHANGES.columns if column.key and column.name != "field"),
        schema.Column("hint", schema.TEXT, "", "What may be behind it."),
    ),
)

BREAKDOWN = schema.Table(
    "breakdown",
    "the models that share a value of one field",
    (
        schema.Column(
            "by", schema.TEXT, "", "The field: publisher, quantization, architecture, format or server.", key=True
        ),
        schema.Column("name", schema.TEXT, "", "The value; null where it is not reported.", key=True),
        schema.Column("model_count", schema.INTEGER, "", "Models with it.", "models"),
        schema.Column("size_bytes", schema.INTEGER, "", "Their size; null if none reports one.", "bytes"),
        schema.Column("share", schema.NUMBER, "", "Part of the size of all models, 0 to 1.", "ratio"),
    ),
)
"""One row per field and value, the largest first."""

FLEET = schema.Table(
    "fleet",
    "one model, wherever it is",
    (
        schema.Column("key", schema.TEXT, "", "The model's key.", key=True),
        schema.Column("display_name", schema.TEXT, "", "Its name for people."),
        schema.Column("servers", schema.INTEGER, "", "Servers that have it.", "servers"),
        schema.Column("quantizations", schema.OBJECT, "", "How many servers have it in each quantization."),
        schema.Column("size_bytes", schema.INTEGER, "", "Its size on all servers together.", "bytes"),
        schema.Column(
            "loaded_instance_count", schema.INTEGER, "", "Loaded instances on all servers together.", "instances"
        ),
    ),
)

GROUPS = schema.Table(
    "groups",
    "the servers with one value of a label, or one server",
    (
        schema.Column("name", schema.TEXT, "", "The label's value or the server; null for none.", key=True),
        schema.Column("servers", schema.INTEGER, "", "Servers.", "servers"),
        schema.Column("different_models", schema.INTEGER, "", "Different keys of models.", "models"),
        schema.Column("model_count", schema.INTEGER, "", "Models on all of them together.", "models"),
        schema.Column("size_bytes", schema.INTEGER, "", "Their size.", "bytes"),
        schema.Column("instance_count", schema.INTEGER, "", "Loaded instances.", "instances"),
    ),
)

COUNTED = {
    "model": {"added": "added", "removed": "removed", "reconfigured": "reconfigured", "renamed": "renamed"},
    "instance": {"loaded": "loaded", "unloaded": "unloaded", "reconfigured": "instances_reconfigured"},
}
"""The columns of ``CHANGE_GROUPS`` that count what happened, by grain and word."""

CHANGE_GROUPS = schema.Table(
    "groups",
    "what changed on the servers with one value of a label, or on one server",
    (
        *GROUPS.columns[:2],
        *(
            schema.Column(name, schema.INTEGER, "", f"{grain.capitalize()}s {word}.", f"{grain}s")
            for grain, words in COUNTED.items()
            for word, name in words.items()
        ),
        schema.Column("size_difference", schema.INTEGER, "", "What the models take more than before.", "bytes"),
        schema.Column("not_compared", schema.INTEGER, "", "Servers of them that were not compared.", "servers"),
    ),
)

PROBLEMS = schema.Table(
    "problems",
    "something wrong in a history",
    (
        schema.Column("file", schema.TEXT, "", "The file, from the history's folder.", key=True),
        schema.Column("problem", schema.TEXT, "", "What is wrong with it."),
        schema.Column("holds", schema.TEXT, "", "What it holds or held."),
    ),
)

REMARKS = schema.Table(
    "remarks",
    "something in a history that is none of it",
    (
        schema.Column("file", schema.TEXT, "", "The file or folder, from the history's folder.", key=True),
        schema.Column("remark", schema.TEXT, "", "What there is to say about it."),
    ),
)

SERVERS = schema.Table(
    "servers",
    "one server that any run asked",
    (
        schema.Column("server", schema.TEXT, "", "The server.", key=True),
        schema.Column("url", schema.TEXT, "", "The address that was asked last."),
        schema.Column("labels", schema.OBJECT, "", "The user's labels when it was asked last."),
        schema.Column("status", schema.TEXT, "", "Status of the newest attempt; retired for a retired server."),
        schema.Column("last_read", schema.TIME, "", "Its last complete answer; null if it never gave one.", "UTC"),
        schema.Column("last_asked", schema.TIME, "", "The newest attempt.", "UTC"),
        schema.Column("days_silent", schema.NUMBER, "", "Days since its last complete answer.", "days"),
        schema.Column("runs_asked", schema.INTEGER, "", "Runs that asked it.", "runs"),
        schema.Column("runs_read", schema.INTEGER, "", "Runs that read it completely.", "runs"),
        schema.Column("model_count", schema.INTEGER, "", "Models in its last complete answer.", "models"),
        schema.Column(
            "instance_count", schema.INTEGER, "", "Loaded instances in its last complete answer.", "instances"
        ),
        schema.Column("size_bytes", schema.INTEGER, "", "Size of its models in its last complete answer.", "bytes"),
        schema.Column("first_read", schema.TIME, "", "Its first complete answer.", "UTC"),
        schema.Column("error", schema.TEXT, "", "What went wrong at the newest attempt."),
    ),
)

PANEL = schema.Table(
    "panel",
    "a group of servers or models at one moment",
    (
        schema.Column("moment", schema.TIME, "", "The moment.", "UTC", key=True),
        schema.Column("name", schema.TEXT, "", "The group; null where the value is not known.", key=True),
        schema.Column("servers", schema.INTEGER, "", "Servers whose state holds models of the group.", "servers"),
        schema.Column("model_count", schema.INTEGER, "", "Models.", "models"),
        schema.Column("instance_count", schema.INTEGER, "", "Loaded instances.", "instances"),
        schema.Column("size_bytes", schema.INTEGER, "", "Size of the models.", "bytes"),
    ),
)

FINDINGS = schema.Table(
    "findings",
    "a model, instance or server that a rule does not allow, or a server of which a rule knows nothing",
    (
        schema.Column("run_id", schema.TEXT, "", "The run whose state was audited."),
        schema.Column("rule", schema.TEXT, "", "The rule.", key=True),
        schema.Column("severity", schema.TEXT, "", "How bad it is: low, medium or high."),
        schema.Column("status", schema.TEXT, "", "fail, unknown (the server was not read) or waived."),
        schema.Column("server", schema.TEXT, "", "The server.", key=True),
        schema.Column("grain", schema.TEXT, "", "What does not comply: a model, an instance or a server.", key=True),
        schema.Column("key", schema.TEXT, "", "The model's key; null where it is about a server.", key=True),
        schema.Column("ordinal", schema.INTEGER, "", "The ordinal of the model's row.", key=True),
        schema.Column("instance_id", schema.TEXT, "", "The instance; null at other grains.", key=True),
        schema.Column("instance_ordinal", schema.INTEGER, "", "The instance's ordinal.", key=True),
        schema.Column("field", schema.TEXT, "", "The column that the rule is about; null for an expression.", key=True),
        schema.Column("value", schema.VALUE, "", "Its value; null where the server does not report it."),
        schema.Column("wanted", schema.TEXT, "", "What the rule wants.", key=True),
        schema.Column("because", schema.TEXT, "", "Why there is the rule."),
        schema.Column("since", schema.TIME, "", "Since when it does not comply, as far as runs tell.", "UTC"),
        schema.Column("waived_by", schema.TEXT, "", "Who made the exception."),
        schema.Column("waived_until", schema.TEXT, "", "Its last day; a past day: the exception has expired."),
        schema.Column("waived_because", schema.TEXT, "", "Why there is the exception."),
    ),
)

FINDING_RUNS = schema.Table(
    "finding_runs",
    "the findings of one run, by the rules of today",
    (
        schema.Column("run_id", schema.TEXT, "", "The run.", key=True),
        schema.Column("collected_at", schema.TIME, "", "When its first server answered.", "UTC"),
        schema.Column("new", schema.INTEGER, "", "Findings that it saw first.", "findings"),
        schema.Column("gone", schema.INTEGER, "", "Findings of before that it no longer saw.", "findings"),
        schema.Column("still", schema.INTEGER, "", "Findings that were there before and still are.", "findings"),
    ),
)
