"""The controls of the playground: widgets in, one Config out. What stands in the widgets is kept in the session under `set.<field>`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from dosegrade.data import DATASETS, MAX_NOISE, MAX_POINTS, MIN_POINTS, OWN, SCALINGS, Source, features, features_of
from dosegrade.nn.activations import HIDDEN
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.config import MAX_DECAY_STEPS, MAX_EPOCHS, SUITED, losses_for
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import MAX_HIDDEN, MAX_WIDTH, PRESETS, Config
from dosegrade.web import gallery, own_rows
from dosegrade.web.link import preset_of

PREFIX, TOLD = "set.", "preset.told"
BIGGEST_SEED = 2**32 - 1
NEW_WIDTH = 8
POINTS_OF_A_PLANE = 250
SHORT = {
    "default": ":material/check_circle: A good first run",
    "monotone": ":material/trending_flat: One unit a layer",
    "two-units": ":material/add_circle: One unit more",
    "circle": ":material/trip_origin: A circle",
    "spirals": ":material/cyclone: Two spirals",
}
GROUPS = {
    "Width and depth": ("one-two-one", "ceiling"),
    "Two classes": ("xor", "product", "spirals-narrow"),
    "When it goes wrong": ("raw-dose", "diverges", "dead-relu", "weight-decay"),
}


def words(name: str) -> str:
    """A registry's name in plain words."""
    return name.replace("_", " ")


def load(config: Config) -> None:
    """Put a configuration into the widgets. Only before they are drawn, or in a callback."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]
    st.session_state["config"] = config


def chosen() -> Config:
    """The last configuration that could be trained with."""
    config = st.session_state.get("config")
    return config if isinstance(config, Config) else PRESETS["default"].config


def settings_now() -> Config:
    """What the controls show: the settings at the end of the run's story, without the story."""
    return chosen().now


def presets() -> None:
    """The presets: the first ones in a row, the others behind a button, by what they show."""
    row, more = st.columns([6, 1], vertical_alignment="center")
    with row:
        _preset_pills("preset", "Start from", tuple(SHORT), hidden=True)
    with more.popover("More", icon=":material/lightbulb:", width="stretch"):
        for number, (title, names) in enumerate(groups().items()):
            _preset_pills(f"preset.{number}", title, names)


def groups() -> dict[str, tuple[str, ...]]:
    """The presets that are not in the first row, by what they show."""
    told = {*SHORT, *(name for names in GROUPS.values() for name in names)}
    rest = tuple(name for name in PRESETS if name not in told)
    return {**GROUPS, "And": rest} if rest else GROUPS


def _preset_pills(key: str, label: str, names: tuple[str, ...], hidden: bool = False) -> None:
    now = st.session_state[TOLD] = preset_of(chosen())
    st.session_state[key] = now if now in names else None
    shown: Literal["collapsed", "visible"] = "collapsed" if hidden else "visible"
    st.pills(label, names, format_func=preset_title, key=key, on_change=_take_preset, args=(key,), label_visibility=shown)


def preset_title(name: str) -> str:
    """What stands on a preset's pill."""
    return SHORT.get(name, PRESETS[name].title)


def why(config: Config) -> str:
    """One sentence or two: why a preset is worth seeing, or what a network of one's own is."""
    name = preset_of(config)
    if name is not None:
        return f"**{PRESETS[name].title}.** {PRESETS[name].why}"
    layers = "-".join(str(units) for units in (config.network.inputs, *config.hidden, 1))
    return (
        f"**Your own.** A {layers} network, {words(config.now.optimizer)}. "
        "A copy of this page's address gives the same run, number for number."
    )


def stale(config: Config) -> bool:
    """Whether the page tells of another preset than this run is by now."""
    return bool(st.session_state.get(TOLD) != preset_of(config))


def _take_preset(key: str) -> None:
    name = st.session_state.get(key)
    if name is not None:
        load(PRESETS[name].config)
    st.session_state["touched"] = True


def add_unit() -> None:
    """One more unit in the first hidden layer; everything else as it is."""
    config = settings_now()
    load(replace(config, hidden=(config.hidden[0] + 1, *config.hidden[1:])))
    st.session_state["touched"] = True


