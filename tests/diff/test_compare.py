"""What was added, removed and reconfigured, compared with a second, deliberately naive comparison."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import Changes, Snapshot, compare, schema
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import flatten
from inventory.tables import build, concat, named_rows, rows

Model = dict[str, Any]
Fleet = dict[str, list[Model] | str]  # the models of each server, or its status if it was not read


def snapshot(fleet: Fleet | list[Model], grains: tuple[str, ...] = schema.GRAINS) -> Snapshot:
    """The snapshot of a fleet, or of one server called s."""
    servers: Fleet = {"s": fleet} if isinstance(fleet, list) else fleet
    observed = [
        {"run_id": "r", "server": name, "status": models if isinstance(models, str) else "ok"}
        for name, models in sorted(servers.items())
    ]
    read = [(name, flatten(models)) for name, models in sorted(servers.items()) if not isinstance(models, str)]
    return Snapshot(
        {
            "observations": build(
                schema.OBSERVATIONS, {name: [row.get(name) for row in observed] for name in schema.OBSERVATIONS.names}
            ),
            "models": concat(schema.MODELS, [build(schema.MODELS, named_rows(one.models, name)) for name, one in read]),
            "instances": concat(
                schema.INSTANCES, [build(schema.INSTANCES, named_rows(one.instances, name)) for name, one in read]
            ),
        },
        grains,
    )


def changes(old: Fleet | list[Model], new: Fleet | list[Model], *ignore: str) -> Changes:
    """What changed between two fleets."""
    return compare(snapshot(old), snapshot(new), ignore)


def told(found: Changes) -> list[tuple[Any, ...]]:
    """grain, change, key, instance_id, field, old, new of each row; old and new of whole rows left out."""
    return [
        (row["grain"], row["change"], row["key"], row["instance_id"], row["field"])
        + ((row["old"], row["new"]) if row["change"] == "reconfigured" else ())
        for row in rows(found.table)
    ]


def model(key: str, *instances: Model, **fields: Any) -> Model:
    """A model as LM Studio sends it."""
    return {"key": key, "type": "llm", "size_bytes": 1, **fields, "loaded_instances": list(instances)}


def instance(name: str, ttl: int | None = None, **config: Any) -> Model:
    """An instance as LM Studio sends it."""
    return {"id": name, "config": {"context_length": 4096, **config}, "remaining_ttl_seconds": ttl}


OTHER = model("z", format="gguf", description="d", variants=["z@1"], architecture="x")


def test_added_and_removed() -> None:
    """A model that appears is added, one that disappears is removed; a removed row carries the old values."""
    found = changes([model("a", display_name="A", format="gguf"), OTHER], [OTHER, model("b", size_bytes=7)])
    assert told(found) == [("model", "added", "b", None, None), ("model", "removed", "a", None, None)]
    added, removed = rows(found.table)
    assert (added["old"], json.loads(added["new"])) == (None, {"size_bytes": 7, "type": "llm"})
    assert (json.loads(removed["old"]), removed["new"]) == (
        {"display_name": "A", "format": "gguf", "size_bytes": 1, "type": "llm"},
        None,
    )
    assert (removed["server"], removed["display_name"], removed["ordinal"]) == ("s", "A", 0)


def test_loaded_and_unloaded() -> None:
    """Instances come and go as loaded and unloaded, which changes nothing of their model."""
    found = changes([model("a", instance("a"), instance("mine"))], [model("a", instance("a"), instance("a:2"))])
    assert told(found) == [("instance", "loaded", "a", "a:2", None), ("instance", "unloaded", "a", "mine", None)]
    assert json.loads(rows(found.table)[0]["new"]) == {"config_context_length": 4096}


def test_reconfigured() -> None:
    """Another value is told field by field, as text or as JSON, at both grains."""
    old = model("a", instance("a", flash_attention=True), format="gguf", params_string="8B")
    new = model("a", instance("a", flash_attention=False), format="mlx", params_string="8B", size_bytes=2)
    assert told(changes([old], [new])) == [
        ("model", "reconfigured", "a", None, "format", "gguf", "mlx"),
        ("model", "reconfigured", "a", None, "size_bytes", "1", "2"),
        ("instance", "reconfigured", "a", "a", "config_flash_attention", "true", "false"),
    ]


def test_clocks_and_counts_are_no_change() -> None:
    """A time that counts down, order, a repeated text in a list, and null for missing are no change."""
    old = [model("a", instance("a", ttl=60), variants=["x", "y"], description=None), OTHER]
    new = [OTHER, model("a", instance("a", ttl=3), variants=["y", "x", "y"], capabilities={"vision": None}, new=None)]
    assert told(changes(old, new)) == []


def test_lists_are_sets() -> None:
    """A list with another element is one change, told as a sorted JSON array."""
    found = changes([model("a", variants=["y", "x"])], [model("a", variants=["z", "x"])])
    assert told(found) == [("model", "reconfigured", "a", None, "variants", '["x", "y"]', '["x", "z"]')]


@pytest.mark.parametrize(
    ("old", "new", "field", "was", "now"),
    [
        ({"x": 1, "y": 1}, {"x": 2, "y": 1}, "extra.new.x", "1", "2"),
        ({"x": 1}, {"x": True}, "extra.new.x", "1", "true"),
        ({"x": [0]}, {"x": [False]}, "extra.new.x", "[0]", "[false]"),
        ({"x": "1"}, {"x": 1}, "extra.new.x", '"1"', "1"),
        ({"x": {}}, {"x": 0}, "extra.new.x", "{}", "0"),
        (["a"], ["b"], "extra.new", '["a"]', '["b"]'),
        ([1, 2], [2, 1], "extra.new", "[1, 2]", "[2, 1]"),
        ({"a.b": 1, "a": {"b": 1}}, {"a.b": 2, "a": {"b": 1}}, 'extra.new."a.b"', "1", "2"),
        ({"a.b": 1, "a": {"b": 1}}, {"a.b": 1, "a": {"b": 2}}, "extra.new.a.b", "1", "2"),
    ],
)
def test_unknown_fields_by_path(old: Any, new: Any, field: str, was: str, now: str) -> None:
    """A change in a field that no column holds is told at its path, with the JSON before and after."""
    found = changes([model("a", new=old)], [model("a", new=new)])
    assert told(found) == [("model", "reconfigured", "a", None, field, was, now)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"x": None}, None),
        (["a", "b"], ["b", "a"]),
        ({"x": ["b", "a", "a"]}, {"x": ["a", "b"]}),
        ([{"p": 1, "q": 2}], [{"q": 2, "p": 1}]),
    ],
)
def test_unknown_fields_that_say_the_same(old: Any, new: Any) -> None:
    """Nulls, lists of texts in another order and names in another order are no change in unknown fields either."""
    assert told(changes([model("a", new=old)], [model("a", new=new)])) == []


def test_reported_and_unreported() -> None:
    """A field that appears on a server's rows, or vanishes from them, is told once, not per row."""
    old = [model(key, instance(key)) for key in "abc"]
    new = [model(key, instance(key, parallel=4), format="gguf", new={"x": 1}) for key in "abc"]
    assert told(changes(old, new)) == [
        ("model", "reported", None, None, "extra.new.x"),
        ("model", "reported", None, None, "format"),
        ("instance", "reported", None, None, "config_parallel"),
    ]
    assert {row[1] for row in told(changes(new, old))} == {"unreported"}
    assert changes(old, new).counts("model") == dict.fromkeys(schema.CHANGES_WORDS, 0) | {"reported": 2}


