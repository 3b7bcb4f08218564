"""Which models a text means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import ConfigurationError
from inventory.history.model_names import matching_keys

NAMES = {
    "qwen/qwen3-8b": "Qwen3 8B",
    "deepseek-r1-0528-qwen3-8b": "DeepSeek R1 0528",
    "google/gemma-3-12b": "Gemma 3 12B",
    "google/gemma-3-1b": "Gemma 3 1B",
    "odd[1]*": None,
}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("qwen/qwen3-8b", ["qwen/qwen3-8b"]),
        ("qwen3-8b", ["qwen/qwen3-8b"]),
        ("QWEN3-8B", ["qwen/qwen3-8b"]),
        ("gemma-3-1b", ["google/gemma-3-1b"]),
        ("gemma 3 1b", ["google/gemma-3-1b"]),
        ("0528", ["deepseek-r1-0528-qwen3-8b"]),
        ("3-12", ["google/gemma-3-12b"]),
        ("r1 05", ["deepseek-r1-0528-qwen3-8b"]),
        ("*gemma*", ["google/gemma-3-12b", "google/gemma-3-1b"]),
        ("gemma-3-?b", ["google/gemma-3-1b"]),
        ("*qwen3-8b", ["deepseek-r1-0528-qwen3-8b", "qwen/qwen3-8b"]),
        ("odd[1]*", ["odd[1]*"]),
    ],
)
def test_a_text_means_models(text: str, keys: list[str]) -> None:
    """A key, its end, a display name, a part of either, or a pattern; in any case but a whole key."""
    assert matching_keys(text, NAMES) == keys


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gemma", "'gemma' matches 2 models on a: google/gemma-3-12b, google/gemma-3-1b. Write more of the key, "),
        ("qwen3-8", "'qwen3-8' matches 2 models on a: deepseek-r1-0528-qwen3-8b, qwen/qwen3-8b. "),
        ("qwen3-9b", "no run has seen the model 'qwen3-9b' on a. Did you mean 'qwen/qwen3-8b'"),
        ("zzz", "no run has seen the model 'zzz' on a. See what there is: lms-inventory show"),
        ("*zzz*", "no run has seen a model like '*zzz*' on a. "),
        ("", "no run has seen the model '' on a. "),
    ],
)
def test_what_means_none_or_several_is_refused(text: str, message: str) -> None:
    """The error lists them, or the nearest."""
    with pytest.raises(ConfigurationError) as error:
        matching_keys(text, NAMES, " on a")
    assert str(error.value).startswith(message)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.none() | st.text(max_size=8), min_size=1, max_size=6))
def test_a_whole_key_always_means_itself(names: dict[str, str | None]) -> None:
    """Whatever else looks like it, and whatever wildcards it holds."""
    for key in names:
        assert key in matching_keys(key, names)
