"""The landscape page's controls: widgets in, one Land out. What stands in the widgets is kept in the session under `surface.set.*`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.errors import SpecError
from dosegrade.nn.landscape import WALKERS
from dosegrade.web import address, surface_views
from dosegrade.web.controls import words
from dosegrade.web.surface import COSTS, DEFAULT, MOST_RATE, MOST_SEED, MOST_UPDATES, SCENES, SHAPES, Land, from_query, to_query, usual

PAGE = "surface"
WIDGETS = "surface.set."
NOW = "surface.now"
COMPLAINT = "surface.complaint"
ICONS = {"ravine": "landscape", "saddle": "call_split", "kinks": "polyline", "plateau": "horizontal_rule", "cut": "content_cut"}


def chosen() -> Land:
    """The last land that made sense."""
    land = st.session_state.get(NOW)
    return land if isinstance(land, Land) else DEFAULT


def load(land: Land) -> None:
    """Put a land into the widgets. Only before they are drawn, or in a callback."""
    for key in [key for key in st.session_state if str(key).startswith(WIDGETS)]:
        del st.session_state[key]
    st.session_state[NOW] = land


def follow_link() -> None:
    """Take the land from a new address; where it cannot be read, say why and keep the last one."""
    returning = NOW in st.session_state and f"{WIDGETS}seed" not in st.session_state
    query = address.arrived(PAGE)
    if query is None or (returning and not query):
        return
    st.session_state.pop(COMPLAINT, None)
    try:
        load(from_query(query))
    except SpecError as problem:
        load(chosen())
        st.session_state[COMPLAINT] = f"This link cannot be used as it is. {problem} Shown instead: the last landscape that worked."


def scenes() -> None:
    """The scenes, and what is worth seeing in the one that is chosen."""
    land = chosen()
    st.session_state["surface.scene"] = land.scene
    st.pills("Scene", list(SCENES), format_func=_title, key="surface.scene", on_change=_take_scene, label_visibility="collapsed")
    own = "" if land == usual(land.scene) else " The settings are your own; a copy of this page's address shows the same."
    st.markdown(f"**{land.of.title}.** {land.of.why}{own}")


def _title(name: str) -> str:
    return f":material/{ICONS[name]}: {SCENES[name].title}"


def _take_scene() -> None:
    name = st.session_state.get("surface.scene")
    if name is not None:
        load(usual(name))
    touch()


def settings() -> Land:
    """Draw the settings and give the land that they describe; where they make none, a sentence, and the last one stays."""
    before = chosen()
    try:
        land = replace(before, **_drawn(before))
    except SpecError as problem:
        st.warning(f"{problem} Shown is the last landscape that worked.", icon=":material/error:")
        return before
    if land != before:
        st.session_state[NOW] = land
        st.session_state.pop(COMPLAINT, None)
    return land


def _drawn(land: Land) -> dict[str, Any]:
    s = land.of
    values: dict[str, Any] = {
        "walkers": tuple(st.multiselect("Walkers", list(WALKERS), format_func=_walker, **_held("walkers", list(land.walkers))))
    }
    values["rate"] = _number("Learning rate", "rate", land.rate, 1e-6, MOST_RATE)
    values["updates"] = st.slider("Updates", 10, MOST_UPDATES, step=10, **_held("updates", land.updates))
    values["batch"] = st.slider("Examples in a mini-batch", 1, 25, **_held("batch", land.batch))
    values["loss"] = st.selectbox("Cost", COSTS, format_func=words, **_held("loss", land.loss))
    if s.activation:
        values["activation"] = st.selectbox("Activation", SHAPES, format_func=words, **_held("activation", land.activation))
    left, right = st.columns(2, gap="small")
    with left:
        values["u"] = _number(f"Start {s.axes[0]}", "u", land.u, *s.across)
    with right:
        values["v"] = _number(f"Start {s.axes[1]}", "v", land.v, *s.along)
    seed = st.number_input(
        "Seed", 0, MOST_SEED, step=1, help="Draws noise, the order of examples, and random directions.", **_held("seed", land.seed)
    )
    return values | {"seed": land.seed if seed is None else int(seed)}


def _walker(name: str) -> str:
    return WALKERS[name].title


def _number(label: str, name: str, value: float, low: float, high: float) -> float:
    found = st.number_input(label, low, high, format="%g", step=None, **_held(name, float(value)))
    return value if found is None else float(found)


def take_press() -> None:
    """The map was pressed: everybody starts from there."""
    spot = surface_views.pressed()
    if spot is None:
        return
    try:
        load(replace(chosen(), u=round(spot[0], 3), v=round(spot[1], 3)))
    except SpecError:
        return
    touch()


def show_address(land: Land) -> None:
    """The land in the address bar, or the sentence on a link that could not be used."""
    if COMPLAINT in st.session_state:
        st.warning(st.session_state[COMPLAINT], icon=":material/link_off:")
    else:
        address.put(PAGE, to_query(land))


def _held(name: str, value: Any) -> dict[str, Any]:
    """Keywords that tie a widget to the session; where the session holds nothing yet, it takes `value`."""
    key = WIDGETS + name
    st.session_state.setdefault(key, value)
    return {"key": key, "on_change": touch}


def touch() -> None:
    """The reader changed something."""
    address.touch(PAGE)
    st.session_state.pop(COMPLAINT, None)