def test_a_field_seen_before_is_not_reported() -> None:
    """A field that another row had already is a reconfiguration of the row that gets it or loses it."""
    old = [model("a"), model("b", format="gguf")]
    new = [model("a", format="mlx"), model("b")]
    assert told(changes(old, new)) == [
        ("model", "reconfigured", "a", None, "format", None, "mlx"),
        ("model", "reconfigured", "b", None, "format", "gguf", None),
    ]


def test_a_new_row_reports_nothing() -> None:
    """A field that only an added or loaded row has says nothing about the server."""
    old = [model("a", instance("a"))]
    new = [model("a", instance("a"), instance("a:2", num_experts=8)), model("b", variants=["b@1"])]
    assert [row[1] for row in told(changes(old, new))] == ["added", "loaded"]
    assert [row[1] for row in told(changes(new, old))] == ["removed", "unloaded"]


def test_repeated_keys() -> None:
    """Rows with one key are paired by what they say, whatever their order; the one that is left over was added."""
    gguf, mlx = model("a", format="gguf"), model("a", format="mlx")
    assert told(changes([gguf, mlx], [mlx, gguf])) == []
    assert told(changes([mlx], [gguf, mlx])) == [("model", "added", "a", None, None)]
    found = changes([gguf, mlx], [model("a", format="mlx", size_bytes=9), gguf])
    assert told(found) == [("model", "reconfigured", "a", None, "size_bytes", "1", "9")]


