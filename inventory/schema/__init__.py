"""The tables, column by column: the one place that says what there is.

Flattening, Arrow types, diff keys, CSV order, Parquet metadata, Excel formats and the manual's tables all follow these
tuples: **a new column is one line here**, and ``SCHEMA_VERSION`` is raised by one. The facts about LM Studio's answer
come from its REST documentation (``GET /api/v1/models``) and, where that is silent or wrong, from captured answers
(``tests/payloads``).

This room imports nothing heavy, so that the command line may read it at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

SCHEMA_VERSION = 3

# What a cell holds. The last three are text in every file: pandas, Excel and CSV have no better place for them.
TEXT, INTEGER, NUMBER, BOOLEAN, TIME = "text", "integer", "number", "boolean", "time"
LIST = "list"  # a JSON array of strings as text, in the order sent
OBJECT = "object"  # a JSON object as text, names sorted
VALUE = "value"  # a value of another column: text as it is, everything else as JSON

STATUSES = ("ok", "suspect", "unreachable", "timeout", "unauthorized", "too_old", "not_lm_studio", "invalid")
GRAINS = ("model", "instance")
CHANGES_WORDS = ("added", "removed", "renamed", "reconfigured", "loaded", "unloaded", "reported", "unreported")
CLOCKS = ("remaining_ttl_seconds",)
"""Names in an answer, wherever they stand and whatever their type, of what only counts down: never compared, and never
kept in the rows that a history shares between servers and runs."""

MODEL = "models[]."
INSTANCE = "models[].loaded_instances[]."


@dataclass(frozen=True)
class Column:
    """One column of one table.

    Attributes:
        name: the JSON path joined by ``_``; the same in CSV, Parquet, Excel and pandas.
        kind: what a cell holds: ``text``, ``integer``, ``number``, ``boolean``, ``time``, ``list``, ``object`` or
            ``value``.
        meaning: one sentence; empty where nobody reads it.
        unit: the unit of a number.
        key: it identifies the row.
        compared: another value is a change; not so for keys, counters, clocks and what follows from other columns.
        path: where LM Studio's answer has it; empty for what this tool adds.
    """

    name: str
    kind: str
    meaning: str = ""
    unit: str = ""
    key: bool = False
    compared: bool = True
    path: str = ""


@dataclass(frozen=True)
class Table:
    """One table: its name, what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    def select(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Return the columns of these names, in the order of the names; names that no column has are left out."""
        return tuple(self.by_name[name] for name in names if name in self.by_name)

    @cached_property
    def response_columns(self) -> tuple[Column, ...]:
        """The columns that a response fills: the same for every server that gives it, whenever it does."""
        return tuple(column for column in self.columns if column.name not in ("server", "as_of"))

    @cached_property
    def response_names(self) -> tuple[str, ...]:
        """The names of the columns that a response fills."""
        return tuple(column.name for column in self.response_columns)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names of the columns that identify a row."""
        return tuple(column.name for column in self.columns if column.key)

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """The names of the columns in which another value is a change."""
        return tuple(column.name for column in self.columns if column.compared and not column.key)


def _sent(
    place: str, path: str, kind: str, meaning: str, unit: str = "", *, key: bool = False, compared: bool = True
) -> Column:
    """Make a column of a field that LM Studio sends, named after its path below ``MODEL`` or ``INSTANCE``."""
    return Column(path.replace(".", "_"), kind, meaning, unit, key, compared, place + path)


def _key(name: str, kind: str, meaning: str) -> Column:
    """Make a column that this tool adds to identify the row."""
    return Column(name, kind, meaning, key=True)


def _info(name: str, kind: str, meaning: str, unit: str = "") -> Column:
    """Make a column that this tool adds, which is shown but never compared."""
    return Column(name, kind, meaning, unit, compared=False)


OBSERVATIONS = Table(
    "observations",
    "what one server answered in one run",
    (
        _key("run_id", TEXT, "The run: UTC start time and four random hex digits; sorts by time."),
        _key("server", TEXT, "The name the user gave the server."),
        _info("url", TEXT, "The address that was asked, without any secret."),
        _info("labels", OBJECT, "The user's labels of the server, such as site or owner."),
        _info("observed_at", TIME, "When the answer was complete or given up.", "UTC"),
        _info("as_of", TIME, "When the answer was given that the server's rows come from; null: none.", "UTC"),
        _info("status", TEXT, "ok, or why the server was not read: " + ", ".join(STATUSES[1:]) + "."),
        _info("error", TEXT, "What went wrong and what to do about it; empty when ok."),
        _info("http_status", INTEGER, "The HTTP status of the answer, if one came over HTTP."),
        _info("latency_ms", NUMBER, "Time from the first attempt to the whole answer or the failure.", "ms"),
        _info("model_count", INTEGER, "Rows of this server in the models table.", "models"),
        _info("instance_count", INTEGER, "Rows of this server in the instances table.", "instances"),
        _info("size_bytes", INTEGER, "Sum of size_bytes over the models.", "bytes"),
        _info("payload_digest", TEXT, "SHA-256 of the body as received: the evidence."),
        _info("digest", TEXT, "SHA-256 of the rows without fields that only count down: decides whether it changed."),
        _info("stored_in", TEXT, "The run whose files hold this answer; unchanged since then."),
        _info("warnings", LIST, "What was odd in the answer, one sentence each."),
        _info("source", TEXT, "What answered: lmstudio, the older lmstudio_v0, or file."),
    ),
)

MODELS = Table(
    "models",
    "one model of one server (grain model)",
    (
        _key("server", TEXT, "The name the user gave the server."),
        _sent(MODEL, "key", TEXT, "LM Studio's identifier of the model. Not unique.", key=True),
        _key("ordinal", INTEGER, "0; 1, 2 ... for further rows with the same key, in the order sent."),
        _sent(MODEL, "type", TEXT, "llm or embedding; vision models are llm; other words may come."),
        _sent(MODEL, "publisher", TEXT, "Who published the model files; may be the empty text."),
        _sent(MODEL, "display_name", TEXT, "The name for people."),
        _sent(MODEL, "architecture", TEXT, "The model's architecture; embeddings omit it."),
        _sent(MODEL, "quantization.name", TEXT, "The quantization, such as Q4_K_M or 4bit."),
        _sent(MODEL, "quantization.bits_per_weight", NUMBER, "Nominal bits per weight (Q3_K_M is 3).", "bits"),
        _sent(MODEL, "size_bytes", INTEGER, "Size on disk of the selected variant only.", "bytes"),
        _sent(MODEL, "params_string", TEXT, "Number of parameters as text, such as 35B-A3B."),
        _info("params_count", INTEGER, "The first number in params_string; null if there is none.", "parameters"),
        _sent(MODEL, "max_context_length", INTEGER, "The longest context possible.", "tokens"),
        _sent(MODEL, "format", TEXT, "gguf or mlx."),
        _sent(MODEL, "capabilities.vision", BOOLEAN, "It takes images."),
        _sent(MODEL, "capabilities.trained_for_tool_use", BOOLEAN, "It was trained to call tools."),
        _sent(MODEL, "capabilities.reasoning.default", TEXT, "The reasoning option in force without a choice."),
        _sent(
            MODEL,
            "capabilities.reasoning.allowed_options",
            LIST,
            "The reasoning options: off, on, low, medium, high, xhigh.",
        ),
        _sent(MODEL, "description", TEXT, "A text about the model; null in every captured answer."),
        _sent(MODEL, "variants", LIST, "key@quantization of each downloaded variant; hub models only."),
        _sent(MODEL, "selected_variant", TEXT, "The variant that this row describes."),
        _info("loaded_instance_count", INTEGER, "Rows of this model in the instances table.", "instances"),
        Column("extra", OBJECT, "Every field that no column holds, at its path; null if there is none."),
        _info("as_of", TIME, "When the server gave the answer that the row comes from.", "UTC"),
    ),
)

INSTANCES = Table(
    "instances",
    "one loaded instance of one model (grain instance)",
    (
        _key("server", TEXT, "The name the user gave the server."),
        _sent(MODEL, "key", TEXT, "LM Studio's identifier of the model.", key=True),
        _key("ordinal", INTEGER, "The ordinal of the model's row."),
        Column("instance_id", TEXT, "LM Studio's or the user's name of the instance.", key=True, path=INSTANCE + "id"),
        _key("instance_ordinal", INTEGER, "0; 1, 2 ... for further instances of the model with the same id."),
        _sent(MODEL, "display_name", TEXT, "The model's name for people.", compared=False),
        _sent(MODEL, "type", TEXT, "The model's type.", compared=False),
        _sent(MODEL, "publisher", TEXT, "The model's publisher.", compared=False),
        _sent(MODEL, "architecture", TEXT, "The model's architecture.", compared=False),
        _sent(MODEL, "format", TEXT, "The model's format.", compared=False),
        _sent(MODEL, "quantization.name", TEXT, "The model's quantization.", compared=False),
        _sent(MODEL, "size_bytes", INTEGER, "The model's size on disk.", "bytes", compared=False),
        _sent(MODEL, "max_context_length", INTEGER, "The model's longest context.", "tokens", compared=False),
        _sent(INSTANCE, "config.context_length", INTEGER, "The context loaded.", "tokens"),
        _sent(INSTANCE, "config.parallel", INTEGER, "Requests served at once.", "requests"),
        _sent(INSTANCE, "config.eval_batch_size", INTEGER, "Evaluation batch.", "tokens"),
        _sent(INSTANCE, "config.physical_batch_size", INTEGER, "Physical batch.", "tokens"),
        _sent(INSTANCE, "config.flash_attention", BOOLEAN, "Flash attention is on."),
        _sent(INSTANCE, "config.num_experts", INTEGER, "Experts used; mixture-of-experts models only.", "experts"),
        _sent(INSTANCE, "config.offload_kv_cache_to_gpu", BOOLEAN, "The KV cache is kept on the GPU."),
        _sent(INSTANCE, "config.context_checkpoints", INTEGER, "Context checkpoints kept.", "checkpoints"),
        _sent(
            INSTANCE,
            "config.reasoning_budget_message",
            TEXT,
            "The message at the end of the reasoning budget; often the empty text.",
        ),
        _sent(
            INSTANCE, "config.speculative_draft_mtp", BOOLEAN, "Speculative decoding by multi-token prediction is on."
        ),
        _sent(INSTANCE, "config.speculative_draft_simple", BOOLEAN, "Simple speculative decoding is on."),
        _sent(INSTANCE, "config.speculative_draft_model", TEXT, "The draft model."),
        _sent(INSTANCE, "config.speculative_draft_max_tokens", INTEGER, "Most tokens drafted at once.", "tokens"),
        _sent(INSTANCE, "config.speculative_draft_min_tokens", INTEGER, "Fewest tokens drafted at once.", "tokens"),
        _sent(
            INSTANCE,
            "config.speculative_draft_min_continue_probability",
            NUMBER,
            "Probability below which drafting stops.",
            "probability",
        ),
        _sent(
            INSTANCE,
            "remaining_ttl_seconds",
            INTEGER,
            "Time until an idle instance is unloaded; instances loaded just in time only.",
            "s",
            compared=False,
        ),
        Column("extra", OBJECT, "Every field that no column holds, at its path; null if there is none."),
        _info("as_of", TIME, "When the server gave the answer that the row comes from.", "UTC"),
    ),
)

CHANGES = Table(
    "changes",
    "one change; of a reconfigured model or instance, one changed field",
    (
        _key("server", TEXT, "The server it happened on."),
        _key("grain", TEXT, "model or instance."),
        _key("key", TEXT, "The model's key; null for news about the whole server."),
        _key("ordinal", INTEGER, "The model's ordinal."),
        _key("instance_id", TEXT, "The instance's id; null at grain model."),
        _key("instance_ordinal", INTEGER, "The instance's ordinal; null at grain model."),
        _info("display_name", TEXT, "The model's name for people."),
        _info("change", TEXT, "What happened: " + ", ".join(CHANGES_WORDS) + "."),
        _key("field", TEXT, "The field, for reconfigured, reported and unreported; key for renamed."),
        _info("old", VALUE, "The value before; of a removed or unloaded row, its values as a JSON object."),
        _info("new", VALUE, "The value after; of an added or loaded row, its values as a JSON object."),
        _info("observed_at", TIME, "When the answer was given that shows the change.", "UTC"),
    ),
)

TABLES = {table.name: table for table in (OBSERVATIONS, MODELS, INSTANCES, CHANGES)}
GRAIN_TABLES = {"model": MODELS, "instance": INSTANCES}
