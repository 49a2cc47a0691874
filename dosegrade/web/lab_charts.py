"""The lab's pictures: the traces over time, and what one step does to the weights, each with its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dosegrade.web.lab import Lab, Played, parting, visits
from dosegrade.web.put_in import digits

COLORS = ("#0f8f88", "#e8590c")  # the first trace type and the one beside it: readable on light and on dark ground
LABELS = {"true-online": "true online"}
ROW, EDGES = 70, 60
ROOM = 1.5
BOLD: dict[str, Any] = {"labelFontSize": 14, "labelFontWeight": "bold", "labelPadding": 10}
MARK = "#b7791f"


def words(method: str) -> str:
    """A trace type in plain words."""
    return LABELS.get(method, method)


def _data(values: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=values)


def _color(played: Sequence[Played], legend: bool = True) -> alt.Color:
    names = [words(p.method) for p in played]
    color = alt.Color("trace:N").scale(domain=names, range=list(COLORS[: len(names)]))
    return color.legend(title=None, orient="top") if legend and len(names) > 1 else color.legend(None)


def traces(lab: Lab, played: Sequence[Played]) -> alt.LayerChart:
    """The height of each state's trace at every step, a row a state; steps to come are pale, the first difference is marked."""
    top = max(1.0, *(float(p.z.max()) for p in played)) * ROOM
    order = [visit.label for visit in visits(lab)]
    names = [words(p.method) for p in played]
    x = alt.X("at:O", sort=order).axis(title="step and state left", labelAngle=0, ticks=False, domain=False, labelPadding=8)
    letters = alt.Axis(
        values=list(range(lab.k)), labelExpr=f"{list(reversed(lab.states))}[datum.value]", title=None, ticks=False, domain=False, **BOLD
    )
    y = alt.Y("low:Q").scale(domain=[0, lab.k], nice=False).axis(letters)
    base = alt.Chart(_data(_bars(lab, played, top)))
    band = base.mark_rect(color=MARK, opacity=0.25, cornerRadius=4).encode(x=x, y=y, y2="ceiling:Q").transform_filter("datum.apart")
    bars = base.mark_bar(clip=True).encode(
        x=x,
        y=y,
        y2="high:Q",
        xOffset=alt.XOffset("trace:N", sort=names),
        color=_color(played),
        opacity=alt.condition("datum.shown", alt.value(1.0), alt.value(0.2)),
        tooltip=[alt.Tooltip("at:O", title="step"), alt.Tooltip("state:N"), alt.Tooltip("trace:N"), alt.Tooltip("z:Q", format=".4f")],
    )
    tall = base.mark_text(dy=-7, fontSize=11).encode(x=x, y=alt.Y("high:Q"), xOffset=alt.XOffset("trace:N", sort=names), text="label:N")
    made: alt.LayerChart = (band + bars + tall.transform_filter("datum.now")).properties(height=lab.k * ROW + EDGES)
    return made


def _bars(lab: Lab, played: Sequence[Played], top: float) -> list[dict[str, Any]]:
    """A bar for each step, state and trace type; A's row is the highest, and a row is as high as `top`."""
    apart = parting(*played) if len(played) > 1 else None
    return [
        {
            "at": visit.label,
            "state": state,
            "z": float(p.z[visit.step - 1, i]),
            "label": f"{p.z[visit.step - 1, i]:.2f}".rstrip("0").rstrip("."),
            "low": lab.k - 1 - i,
            "high": lab.k - 1 - i + float(p.z[visit.step - 1, i]) / top,
            "ceiling": lab.k - i - 0.02,
            "trace": words(p.method),
            "shown": visit.step <= lab.now,
            "now": visit.step == lab.now and bool(p.z[visit.step - 1, i] > 0),
            "apart": visit.step == apart and visit.state == state and p is played[0],
        }
        for p in played
        for visit in visits(lab)
        for i, state in enumerate(lab.states)
    ]


def traces_told(lab: Lab, played: Sequence[Played]) -> str:
    """The traces at the step shown, in a sentence."""
    if lab.now == 0:
        return "Trace heights of every state over time; before the first step all are zero."
    parts = [
        f"{words(p.method)}: " + ", ".join(f"{s} {digits(z)}" for s, z in zip(lab.states, p.z[lab.now - 1], strict=True)) for p in played
    ]
    return f"Trace heights after step {lab.now}. " + "; ".join(parts) + "."


def moves(lab: Lab, played: Sequence[Played]) -> alt.LayerChart:
    """Every weight before and after the step shown: an arrow from the one to the other."""
    values = []
    for p in played:
        before, after = p.w[max(lab.now - 1, 0)], p.w[lab.now]
        for state, old, new in zip(lab.states, before, after, strict=True):
            turn = 90 if new >= old else 270
            values.append({"state": state, "old": float(old), "new": float(new), "trace": words(p.method), "turn": turn})
    reach = np.concatenate([p.w.ravel() for p in played])
    room = 0.08 * (float(np.ptp(reach)) or 1.0)
    scale = alt.Scale(domain=[float(reach.min()) - room, float(reach.max()) + room], nice=True)
    y = alt.Y("state:N", sort=list(lab.states)).axis(title=None, ticks=False, domain=False, **BOLD)
    offset = alt.YOffset("trace:N", sort=[words(p.method) for p in played])
    tips = [alt.Tooltip("state:N"), alt.Tooltip("trace:N"), alt.Tooltip("old:Q", format=".4f"), alt.Tooltip("new:Q", format=".4f")]
    base = alt.Chart(_data(values)).encode(y=y, yOffset=offset, color=_color(played, legend=False), tooltip=tips)
    line = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("old:Q").scale(scale).axis(title="weight"), x2="new:Q")
    tail = base.mark_point(filled=False, size=50, strokeWidth=2).encode(x=alt.X("old:Q").scale(scale))
    head = base.mark_point(filled=True, size=130, opacity=1, shape="triangle").encode(
        x=alt.X("new:Q").scale(scale), angle=alt.Angle("turn:Q").scale(None)
    )
    made: alt.LayerChart = (line + tail + head.transform_filter("datum.new != datum.old")).properties(height=lab.k * ROW + EDGES)
    return made


def moves_told(lab: Lab, played: Sequence[Played]) -> str:
    """The weights before and after the step shown, in words."""
    if lab.now == 0:
        return (
            "The weights before the first step: " + ", ".join(f"{s} {digits(w)}" for s, w in zip(lab.states, lab.start, strict=True)) + "."
        )
    parts = []
    for p in played:
        pairs = zip(lab.states, p.w[lab.now - 1], p.w[lab.now], strict=True)
        parts.append(f"{words(p.method)}: " + ", ".join(f"{s} from {digits(a)} to {digits(b)}" for s, a, b in pairs))
    return f"What step {lab.now} does to the weights. " + "; ".join(parts) + "."


def table(lab: Lab, p: Played) -> list[dict[str, str]]:
    """Every step as a row: state, reward, δ, the trace, the weights after it; the step shown has an arrow."""
    rows = []
    for visit in visits(lab):
        i = visit.step - 1
        row = {"": "▶" if visit.step == lab.now else "", "step": str(visit.step)}
        row |= {"episode": str(visit.episode)} if len(lab.paths) > 1 else {}
        row |= {"from": visit.state, "to": visit.to or "end", "R": digits(visit.reward), "δ": digits(p.delta[i])}
        row |= {f"z {s}": digits(z) for s, z in zip(lab.states, p.z[i], strict=True)}
        row |= {f"w {s}": digits(w) for s, w in zip(lab.states, p.w[visit.step], strict=True)}
        rows.append(row)
    return rows
