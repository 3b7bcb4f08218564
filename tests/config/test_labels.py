"""What users say about servers, and which servers some conditions mean."""

import pytest

from inventory.config.labels import check_label, conditions_of, filter_servers, matching_servers
from inventory.errors import ConfigurationError

FLEET = {
    "laptop": {"site": "Rome", "owner": "Ann"},
    "desk": {"site": "Rome"},
    "gpu": {"site": "Oslo", "note": "a=b", "empty": ""},
    "new": {},
}


@pytest.mark.parametrize(
    ("where", "servers"),
    [
        ([], ["laptop", "desk", "gpu", "new"]),
        (["site=Rome"], ["laptop", "desk"]),
        (["site=*o*"], ["laptop", "desk", "gpu"]),
        (["site=R?me", "owner=Ann"], ["laptop"]),
        ([" site = Oslo "], ["gpu"]),
        (["note=a=b"], ["gpu"]),
        (["empty="], ["gpu"]),
        (["site=Rome", "site=R*"], ["laptop", "desk"]),
    ],
    ids=str,
)
def test_all_conditions_must_hold(where: list[str], servers: list[str]) -> None:
    """A server is meant if each condition holds for its label of that name; a server without the label is not."""
    assert matching_servers(FLEET, conditions_of(where)) == servers


@pytest.mark.parametrize("where", [["site=rome"], ["site=Rome", "site=Oslo"], ["town=Rome"], ["site="]], ids=str)
def test_conditions_for_no_server_are_an_error_that_lists_what_there_is(where: list[str]) -> None:
    """A typing mistake must not become a run over no servers."""
    with pytest.raises(ConfigurationError, match="no server has ") as caught:
        matching_servers(FLEET, conditions_of(where))
    assert caught.value.advice.endswith("There are: empty=; note=a=b; owner=Ann; site=Oslo, Rome")


@pytest.mark.parametrize(
    ("wrong", "near"), [("site=rome", "site=Rome"), ("sites=Oslo", "site=Oslo"), ("town=Rome", "owner=Rome")]
)
def test_the_nearest_condition_is_named(wrong: str, near: str) -> None:
    """A label or a value that is nearly one that there is leads to a question."""
    with pytest.raises(ConfigurationError) as caught:
        matching_servers(FLEET, conditions_of([wrong]))
    assert caught.value.advice.startswith(f"Did you mean '{near}'? There" if near else "There are: ")


def test_without_any_labels_the_error_says_so() -> None:
    """Where there is nothing to select by, the advice is where labels are given; many values are not all listed."""
    with pytest.raises(ConfigurationError, match=r"No server has labels; set them in inventory\.toml"):
        matching_servers({"a": {}}, [("site", "Rome")])
    many = {str(number): {"rack": f"{number:02}"} for number in range(9)}
    with pytest.raises(ConfigurationError, match="rack=00, 01, 02, 03, 04, and 4 more"):
        matching_servers(many, [("rack", "x")])


@pytest.mark.parametrize("text", ["site", "", "=Rome", " =Rome"])
def test_a_condition_has_a_label_and_an_equals_sign(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ConfigurationError, match="is not a condition"):
        conditions_of([text])


def test_names_and_conditions_together() -> None:
    """Of the servers named, those are meant for which the conditions hold; an unknown name is left to be told."""
    rome = [("site", "Rome")]
    assert filter_servers(FLEET, [], []) == []
    assert filter_servers(FLEET, ["gpu"], []) == ["gpu"]
    assert filter_servers(FLEET, [], rome) == ["laptop", "desk"]
    assert filter_servers(FLEET, ["desk", "gpu"], rome) == ["desk"]
    assert filter_servers(FLEET, ["desk", "who"], rome) == ["desk", "who"]
    with pytest.raises(ConfigurationError, match="no server has site=Rome"):
        filter_servers(FLEET, ["gpu"], rome)


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), (" a", "x"), ("a=", "x"), ("a\n", "x"), ("model", "x"), ("a", "\x1b")]
)
def test_a_label_must_be_one_that_can_be_asked_for(name: str, value: str) -> None:
    """What --where and --by could not name, or a terminal would act on, is refused."""
    with pytest.raises(ConfigurationError):
        check_label(name, value)
    check_label("site", "")