def test_instances_follow_their_model() -> None:
    """Instances of two models with one key stay with their model when the rows come in another order."""
    gguf, mlx = model("a", instance("a"), instance("b"), format="gguf"), model("a", instance("a"), format="mlx")
    assert told(changes([gguf, mlx], [mlx, gguf])) == []
    more = [model("a", instance("a"), instance("c"), format="mlx"), model("a", instance("a"), format="gguf")]
    assert [row[:4] for row in told(changes([gguf, mlx], more))] == [
        ("instance", "loaded", "a", "c"),
        ("instance", "unloaded", "a", "b"),
    ]
    twins = [model("a", instance("a")), model("a")]
    assert told(changes(twins, twins[::-1])) == []


def test_an_instance_of_another_model_is_another_instance() -> None:
    """An instance that keeps its id and moves to another model with the same key was unloaded and loaded."""
    old = [model("a", instance("a"), format="gguf"), model("a", format="mlx")]
    new = [model("a", format="gguf"), model("a", instance("a"), format="mlx")]
    assert [row[1] for row in told(changes(old, new))] == ["loaded", "unloaded"]
    removed = [model("a", instance("a"), format="mlx")]
    assert [row[:2] for row in told(changes([old[0]], removed))] == [("model", "reconfigured")]
    assert [row[1] for row in told(changes([old[0], *removed], removed))] == ["removed", "unloaded"]
    found = changes([old[0], model("a", format="mlx")], removed)
    assert [row[1] for row in told(found)] == ["removed", "loaded", "unloaded"]


def test_only_ok_servers_are_compared() -> None:
    """A server that is not ok on both sides is not compared, and the reason is told."""
    some = [model("a")]
    statuses = [word for word in schema.STATUSES if word != "ok"]
    old: Fleet = {"same": some, "gone": some, "was": "timeout", **dict.fromkeys(statuses, some), "x": "ok"}
    new: Fleet = {
        "same": [],
        "first": some,
        "was": some,
        **{word: word for word in statuses},
        "x": "ok",
        "y": "invalid",
    }
    found = changes(old, new)
    assert [(row["server"], row["change"]) for row in rows(found.table)] == [("same", "removed")]
    assert found.not_compared == {
        "first": "seen for the first time: a baseline",
        "gone": "no longer asked",
        "was": "not read before: timeout",
        "y": "not read now: invalid",
        **{word: f"not read now: {word}" for word in statuses},
    }


@pytest.mark.parametrize(
    ("patterns", "fields"),
    [
        ((), ["extra.new.x", "format", "size_bytes"]),
        (("size_bytes",), ["extra.new.x", "format"]),
        (("size*", "f?rmat"), ["extra.new.x"]),
        (("extra.*",), ["format", "size_bytes"]),
        (("extra",), ["format", "size_bytes"]),
        (("extra.new",), ["format", "size_bytes"]),
        (("*",), []),
        (("SIZE_BYTES", "size", "new"), ["extra.new.x", "format", "size_bytes"]),
    ],
)
def test_ignore(patterns: tuple[str, ...], fields: list[str]) -> None:
    """Ignored fields, by name, pattern or what they stand in, are neither compared nor told."""
    old, new = model("a", format="gguf", new={"x": 1}), model("a", format="mlx", size_bytes=2, new={"x": 2})
    assert [row[4] for row in told(changes([old], [new], *patterns))] == fields