def settings() -> dict[str, Any]:
    """Draw all controls and give back what they say, not yet checked: the keywords of a Config. The learning rate is in the view."""
    config = settings_now()
    values: dict[str, Any] = {"learning_rate": config.learning_rate}
    values |= _data(config)
    values |= _network(config)
    values |= {
        "optimizer": _choice("Optimizer", "optimizer", OPTIMIZERS, config.optimizer, "Changes under way, too; its memory is emptied.")
    }
    values["batch"] = _whole("Batch size", "batch", config.batch, 0, MAX_POINTS, "Points in a step; 0 takes them all at once.")
    with st.expander("Against overfitting", icon=":material/shield:"):
        values |= _regularisation(config)
    with st.expander("When to stop", icon=":material/flag:"):
        values |= _stops(config)
    with st.expander("Advanced", icon=":material/tune:"):
        values |= _advanced(config)
    return values


def _data(config: Config) -> dict[str, Any]:
    gallery.view(config.data, _take_data)
    values: dict[str, Any] = {"data": config.data}
    values |= own_rows.settings(config, load) if config.data == OWN else {}
    noise = st.slider("Noise", 0.0, float(MAX_NOISE), step=1.0, format="%g %%", **_held("noise", float(config.noise)))
    share = st.slider("Held out for validation", 0.0, 0.5, step=0.05, format="percent", **_held("validation", float(config.validation)))
    return values | {"noise": float(noise), "validation": float(share)}


def _take_data() -> None:
    """Another data set, with what its kind needs: inputs, output and loss; everything else as it is."""
    name, config = gallery.picked(), settings_now()
    if name is not None and name != config.data:
        load(with_data(config, name))
        st.session_state["touched"] = True


def with_data(config: Config, name: str) -> Config:
    """The same network on other data; inputs, output and loss change where the kind of the data does."""
    if name == OWN:
        return own_rows.placed(config, own_rows.FIRST, "regression")
    source = DATASETS[name]
    features = config.features if source.dimensions == config.source.dimensions else ()
    output, loss = (config.output, config.loss) if source.task == config.task else SUITED[source.task]
    points = POINTS_OF_A_PLANE if source.dimensions == 2 and config.source.dimensions == 1 else config.points
    return replace(config, data=name, features=features, output=output, loss=loss, points=points)


def _network(config: Config) -> dict[str, Any]:
    source = config.source
    values: dict[str, Any] = {"features": _features(source, config.features)}
    count = _whole("Hidden layers", "depth", len(config.hidden), 0, MAX_HIDDEN, "Layers between input and output. Starts the run anew.")
    widths = []
    if count:
        for row in range(0, count, 3):
            for column, index in zip(st.columns(3, gap="xsmall"), range(row, min(row + 3, count)), strict=False):
                before = config.hidden[index] if index < len(config.hidden) else NEW_WIDTH
                with column:
                    widths.append(_whole(f"Units {index + 1}", f"width{index}", before, 1, MAX_WIDTH))
    return values | {"hidden": tuple(widths), "activations": _activations(config, count)}


def _features(source: Source, before: tuple[str, ...]) -> tuple[str, ...]:
    known, usual = features_of(source), features.base(source)
    called = dict(zip(known, features.titles(source, known), strict=False))
    field = f"features{source.dimensions}"
    if not st.session_state.get(PREFIX + field, True):
        del st.session_state[PREFIX + field]
    held = _held(field, list(before or usual))
    found = st.pills("Inputs", known, format_func=called.__getitem__, selection_mode="multi", help="What the network is fed.", **held)
    return tuple(name for name in known if name in found) or usual


def _activations(config: Config, count: int) -> tuple[str, ...]:
    if not count:
        return config.activations
    each = len(config.activations) > 1
    held = st.session_state.get(f"{PREFIX}each", each)
    if held and count > 1:
        before = config.activations if each else config.activations * count
        return tuple(
            _choice(f"Activation {i + 1}", f"activation{i}", HIDDEN, before[i] if i < len(before) else before[-1]) for i in range(count)
        )
    return (_choice("Activation", "activation", HIDDEN, config.activations[0]),)


def _regularisation(config: Config) -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["l1"] = _number("L1 penalty", "l1", config.l1, "Adds l1 · Σ|w| to the loss: small weights become 0.")
    values["l2"] = _number("L2 penalty", "l2", config.l2, "Adds l2 · Σw² to the loss: large weights shrink.")
    values["dropout"] = st.slider("Dropout", 0.0, 0.9, step=0.05, **_held("dropout", float(config.dropout)))
    return values


