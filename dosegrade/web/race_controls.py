"""The race page's controls: what all lanes share stands at the side, what is each lane's own above its lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dosegrade.data import DATASETS, MAX_NOISE, MAX_POINTS, MIN_POINTS, OWN
from dosegrade.errors import SpecError
from dosegrade.nn.activations import HIDDEN
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.config import MAX_CLIP, losses_for
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import Config
from dosegrade.web.controls import BIGGEST_SEED, with_data, words
from dosegrade.web.memory import Memory
from dosegrade.web.race import DEFAULT, LETTERS, MOST_LANES, STARTS, Race, from_query, start_of, to_query

MEMORY = Memory("race", DEFAULT, from_query, to_query, "race")


@dataclass(frozen=True)
class Field:
    """A setting that lanes may share or differ in: its label, and a widget that gives its value from the one before."""

    label: str
    draw: Callable[[str, str, Config], Any]


def _choice(options: Callable[[Config], Sequence[str]]) -> Callable[[str, str, Config], Any]:
    def draw(name: str, key: str, config: Config) -> Any:
        before = getattr(config, name)
        known = list(dict.fromkeys([*options(config), before]))
        return st.selectbox(FIELDS[name].label, known, format_func=words, **MEMORY.held(key, before))

    return draw


def _number(low: float, high: float) -> Callable[[str, str, Config], Any]:
    def draw(name: str, key: str, config: Config) -> Any:
        before = float(getattr(config, name))
        value = st.number_input(FIELDS[name].label, low, high, step=None, format="%g", **MEMORY.held(key, before))
        return before if value is None else float(value)

    return draw


def _whole(low: int, high: int) -> Callable[[str, str, Config], Any]:
    def draw(name: str, key: str, config: Config) -> Any:
        value = st.number_input(FIELDS[name].label, low, high, step=1, **MEMORY.held(key, getattr(config, name)))
        return getattr(config, name) if value is None else int(value)

    return draw


def _units(name: str, key: str, config: Config) -> Any:
    text = st.text_input("Hidden units", help="Of each layer, for example 8, 8.", **MEMORY.held(key, ", ".join(map(str, config.hidden))))
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise SpecError(f"Found the hidden units {text[:40]!r}; expected whole numbers with commas between, for example 8, 8.")
    return tuple(int(part) for part in parts)


def _bends(name: str, key: str, config: Config) -> Any:
    if len(config.activations) > 1:
        return config.activations
    known = list(dict.fromkeys([*HIDDEN, *config.activations]))
    return (st.selectbox("Activation", known, format_func=words, **MEMORY.held(key, config.activations[0])),)


FIELDS: Mapping[str, Field] = {
    "optimizer": Field("Optimizer", _choice(lambda c: list(OPTIMIZERS))),
    "learning_rate": Field("Learning rate", _number(1e-9, 1e6)),
    "initializer": Field("First weights", _choice(lambda c: list(INITIALIZERS))),
    "hidden": Field("Hidden units", _units),
    "activations": Field("Activation", _bends),
    "batch": Field("Batch size, 0 for all", _whole(0, MAX_POINTS)),
    "schedule": Field("Rate over time", _choice(lambda c: list(SCHEDULES))),
    "clip": Field("Clipping", _choice(lambda c: list(CLIPPINGS))),
    "clip_at": Field("Bound of clipping", _number(1e-9, MAX_CLIP)),
    "l2": Field("L2 penalty", _number(0.0, 10.0)),
    "dropout": Field("Dropout", _number(0.0, 0.9)),
    "loss": Field("Loss", _choice(lambda c: losses_for(c.task))),
    "seed": Field("Seed of the weights", _whole(0, BIGGEST_SEED)),
}
SIDE = ("hidden", "activations", "optimizer", "learning_rate", "initializer", "batch")


def starts() -> None:
    """The races worth seeing, and the reason for the one that is chosen."""
    race = MEMORY.chosen
    name = start_of(race)
    titles = {each: f":material/{start.icon}: {start.title}" for each, start in STARTS.items()}
    MEMORY.offer("Race", titles, name, lambda each: STARTS[each].race)
    own = "**Your own race.** A copy of this page's address gives the same one, number for number."
    st.markdown(f"**{STARTS[name].title}.** {STARTS[name].why}" if name is not None else own)


def differ() -> None:
    """What the lanes differ in, and how many there are."""
    race = MEMORY.chosen
    known = list(dict.fromkeys([*FIELDS, *race.differ]))
    st.session_state["race.differ"] = list(race.differ)
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    with left:
        st.multiselect("Lanes differ in", known, format_func=_label, key="race.differ", on_change=_take_differ)
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        more, fewer = len(race.lanes) < MOST_LANES, len(race.lanes) > 2
        st.button("Lane", icon=":material/add:", on_click=_add, disabled=not more, help="One lane more, like the last.")
        st.button("Lane", icon=":material/remove:", key="race.fewer", on_click=_drop, disabled=not fewer, help="The last lane goes.")


def _label(name: str) -> str:
    return FIELDS[name].label.partition(",")[0] if name in FIELDS else words(name)


def _take_differ() -> None:
    found = st.session_state.get("race.differ") or []
    race = MEMORY.chosen
    MEMORY.load(race.differing_in(tuple(dict.fromkeys(found))))
    MEMORY.touch()


def _add() -> None:
    race = MEMORY.chosen
    MEMORY.load(Race(race.differ, (*race.lanes, race.lanes[-1])))
    MEMORY.touch()


def _drop() -> None:
    race = MEMORY.chosen
    MEMORY.load(Race(race.differ, race.lanes[:-1]))
    MEMORY.touch()


def settings(side: Any) -> Race:
    """Draw all settings, the shared ones into `side`, and give the race that they describe."""
    return MEMORY.settle(lambda before: _drawn(before, side))


def _drawn(race: Race, side: Any) -> Race:
    with side:
        shared = _shared(race)
    if not race.differ:
        return Race((), tuple(shared for _ in race.lanes))
    lanes = []
    for number, (column, lane) in enumerate(zip(st.columns(len(race.lanes)), race.lanes, strict=True)):
        with column.container(border=True):
            st.markdown(f"**Lane {LETTERS[number]}**")
            own = {name: _own(name, f"{LETTERS[number]}.{name}", lane) for name in race.differ}
        lanes.append(replace(shared, **own))
    return Race(race.differ, tuple(lanes))


def _own(name: str, key: str, lane: Config) -> Any:
    if name in FIELDS:
        return FIELDS[name].draw(name, key, lane)
    st.caption(f"{words(name)}: {getattr(lane, name)}")
    return getattr(lane, name)


def _shared(race: Race) -> Config:
    """What all lanes share."""
    config = race.shared
    names = [*DATASETS, *([OWN] if config.data == OWN else [])]
    data = st.selectbox("Data", names, format_func=_data_title, **MEMORY.held("data", config.data))
    if data != config.data:
        config = with_data(config, data)
    noise = st.slider("Noise", 0.0, float(MAX_NOISE), step=1.0, format="%g %%", **MEMORY.held("noise", float(config.noise)))
    points = config.points if config.data == OWN else _points(config)
    config = replace(config, noise=float(noise), points=points, batch=min(config.batch, points))
    return replace(config, **{name: FIELDS[name].draw(name, name, config) for name in SIDE if name not in race.differ})


def _points(config: Config) -> int:
    value = st.number_input("Data points", MIN_POINTS, MAX_POINTS, step=1, **MEMORY.held("points", config.points))
    return config.points if value is None else int(value)


def _data_title(name: str) -> str:
    return "Your own rows" if name == OWN else DATASETS[name].title