def test_grains() -> None:
    """Only the grains that both snapshots hold are compared."""
    old, new = snapshot([model("a", instance("a"))]), snapshot([], ("instance",))
    assert [row[1] for row in told(compare(old, new))] == ["unloaded"]
    assert [row[1] for row in told(compare(new, old))] == ["loaded"]
    assert told(compare(old, snapshot([], ()))) == []


def test_counts() -> None:
    """A model counts once under each word, however many of its fields changed."""
    found = changes(
        [model("a", format="x"), model("b")], [model("a", format="y", size_bytes=3), model("c"), model("d")]
    )
    assert found.counts("model") == dict.fromkeys(schema.CHANGES_WORDS, 0) | {
        "added": 2,
        "removed": 1,
        "reconfigured": 1,
    }
    assert sum(found.counts("instance").values()) == 0


def test_frame_and_repr() -> None:
    """The changes are a DataFrame of the schema's columns and the typed values, empty ones too."""
    found = changes([model("a")], [])
    assert found.frame["change"].tolist() == ["removed"]
    assert list(changes([], []).frame) == [*schema.CHANGES.names, "old_value", "new_value"]
    assert repr(found) == "<Changes: 1 rows, 0 servers not compared>"


CELL = st.none() | st.integers(0, 2)
CONFIG = st.fixed_dictionaries({}, optional={"parallel": CELL, "num_experts": CELL, "new": CELL})
LOADED = st.builds(
    lambda name, config, ttl: {"id": name, "config": config, "remaining_ttl_seconds": ttl},
    st.sampled_from(["i", "j", "k"]),
    CONFIG,
    st.integers(0, 9),
)
RECORD = st.fixed_dictionaries(
    {"loaded_instances": st.lists(LOADED, max_size=3, unique_by=lambda one: str(one["id"]))},
    optional={
        "size_bytes": CELL,
        "variants": st.none() | st.lists(st.sampled_from("xyz"), max_size=3),
        "new": st.none() | st.fixed_dictionaries({}, optional={"p": CELL, "q": CELL}),
    },
)
UNIQUE = st.dictionaries(st.sampled_from("abcd"), RECORD, max_size=4).map(
    lambda records: [{**record, "key": key} for key, record in records.items()]
)
FLEET: st.SearchStrategy[Fleet] = st.dictionaries(
    st.sampled_from(["s1", "s2", "s3"]), UNIQUE | st.sampled_from(["timeout", "suspect"]), max_size=3
)
REPEATED = st.lists(st.builds(lambda record, key: {**record, "key": key}, RECORD, st.sampled_from("ab")), max_size=5)


def naive_fields(grain: str, sent: Model) -> dict[str, str]:
    """The compared fields of a model or an instance of the strategies above, as the changes table tells them."""
    fields: dict[str, Any] = {}
    if grain == "instance":
        config = sent["config"]
        fields = {f"config_{name}": config.get(name) for name in ("parallel", "num_experts")}
        fields["extra.config.new"] = config.get("new")
    else:
        fields = {"size_bytes": sent.get("size_bytes")}
        if sent.get("variants") is not None:
            fields["variants"] = sorted(set(sent["variants"]))
        if sent.get("new") == {}:
            fields["extra.new"] = {}
        fields |= {f"extra.new.{name}": value for name, value in (sent.get("new") or {}).items()}
    return {name: json.dumps(value) for name, value in fields.items() if value is not None}


