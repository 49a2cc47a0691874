"""The landscape page: its scenes tell what they show, links, what the browser gets, and a visit in Chromium."""

from __future__ import annotations

import base64
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegrade.errors import SpecError
from dosegrade.nn.landscape import WALKERS
from dosegrade.web import APP
from dosegrade.web.surface import DEFAULT, SCENES, SIDE, from_query, heights_of, paths, plane_of, slices, to_query, usual
from dosegrade.web.surface_views import arrival_rows, message, told

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest


def costs(scene: str) -> dict[str, np.ndarray]:
    return {w.name: w.costs for w in paths(usual(scene))}


def near(curve: np.ndarray, bound: float) -> int:
    return int(np.flatnonzero(curve <= bound)[0]) if (curve <= bound).any() else 10**6


# ------------------------------------------------------------------------------------------------ scenes keep their word


def test_in_the_ravine_momentum_is_ahead() -> None:
    made, low = costs("ravine"), float(heights_of(usual("ravine")).min())
    assert near(made["momentum"], 1.2 * low) < near(made["gd"], 1.2 * low)


def test_the_saddle_has_two_equal_valleys() -> None:
    on = plane_of(usual("saddle"))
    spots = np.random.default_rng(0).uniform(-3, 3, (20, 2))
    assert on.cost(spots[:, 0], spots[:, 1]) == pytest.approx(on.cost(-spots[:, 0], -spots[:, 1]), rel=1e-12)
    assert on.slope(0.0, 0.0, np.arange(12))[1] == pytest.approx([0.0, 0.0])
    assert all(curve[-1] < 0.05 for curve in costs("saddle").values())


def test_the_folded_scene_has_kinks_and_the_smooth_ones_none() -> None:
    for name in SCENES:
        count = sum(len(s.kinks) for s in slices(usual(name)))
        assert (count > 5) is (name == "kinks")


def test_on_the_plateau_gradient_descent_hardly_moves_and_adam_walks_off() -> None:
    made = costs("plateau")
    assert made["gd"][-1] > 1.0
    assert made["adam"][-1] < 0.1


def test_the_cut_goes_through_a_trained_network() -> None:
    land = usual("cut")
    assert sum(w.size for w in plane_of(land).centre.values()) == 25
    assert heights_of(land).min() < 0.05


# ------------------------------------------------------------------------------------------------ links


@pytest.mark.parametrize(
    "land",
    [
        *(usual(name) for name in SCENES),
        replace(usual("kinks"), loss="log_cosh", activation="elu", u=-1.5, walkers=("adam", "gd")),
        replace(DEFAULT, walkers=(), updates=50, seed=9, rate=0.03, batch=7, v=0.125),
    ],
    ids=str,
)
def test_a_link_gives_the_land_back(land: Any) -> None:
    assert from_query(to_query(land)) == land


def test_the_first_page_has_an_empty_address() -> None:
    assert to_query(DEFAULT) == {}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"scene": "kink"}, "Did you mean 'kinks'?"),
        ({"rate": "nan"}, "Found nan for the learning rate, expected a number from 1e-06 to 5."),
        ({"rate": "fast"}, "Found 'fast', expected a number."),
        ({"u": "99"}, "Found 99 for the u"),
        ({"updates": "5"}, "expected a whole number from 10 to 300"),
        ({"seed": "-1"}, "Found '-1', expected a whole number."),
        ({"walkers": "gd,adams"}, "Did you mean 'adam'?"),
        ({"walkers": "gd,gd"}, "Found a walker twice"),
        ({"activation": "relu"}, "this scene has no hidden unit"),
        ({"scene": "kinks", "activation": "softmax"}, "expected one of tanh"),
        ({"loss": "hinge"}, "expected one of mean_squared_error"),
        ({"speed": "2"}, "Found a setting called 'speed'"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=re.escape(sentence)):
        from_query(query)


# ------------------------------------------------------------------------------------------------ page


def test_the_browser_gets_the_grid_and_the_paths() -> None:
    land = usual("kinks")
    sent = message(land, paths(land))
    ground = np.frombuffer(base64.b64decode(sent["grid"]), dtype="<f4").reshape(SIDE, SIDE)
    assert ground == pytest.approx(heights_of(land), rel=1e-6)
    points = np.frombuffer(base64.b64decode(sent["walkers"][0]["points"]), dtype="<f4").reshape(-1, 2)
    assert points[0] == pytest.approx([land.u, land.v])
    assert len(points) == land.updates + 1
    assert "It is lowest near W₁[1,1]" in told(land)
    assert message(replace(land, u=1.0), ())["id"] != sent["id"]


def test_examples_seen_are_counted() -> None:
    rows = {row["walker"]: row["examples seen"] for row in arrival_rows(DEFAULT, paths(DEFAULT))}
    assert rows == {"Gradient descent": "1,440", "SGD, one example": "120", "Mini-batch": "480", "Momentum": "1,440", "Adam": "1,440"}


def open_page(**query: str) -> Any:
    at = AppTest.from_file(str(APP.parent / "app_pages" / "landscape.py"), default_timeout=60)
    at.query_params.update(query)
    return at.run()


def test_settings_go_into_the_address() -> None:
    at = open_page(scene="kinks")
    assert not at.exception
    assert any("kinks** on these two lines" in m.value for m in at.markdown)
    at.multiselect(key="surface.set.walkers").set_value(["adam"]).run()
    assert any("The settings are your own" in m.value for m in at.markdown)
    at.selectbox(key="surface.set.loss").set_value("mean_squared_error").run()
    assert at.query_params["walkers"] == "adam"
    assert at.query_params["loss"] == "mean_squared_error"
    at.multiselect(key="surface.set.walkers").set_value([]).run()
    assert not at.exception
    assert any("Nobody walks." in m.value for m in at.markdown)


def test_a_broken_link_is_told_and_the_page_works() -> None:
    at = open_page(rate="nan")
    assert at.warning[0].value.startswith("This link cannot be used as it is. Found nan for the learning rate")
    at.slider(key="surface.set.updates").set_value(50).run()
    assert not at.warning
    assert at.query_params["updates"] == "50"


def test_every_walker_has_a_colour_of_its_own() -> None:
    script = (APP.parent / "surface.js").read_text()
    colours = re.search(r"ink\.of = \{(.+?)\}", script)
    assert colours is not None
    assert set(re.findall(r"(\w+):", colours[1])) == set(WALKERS)
