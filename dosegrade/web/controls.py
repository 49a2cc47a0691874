"""The controls of the playground: widgets in, one Config out. What stands in the widgets is kept in the session under `set.<field>`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from dosegrade.data import DATASETS, MAX_NOISE, MAX_POINTS, MIN_POINTS, SCALINGS
from dosegrade.nn.activations import ACTIVATIONS
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.training import MAX_HIDDEN, MAX_WIDTH, PRESETS, Config
from dosegrade.web.link import preset_of

PREFIX = "set."
BIGGEST_SEED = 2**32 - 1
NEW_WIDTH = 8
SHORT = {
    "default": ":material/check_circle: A good first run",
    "monotone": ":material/trending_flat: One unit a layer",
    "two-units": ":material/add_circle: One unit more",
    "raw-dose": ":material/straighten: Raw doses",
    "diverges": ":material/trending_up: Too large steps",
}
NAMES = {"mean_squared_error": "mean squared error", "mean_absolute_error": "mean absolute error", "two_peaks": "two peaks"}


def words(name: str) -> str:
    """A registry's name in plain words."""
    return NAMES.get(name, name.replace("_", " "))


def load(config: Config) -> None:
    """Put a configuration into the widgets. Only before they are drawn, or in a callback."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]
    st.session_state["config"] = config


def chosen() -> Config:
    """The last configuration that could be trained with."""
    config = st.session_state.get("config")
    return config if isinstance(config, Config) else PRESETS["default"].config


def presets() -> None:
    """The presets, and the reason for the one that is chosen."""
    config = chosen()
    st.session_state["preset"] = preset_of(config)
    st.pills("Start from", list(PRESETS), format_func=preset_title, key="preset", on_change=_take_preset, label_visibility="collapsed")


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
        f"**Your own.** A {layers} network, {words(config.optimizer)}, learning rate {config.learning_rate:g}. "
        "A copy of this page's address gives the same run, number for number."
    )


def _take_preset() -> None:
    name = st.session_state.get("preset")
    if name is not None:
        load(PRESETS[name].config)
    st.session_state["touched"] = True


def add_unit() -> None:
    """One more unit in the first hidden layer; everything else as it is."""
    from dataclasses import replace

    config = chosen()
    load(replace(config, hidden=(config.hidden[0] + 1, *config.hidden[1:])))
    st.session_state["touched"] = True


def settings() -> dict[str, Any]:
    """Draw all controls and give back what they say, not yet checked: the keywords of a Config. The learning rate is in the view."""
    config = chosen()
    values: dict[str, Any] = {"learning_rate": config.learning_rate}
    values |= _network(config)
    values |= _learning(config)
    values |= _data(config)
    with st.expander("Advanced", icon=":material/tune:"):
        values |= _advanced(config)
    return values


def _learning(config: Config) -> dict[str, Any]:
    return {"optimizer": _choice("Optimizer", "optimizer", OPTIMIZERS, config.optimizer, "Changes under way, too; its memory starts anew.")}


def _network(config: Config) -> dict[str, Any]:
    count = _whole("Hidden layers", "depth", len(config.hidden), 0, MAX_HIDDEN, "Layers between dose and effect. Starts the run anew.")
    widths = []
    if count:
        for row in range(0, count, 3):
            for column, index in zip(st.columns(3, gap="xsmall"), range(row, min(row + 3, count)), strict=False):
                before = config.hidden[index] if index < len(config.hidden) else NEW_WIDTH
                with column:
                    widths.append(_whole(f"Units {index + 1}", f"width{index}", before, 1, MAX_WIDTH))
    return {"hidden": tuple(widths), "activations": _activations(config, count)}


def _activations(config: Config, count: int) -> tuple[str, ...]:
    known = [name for name in ACTIVATIONS if name != "softmax"]
    each = len(config.activations) > 1
    held = st.session_state.get(f"{PREFIX}each", each)
    if held and count > 1:
        before = config.activations if each else config.activations * count
        return tuple(
            _choice(f"Activation {i + 1}", f"activation{i}", known, before[i] if i < len(before) else before[-1]) for i in range(count)
        )
    return (_choice("Activation", "activation", known, config.activations[0]),)


def _data(config: Config) -> dict[str, Any]:
    data = _choice("Data", "data", DATASETS, config.data, "A toy curve: dose in, effect out.", lambda name: DATASETS[name].title)
    noise = st.slider("Noise", 0.0, float(MAX_NOISE), step=1.0, format="%g %%", **_held("noise", float(config.noise)))
    return {"data": data, "noise": float(noise)}


def _advanced(config: Config) -> dict[str, Any]:
    if len(config.hidden) > 1 or st.session_state.get(f"{PREFIX}depth", 0) > 1:
        st.toggle("An activation for each layer", **_held("each", len(config.activations) > 1))
    regression = [name for name, loss in LOSSES.items() if loss.task == "regression"]
    values: dict[str, Any] = {"loss": _choice("Loss", "loss", regression, config.loss)}
    values["hyper"] = _hyper(config)
    values["batch"] = _whole("Batch size", "batch", config.batch, 0, MAX_POINTS, "Points per step; 0 takes them all.")
    values["points"] = _whole("Data points", "points", config.points, MIN_POINTS, MAX_POINTS)
    values["validation"] = st.slider(
        "Held out for validation", 0.0, 0.5, step=0.05, format="percent", **_held("validation", float(config.validation))
    )
    values["dropout"] = st.slider("Dropout", 0.0, 0.9, step=0.05, **_held("dropout", float(config.dropout)))
    values["scale_dose"] = _choice("Scaling of the dose", "scale_dose", SCALINGS, config.scale_dose)
    values["scale_effect"] = _choice("Scaling of the effect", "scale_effect", SCALINGS, config.scale_effect)
    values["initializer"] = _choice("First weights", "initializer", INITIALIZERS, config.initializer)
    outputs = [name for name in ACTIVATIONS if name != "softmax"]
    values["output"] = _choice("Output activation", "output", outputs, config.output)
    values["seed"] = _whole("Seed of the weights", "seed", config.seed, 0, BIGGEST_SEED, "The same seed gives the same run, bit for bit.")
    values["data_seed"] = _whole("Seed of the data", "data_seed", config.data_seed, 0, BIGGEST_SEED)
    return values


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
