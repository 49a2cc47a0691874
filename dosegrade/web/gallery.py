"""The data sets as thumbnails to choose from: drawn from the data themselves, in a row for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dosegrade.data import DATASETS, OWN, Source, sample
from dosegrade.web.assets import asset

Array = NDArray[Any]
KEY = "gallery"
SIDE, EDGE = 40.0, 5.0
POINTS, TILES = 76, 8
OWN_TITLE = "Your own rows"
TABLE = '<path class="table" d="M8 10h24v20H8zM8 17h24M16 10v20M24 10v20M8 23.5h24"/>'


_COMPONENT = st.components.v2.component(
    "dosegrade_gallery", html='<div class="gallery"></div>', css=asset("gallery.css"), js=asset("gallery.js")
)


def view(chosen: str, on_pick: Callable[[], None]) -> None:
    """Mount the thumbnails; `picked` tells in `on_pick` which one was pressed."""
    _COMPONENT(key=KEY, data={"html": gallery(), "chosen": chosen, "title": title(chosen)}, on_pick_change=on_pick)


def picked() -> str | None:
    """The data set that was pressed in this rerun."""
    state: Mapping[str, Any] = st.session_state.get(KEY) or {}
    told = state.get("pick")
    name = told.get("name") if isinstance(told, Mapping) else None
    return name if name in (*DATASETS, OWN) else None


def title(name: str) -> str:
    """What a data set is called."""
    return OWN_TITLE if name == OWN else DATASETS[name].title


@cache
def gallery() -> str:
    """All thumbnails as radio buttons, a row for each kind of data."""
    groups: dict[str, list[str]] = {}
    for name, source in DATASETS.items():
        groups.setdefault(source.group, []).append(_item(name, thumbnail(source)))
    groups.setdefault("functions", []).append(_item(OWN, TABLE))
    rows = "".join(f'<h4>{_heading(group)}</h4><div class="row">{"".join(items)}</div>' for group, items in groups.items())
    return f'<p>Data: <b class="chosen"></b></p><div role="radiogroup" aria-label="Data">{rows}</div>'


def _heading(group: str) -> str:
    return {"classes": "Two classes", "functions": "Functions, and your own rows"}.get(group, group.capitalize())


def _item(name: str, picture: str) -> str:
    called = escape(title(name), quote=True)
    radio = f'<input type="radio" name="data" value="{name}" aria-label="{called}">'
    return f'<label title="{called}">{radio}<svg viewBox="0 0 {SIDE:g} {SIDE:g}" aria-hidden="true">{picture}</svg></label>'


def thumbnail(source: Source) -> str:
    """A curve, points in two colours, or a surface as tiles."""
    if source.dimensions == 1:
        return _curve(source)
    return _points(source) if source.task == "classification" else _tiles(source)


def _spread(values: Array, low: float, high: float) -> Array:
    """Onto the picture, EDGE kept free."""
    return np.asarray(EDGE + (values - low) / (high - low) * (SIDE - 2 * EDGE))


def _curve(source: Source) -> str:
    drawn = sample(source, 5, 0.0, 0)
    x, y = drawn.curve_x[::4], drawn.curve_truth[::4]
    across, up = _spread(x, *source.bounds[0]), SIDE - _spread(y, float(y.min()), float(y.max()))
    return '<polyline class="curve" points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True)) + '"/>'


def _points(source: Source) -> str:
    drawn = sample(source, POINTS, 0.0, 1)
    across, up = (_spread(drawn.x[:, i], *source.bounds[i]) for i in range(2))
    kinds = ("minus", "plus")
    marks = zip(across, SIDE - up, drawn.y[:, 0], strict=True)
    return "".join(f'<circle class="{kinds[int(y)]}" cx="{a:.1f}" cy="{b:.1f}" r="1.5"/>' for a, b, y in marks)


def _tiles(source: Source) -> str:
    values = source.truth(sample(source, 5, 0.0, 0).grid(TILES))[:, 0] / max(abs(source.span[0]), abs(source.span[1]))
    step = SIDE / TILES
    return "".join(
        f'<rect class="{"plus" if v > 0 else "minus"}" x="{(k % TILES) * step:g}" y="{SIDE - (k // TILES + 1) * step:g}" '
        f'width="{step:g}" height="{step:g}" opacity="{min(1.0, abs(v)):.2f}"/>'
        for k, v in enumerate(values.tolist())
    )
