"""A table answers for a name that it lacks with the name that was meant."""

import math

import pytest

from dosegrade.errors import SpecError
from dosegrade.registry import LazyRegistry, Registry, UnknownName, did_you_mean

COLOURS = Registry("colour", {"red": 1, "green": 2}, aliases={"rouge": "red"})


def test_a_registry_is_a_mapping_in_order() -> None:
    assert list(COLOURS) == ["red", "green"]
    assert dict(COLOURS) == {"red": 1, "green": 2}
    assert len(COLOURS) == 2


def test_an_alias_is_found_but_not_listed() -> None:
    assert COLOURS["rouge"] == 1
    assert "rouge" not in list(COLOURS)


def test_a_missing_name_suggests_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"no colour called 'gren'\. Did you mean 'green'\? There are: red, green"):
        COLOURS["gren"]
    with pytest.raises(KeyError):
        COLOURS["blue"]
    assert "blue" not in COLOURS


def test_what_is_no_name_at_all_is_missing_too() -> None:
    with pytest.raises(SpecError, match="no colour called"):
        COLOURS[["red"]]  # type: ignore[index]


def test_did_you_mean_is_silent_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["red"]) == ""


def test_a_lazy_registry_loads_what_is_asked_for_and_knows_all_names() -> None:
    lazy: LazyRegistry[object] = LazyRegistry("number", {"pi": "math:pi", "nowhere": "no_such_module:x"})
    assert (list(lazy), len(lazy), lazy["pi"]) == (["pi", "nowhere"], 2, math.pi)
    with pytest.raises(UnknownName, match="Did you mean 'pi'"):
        lazy["pii"]
    with pytest.raises(UnknownName, match="There are: pi, nowhere"):
        lazy[["pi"]]  # type: ignore[index]
    with pytest.raises(ModuleNotFoundError):
        lazy["nowhere"]