def _stops(config: Config) -> dict[str, Any]:
    st.caption("The run pauses where one of these holds; 0 for never.")
    return {
        "stop_epochs": _whole("After so many epochs", "stop_epochs", config.stop_epochs, 0, MAX_EPOCHS),
        "stop_loss": _number("Where the loss is at most", "stop_loss", config.stop_loss),
        "patience": _whole("After epochs without a better loss", "patience", config.patience, 0, MAX_EPOCHS),
    }


def _advanced(config: Config) -> dict[str, Any]:
    if len(config.hidden) > 1 or st.session_state.get(f"{PREFIX}depth", 0) > 1:
        st.toggle("An activation for each layer", **_held("each", len(config.activations) > 1))
    values: dict[str, Any] = {"loss": _choice("Loss", "loss", losses_for(config.task), config.loss)}
    values["output"] = _choice("Output activation", "output", HIDDEN, config.output)
    values["hyper"] = _hyper(config)
    values |= _steps(config)
    if config.data != OWN:
        values["points"] = _whole("Data points", "points", config.points, MIN_POINTS, MAX_POINTS)
    values["scale_dose"] = _choice("Scaling of the inputs", "scale_dose", SCALINGS, config.scale_dose)
    if config.task == "regression":
        values["scale_effect"] = _choice("Scaling of the target", "scale_effect", SCALINGS, config.scale_effect)
    values["initializer"] = _choice("First weights", "initializer", INITIALIZERS, config.initializer)
    values["seed"] = _whole("Seed of the weights", "seed", config.seed, 0, BIGGEST_SEED, "The same seed gives the same run, bit for bit.")
    values["data_seed"] = _whole("Seed of the data", "data_seed", config.data_seed, 0, BIGGEST_SEED)
    return values


def _steps(config: Config) -> dict[str, Any]:
    """How large steps are: a schedule of the learning rate, a bound of the gradient."""
    schedule = _choice("Learning rate over time", "schedule", SCHEDULES, config.schedule)
    values: dict[str, Any] = {"schedule": schedule, "decay_steps": config.decay_steps, "decay_rate": config.decay_rate}
    if schedule != "constant":
        values["decay_steps"] = _whole("Decay steps", "decay_steps", config.decay_steps, 1, MAX_DECAY_STEPS, "In updates, not epochs.")
        values["decay_rate"] = _number("Decay rate", "decay_rate", config.decay_rate)
    clip = _choice("Clipping of the gradient", "clip", CLIPPINGS, config.clip)
    return values | {"clip": clip, "clip_at": config.clip_at if clip == "none" else _number("Bound of clipping", "clip_at", config.clip_at)}


def _hyper(config: Config) -> tuple[tuple[str, float], ...]:
    name = st.session_state.get(f"{PREFIX}optimizer", config.optimizer)
    given: Mapping[str, float] = dict(config.hyper) if name == config.optimizer else {}
    found = []
    for key, usual in OPTIMIZERS[name].hyper.items():
        value = st.number_input(words(key), format="%g", step=None if usual < 0.01 else 0.01, **_held(key, float(given.get(key, usual))))
        if value is not None and not math.isclose(value, usual, rel_tol=1e-12):
            found.append((key, float(value)))
    return tuple(sorted(found))


def _whole(label: str, field: str, before: int, low: int, high: int, note: str | None = None) -> int:
    value = st.number_input(label, low, max(high, before), step=1, help=note, **_held(field, before))
    return before if value is None else int(value)


def _number(label: str, field: str, before: float, note: str | None = None) -> float:
    value = st.number_input(label, step=None, format="%g", help=note, **_held(field, float(before)))
    return before if value is None else float(value)


def _choice(label: str, field: str, known: Iterable[str], before: str, note: str | None = None, titles: Any = words) -> str:
    options = list(dict.fromkeys([*known, before]))
    return str(st.selectbox(label, options, format_func=titles, help=note, **_held(field, before)))


def _held(field: str, value: Any) -> dict[str, Any]:
    """Keywords that tie a widget to the session; where the session holds nothing yet, it takes `value`."""
    key = PREFIX + field
    st.session_state.setdefault(key, value)
    return {"key": key, "on_change": _touch}


def _touch() -> None:
    st.session_state["touched"] = True
