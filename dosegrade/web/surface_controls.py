"""The landscape page's controls: widgets in, one Land out. What stands in the widgets is kept in the session under `surface.set.*`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.errors import SpecError
from dosegrade.nn.landscape import WALKERS
from dosegrade.web import surface_views
from dosegrade.web.controls import words
from dosegrade.web.memory import Memory
from dosegrade.web.surface import COSTS, DEFAULT, MOST_RATE, MOST_SEED, MOST_UPDATES, SCENES, SHAPES, Land, from_query, to_query, usual

MEMORY = Memory("surface", DEFAULT, from_query, to_query, "landscape")
ICONS = {"ravine": "landscape", "saddle": "call_split", "kinks": "polyline", "plateau": "horizontal_rule", "cut": "content_cut"}


def scenes() -> None:
    """The scenes, and what is worth seeing in the one that is chosen."""
    land = MEMORY.chosen
    MEMORY.offer("Scene", {name: f":material/{ICONS[name]}: {scene.title}" for name, scene in SCENES.items()}, land.scene, usual)
    own = "" if land == usual(land.scene) else " The settings are your own; a copy of this page's address shows the same."
    st.markdown(f"**{land.of.title}.** {land.of.why}{own}")


def settings() -> Land:
    """Draw the settings and give the land that they describe."""
    return MEMORY.settle(lambda before: replace(before, **_drawn(before)))


def _drawn(land: Land) -> dict[str, Any]:
    s = land.of
    values: dict[str, Any] = {
        "walkers": tuple(st.multiselect("Walkers", list(WALKERS), format_func=_walker, **MEMORY.held("walkers", list(land.walkers))))
    }
    values["rate"] = _number("Learning rate", "rate", land.rate, 1e-6, MOST_RATE)
    values["updates"] = st.slider("Updates", 10, MOST_UPDATES, step=10, **MEMORY.held("updates", land.updates))
    values["batch"] = st.slider("Examples in a mini-batch", 1, 25, **MEMORY.held("batch", land.batch))
    values["loss"] = st.selectbox("Cost", COSTS, format_func=words, **MEMORY.held("loss", land.loss))
    if s.activation:
        values["activation"] = st.selectbox("Activation", SHAPES, format_func=words, **MEMORY.held("activation", land.activation))
    left, right = st.columns(2, gap="small")
    with left:
        values["u"] = _number(f"Start {s.axes[0]}", "u", land.u, *s.across)
    with right:
        values["v"] = _number(f"Start {s.axes[1]}", "v", land.v, *s.along)
    seed = st.number_input(
        "Seed", 0, MOST_SEED, step=1, help="Draws noise, the order of examples, and random directions.", **MEMORY.held("seed", land.seed)
    )
    return values | {"seed": land.seed if seed is None else int(seed)}


def _walker(name: str) -> str:
    return WALKERS[name].title


def _number(label: str, name: str, value: float, low: float, high: float) -> float:
    found = st.number_input(label, low, high, format="%g", step=None, **MEMORY.held(name, float(value)))
    return value if found is None else float(found)


def take_press() -> None:
    """The map was pressed: everybody starts from there."""
    spot = surface_views.pressed()
    if spot is None:
        return
    try:
        MEMORY.load(replace(MEMORY.chosen, u=round(spot[0], 3), v=round(spot[1], 3)))
    except SpecError:
        return
    MEMORY.touch()
