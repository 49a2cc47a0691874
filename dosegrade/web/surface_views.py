"""The landscape page: the map with its walkers as a component, cuts through the start as charts, where everybody arrives as a table."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dosegrade.nn.landscape import WALKERS
from dosegrade.web.assets import asset
from dosegrade.web.surface import SIDE, Land, Slice, Walked, heights_of, plane_of, rough, slices, to_query
from dosegrade.web.working_tex import plain

KEY = "surface"
HEIGHT = 250
LINE, FOLD = "#7d8b91", "#e8590c"
TOOK = 1.5


_COMPONENT = st.components.v2.component(
    "dosegrade_surface", html=asset("surface.html"), css=asset("surface.css"), js=asset("draw.js", "surface_relief.js", "surface.js")
)


def view(land: Land, walked: Sequence[Walked], on_start: Callable[[], None]) -> None:
    """Mount the map; `pressed` tells in `on_start` where it was pressed."""
    _COMPONENT(key=KEY, data=message(land, walked), on_start_change=on_start)


def pressed() -> tuple[float, float] | None:
    """The place that was pressed in this rerun."""
    state: Mapping[str, Any] = st.session_state.get(KEY) or {}
    told = state.get("start")
    if not isinstance(told, Mapping):
        return None
    u, v = told.get("u"), told.get("v")
    return (float(u), float(v)) if isinstance(u, int | float) and isinstance(v, int | float) else None


def packed(values: NDArray[Any]) -> str:
    """Numbers as 32-bit floats in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def message(land: Land, walked: Sequence[Walked]) -> dict[str, Any]:
    """What the browser draws."""
    scene = land.of
    return {
        "id": repr(sorted(to_query(land).items())),
        "axes": list(scene.axes),
        "across": list(scene.across),
        "along": list(scene.along),
        "side": SIDE,
        "grid": packed(heights_of(land)),
        "start": [land.u, land.v],
        "updates": land.updates,
        "walkers": [
            {"name": w.name, "title": w.title, "note": note(land, w.name), "points": packed(w.points), "costs": packed(w.costs)}
            for w in walked
        ],
        "told": told(land),
    }


def note(land: Land, name: str) -> str:
    """How many examples a walker sees at each update."""
    n, batch = len(plane_of(land).x), WALKERS[name].batch
    size = n if batch == 0 else min(land.batch, n) if batch < 0 else batch
    return f"all {n} examples an update" if size == n else "one example an update" if size == 1 else f"{size} examples an update"


def told(land: Land) -> str:
    """The map in a sentence."""
    z, s = heights_of(land), land.of
    j, i = np.unravel_index(int(z.argmin()), z.shape)
    u, v = np.linspace(*s.across, SIDE)[i], np.linspace(*s.along, SIDE)[j]
    return (
        f"Contours of the cost over {s.axes[0]} from {s.across[0]:g} to {s.across[1]:g} and {s.axes[1]} from {s.along[0]:g} to "
        f"{s.along[1]:g}. "
        f"It is lowest near {s.axes[0]} {u:.2f}, {s.axes[1]} {v:.2f}, with {plain(float(z.min()))}, and highest with "
        f"{plain(float(z.max()))}."
    )


def arrivals(land: Land, walked: Sequence[Walked]) -> None:
    """Where everybody is in the end, and how far they looked."""
    if not walked:
        st.markdown("Nobody walks. Choose somebody under **Walkers**.")
        return
    st.header("Who is where in the end", anchor="arrivals")
    st.table(
        arrival_rows(land, walked), border="horizontal", hide_index=True, alt="Every walker's last point, cost and number of examples seen"
    )
    st.caption(
        "An update of gradient descent looks at every example, one of SGD at a single one: with the same number of updates it has done "
        "far less work. "
        "Momentum uses 0.9, Adam 0.9 and 0.999; all have the same learning rate."
    )


def arrival_rows(land: Land, walked: Sequence[Walked]) -> list[dict[str, str]]:
    """A row a walker."""
    n = len(plane_of(land).x)
    best = min(float(heights_of(land).min()), *(float(w.costs.min()) for w in walked))
    rows = []
    for w in walked:
        batch = WALKERS[w.name].batch
        size = n if batch == 0 else min(land.batch, n) if batch < 0 else batch
        near = np.flatnonzero(w.costs <= best * TOOK)
        rows.append(
            {
                "walker": w.title,
                land.of.axes[0]: plain(float(w.points[-1, 0])),
                land.of.axes[1]: plain(float(w.points[-1, 1])),
                "cost": plain(float(w.costs[-1])),
                "near the best at update": str(int(near[0])) if near.size else "never",
                "examples seen": f"{land.updates * size:,}",
            }
        )
    return rows


def cuts(land: Land) -> None:
    """The cost along both axes through the start, with the kinks that are met."""
    st.header("Two cuts through the start", anchor="cuts")
    made = slices(land)
    if rough(land):
        count = sum(len(s.kinks) for s in made)
        st.markdown(
            f"**{count} kinks** on these two lines. At a dot some unit switches on or off for an example, or an example's own error is "
            "zero: the slope "
            "jumps there, and the gradient on one side says nothing about the other."
        )
    else:
        st.markdown("No kinks: this activation and this loss are smooth everywhere. Choose ReLU or the absolute error to fold the surface.")
    for column, one in zip(st.columns(2), made, strict=True):
        with column.container(border=True):
            st.markdown(f"**Along {one.axis}**")
            st.altair_chart(cut_chart(one), alt=cut_told(one))


def cut_chart(one: Slice) -> alt.LayerChart:
    """Cost against one axis; a dot at each kink."""
    thin = slice(None, None, 2)
    line = [{"at": float(a), "cost": float(c)} for a, c in zip(one.at[thin], one.cost[thin], strict=True)]
    dots = [{"at": float(one.at[k : k + 2].mean()), "cost": float(one.cost[k : k + 2].mean())} for k in one.kinks]
    x = alt.X("at:Q").title(one.axis).scale(domain=[float(one.at[0]), float(one.at[-1])], nice=False)
    y = alt.Y("cost:Q").title("cost").scale(zero=True)
    drawn = alt.Chart(alt.InlineData(values=line)).mark_line(strokeWidth=2.5, color=LINE).encode(x, y)
    marks = alt.Chart(alt.InlineData(values=dots)).mark_point(filled=True, size=45, color=FOLD, opacity=1).encode(x=x, y=y)
    made: alt.LayerChart = alt.LayerChart(layer=[drawn, *([marks] if dots else [])]).properties(height=HEIGHT)
    return made


def cut_told(one: Slice) -> str:
    """A cut in a sentence."""
    low = int(one.cost.argmin())
    kinks = f"{len(one.kinks)} kinks" if len(one.kinks) else "no kinks"
    return f"Cost along {one.axis} through the start: lowest {plain(float(one.cost[low]))} at {one.at[low]:.2f}, {kinks}."