def naive(old: Fleet, new: Fleet) -> set[tuple[Any, ...]]:
    """The changes between two fleets with unique keys and ids, as tuples."""
    found: set[tuple[Any, ...]] = set()
    for server in old.keys() & new.keys():
        before, after = old[server], new[server]
        if isinstance(before, str) or isinstance(after, str):
            continue
        for grain, came, went in (("model", "added", "removed"), ("instance", "loaded", "unloaded")):
            sides: list[dict[Any, dict[str, str]]] = [{}, {}]
            for side, models in zip(sides, (before, after), strict=True):
                for sent in models:
                    if grain == "model":
                        side[sent["key"], None] = naive_fields(grain, sent)
                    else:
                        side |= {(sent["key"], one["id"]): naive_fields(grain, one) for one in sent["loaded_instances"]}
            olds, news = sides
            had = {name for fields in olds.values() for name in fields}
            has = {name for fields in news.values() for name in fields}
            stayed = olds.keys() & news.keys()
            reported = {name for row in stayed for name in news[row]} - had
            unreported = {name for row in stayed for name in olds[row]} - has
            found |= {(server, grain, "reported", None, None, name, None, None) for name in reported}
            found |= {(server, grain, "unreported", None, None, name, None, None) for name in unreported}
            found |= {(server, grain, came, *row, None, None, None) for row in news.keys() - olds.keys()}
            found |= {(server, grain, went, *row, None, None, None) for row in olds.keys() - news.keys()}
            for row in stayed:
                for name in (olds[row].keys() | news[row].keys()) - reported - unreported:
                    was, now = olds[row].get(name), news[row].get(name)
                    if was != now:
                        found.add((server, grain, "reconfigured", *row, name, was, now))
    return found


def as_set(found: Changes) -> set[tuple[Any, ...]]:
    """The changes as the naive comparison tells them."""
    return {
        (row["server"], row["grain"], row["change"], row["key"], row["instance_id"], row["field"])
        + ((row["old"], row["new"]) if row["change"] == "reconfigured" else (None, None))
        for row in rows(found.table)
    }


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(FLEET, FLEET)
def test_random_fleets(old: Fleet, new: Fleet) -> None:
    """Two random fleets differ in what the naive comparison finds, each change told once, in order."""
    found = changes(old, new)
    assert as_set(found) == naive(old, new)
    assert found.table.num_rows == len(as_set(found))
    both = {
        name for name in old.keys() & new.keys() if not isinstance(old[name], str) and not isinstance(new[name], str)
    }
    assert set(found.not_compared) == (old.keys() | new.keys()) - both
    order = [
        (row["server"], schema.GRAINS.index(row["grain"]), schema.CHANGES_WORDS.index(row["change"]), row["key"] or "")
        for row in rows(found.table)
    ]
    assert order == sorted(order)


MIRROR = {"added": "removed", "loaded": "unloaded", "reported": "unreported", "reconfigured": "reconfigured"}
MIRROR |= {word: other for other, word in MIRROR.items()} | {"renamed": "renamed"}


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(REPEATED, REPEATED)
def test_mirror(old: list[Model], new: list[Model]) -> None:
    """Comparing the other way round tells the same changes mirrored, with repeated keys too."""
    names = ("grain", "change", "key", "instance_id", "field", "old", "new")
    there = [tuple(row[name] for name in names) for row in rows(changes(old, new).table)]
    back = [tuple(row[name] for name in names) for row in rows(changes(new, old).table)]
    mirrored = [(grain, MIRROR[word], *same, now, was) for grain, word, *same, was, now in back]
    assert sorted(there, key=repr) == sorted(mirrored, key=repr)


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(REPEATED, st.data())
def test_equal_digests_mean_no_changes(models: list[Model], data: st.DataObject) -> None:
    """Answers with one digest, as the same rows in another order have, show no changes."""
    other = copy.deepcopy(data.draw(st.permutations(models)))
    for sent in other:
        sent["loaded_instances"] = data.draw(st.permutations(sent["loaded_instances"]))
        for one in sent["loaded_instances"]:
            one["remaining_ttl_seconds"] = None
    assert digest(flatten(models)) == digest(flatten(other))
    assert told(changes(models, other)) == []
    assert told(changes(models, models)) == []


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(REPEATED, REPEATED)
def test_a_change_changes_the_digest(old: list[Model], new: list[Model]) -> None:
    """Whatever compare tells, the digests tell too, so that equal digests need no comparison."""
    if told(changes(old, new)):
        assert digest(flatten(old)) != digest(flatten(new))


def test_many_rows_with_one_key_are_quick() -> None:
    """Thousands of rows with one key cost no time squared."""
    models = [model("a", size_bytes=number) for number in range(4000)]
    assert told(changes(models, models[::-1])) == []
