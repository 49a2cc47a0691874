"""Still pictures of one epoch, for reading at leisure and for those who do not see the live canvas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from dosegrade.nn.training import Frame
from dosegrade.web.protocol import Scene

HEIGHT = 260
COLORS = ("#e8590c", "#7d8b91")  # of the network and of the truth: readable on light and on dark ground


def curve(scene: Scene, frame: Frame) -> alt.LayerChart:
    """Data, true curve and the network's curve at one epoch."""
    x, y = alt.X("dose:Q").title("dose (mg)"), alt.Y("effect:Q").title("effect (%)")
    pairs = zip((*scene["x"], *scene["held_x"]), (*scene["y"], *scene["held_y"]), strict=True)
    points = [{"dose": float(d), "effect": float(e)} for d, e in pairs]
    lines = [*rows(scene["curve"], scene["truth"], "true"), *rows(scene["curve"], frame.curve, "network")]
    dots = alt.Chart(_data(points)).mark_circle(opacity=0.4, size=28, color="gray").encode(x, y)
    drawn = alt.Chart(_data(lines)).mark_line(strokeWidth=2.5).encode(x, y, of_color("network", "true"), tooltip=tips())
    both: alt.LayerChart = dots + drawn
    return both.properties(height=HEIGHT)


def _data(values: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=values)


def rows(doses: Iterable[float], effects: Iterable[float], name: str) -> list[dict[str, Any]]:
    """One line of a chart."""
    return [{"dose": float(d), "effect": float(e), "of": name} for d, e in zip(doses, effects, strict=True)]


def of_color(*names: str) -> alt.Color:
    """Colour by line, in this order, the legend on top."""
    color = alt.Color("of:N").scale(domain=list(names), range=list(COLORS[: len(names)]))
    return color.legend(title=None, orient="top") if len(names) > 1 else color.legend(None)


def tips() -> list[alt.Tooltip]:
    """What the pointer shows."""
    return [alt.Tooltip("of:N"), alt.Tooltip("dose:Q", format=".0f"), alt.Tooltip("effect:Q", format=".1f")]


def losses(frames: Sequence[Frame]) -> alt.Chart:
    """Training and validation loss against the epoch, on a log scale."""
    values = [{"epoch": f.epoch, "loss": f.loss, "of": "training"} for f in frames if f.loss > 0]
    held = [{"epoch": f.epoch, "loss": f.validation_loss, "of": "validation"} for f in frames if f.validation_loss > 0]
    color = of_color("training", "validation") if held else of_color("training")
    tooltip = [alt.Tooltip("of:N"), alt.Tooltip("epoch:Q"), alt.Tooltip("loss:Q", format=".4g")]
    chart = alt.Chart(_data(values + held)).mark_line(strokeWidth=2.5)
    shown = [f.loss for f in frames if f.loss > 0] + [f.validation_loss for f in frames if f.validation_loss > 0] or [0.1, 1.0]
    x = alt.X("epoch:Q").scale(domain=[0, max(1, *(f.epoch for f in frames), 1)])
    y = alt.Y("loss:Q").scale(type="log", domain=[min(shown), max(shown) * 1.01])
    drawn: alt.Chart = chart.encode(x, y, color, tooltip=tooltip)
    return drawn.properties(height=HEIGHT)


def layers(frame: Frame) -> list[dict[str, str]]:
    """Gradient size and saturated share of each layer, as a table."""
    shares = [*(f"{share:.0%}" for share in frame.saturation), "–"]
    names = [*(f"hidden {i + 1}" for i in range(len(shares) - 1)), "output"]
    rows = zip(names, frame.gradient, shares, strict=True)
    return [{"layer": name, "gradient size": f"{size:.3g}", "saturated": share} for name, size, share in rows]


def told(scene: Scene, frame: Frame, optimum: float) -> str:
    """The curve in one sentence."""
    return (
        f"Effect against dose at epoch {frame.epoch}: the network's curve is highest at {frame.peak_dose:.1f} mg, "
        f"the true one at {optimum:.1f} mg; R² is {frame.r2:.3f}."
    )
