"""Still pictures of one epoch, for reading at leisure and for those who do not see the live canvas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import altair as alt
import numpy as np

from dosegrade.nn.training import Frame
from dosegrade.web.protocol import Scene

HEIGHT, LEVEL = 260, 1e-6  # a curve that moves by less of its size is level, as the live view has it
TONES = ("#e8590c", "#d5d2c8", "#0b7a75")  # of negative, zero and positive
PALE = {"light": ("#f2a888", "#f4f1ea", "#86bdb9"), "dark": ("#9c4a26", "#1b2427", "#1f6d66")}
COLORS = ("#e8590c", "#7d8b91")  # of the network and of the truth: readable on light and on dark ground


def output(header: Mapping[str, Any], scene: Scene, frame: Frame, theme: str | None = None) -> alt.LayerChart:
    """Data and the network's output at one epoch: a curve of one input, a map of two, in the colours of a theme (light or dark)."""
    return surface(header, scene, frame, theme) if header["dimensions"] == 2 else curve(header, scene, frame)


def curve(header: Mapping[str, Any], scene: Scene, frame: Frame) -> alt.LayerChart:
    """Data, the network's curve and, where it is known, the true one."""
    x, y = alt.X("x:Q").title(typeset(header["xLabel"])), alt.Y("y:Q").title(header["yLabel"])
    pairs = zip((*scene["x"], *scene["held_x"]), (*scene["y"], *scene["held_y"]), strict=True)
    points = [{"x": float(a), "y": float(b)} for a, b in pairs]
    truth = rows(scene["curve"], scene["truth"], "true") if "truth" in scene else []
    dots = alt.Chart(_data(points)).mark_circle(opacity=0.4, size=28, color="gray").encode(x, y)
    names = ("network", "true") if truth else ("network",)
    drawn = alt.Chart(_data([*truth, *rows(scene["curve"], frame.curve, "network")])).mark_line(strokeWidth=2.5)
    both: alt.LayerChart = dots + drawn.encode(x, y, of_color(*names), tooltip=tips())
    return both.properties(height=HEIGHT)


def surface(header: Mapping[str, Any], scene: Scene, frame: Frame, theme: str | None = None) -> alt.LayerChart:
    """The output over two inputs as coloured tiles, the data points over it; those held out are hollow."""
    side = math.isqrt(len(frame.surface))
    (left, right), (low, high) = header["bounds"]["x1"], header["bounds"]["x2"]
    wide, tall = (right - left) / (side - 1), (high - low) / (side - 1)
    middles = product(np.linspace(low, high, side).tolist(), np.linspace(left, right, side).tolist())
    tiles = [
        {"x": x - wide / 2, "to_x": x + wide / 2, "y": y - tall / 2, "to_y": y + tall / 2, "output": v}
        for v, (y, x) in zip(frame.surface.tolist(), middles, strict=True)
    ]
    floor, top = header["levels"]
    middle = 0.0 if floor < 0.0 < top else (floor + top) / 2
    tone = alt.Scale(domain=[floor, middle, top], range=list(TONES), clamp=True, interpolate="rgb")
    x = alt.X("x:Q").scale(domain=[left - wide / 2, right + wide / 2], nice=False).title(typeset(header["xLabel"]))
    y = alt.Y("y:Q").scale(domain=[low - tall / 2, high + tall / 2], nice=False).title(typeset(header["x2Label"]))
    pale = alt.Scale(domain=[floor, middle, top], range=list(PALE["dark" if theme == "dark" else "light"]), clamp=True, interpolate="rgb")
    color, edge = alt.Fill("output:Q").scale(pale).title(header["yLabel"]), alt.Stroke("output:Q").scale(pale).legend(None)
    ground = alt.Chart(_data(tiles)).mark_rect(strokeWidth=1).encode(x, y, color, edge, x2="to_x:Q", y2="to_y:Q")
    hollow = alt.FillOpacity("of:O").scale(domain=["training", "held out"], range=[1, 0]).legend(None)
    dots = alt.Chart(_data([*spots(scene, ""), *spots(scene, "held_")])).mark_point(size=24, strokeWidth=1.5, opacity=1, clip=True)
    filled, ring = alt.Fill("output:Q").scale(tone).legend(None), alt.Stroke("output:Q").scale(tone).legend(None)
    drawn = dots.encode(x, y, filled, ring, hollow, tooltip=["of:N", "x:Q", "y:Q", "output:Q"])
    both: alt.LayerChart = alt.layer(ground, drawn).resolve_scale(fill="independent", stroke="independent")
    return both.properties(height=HEIGHT, usermeta={"embedOptions": {"renderer": "canvas"}})


def typeset(label: str) -> str:
    """x1 and x2 as x₁ and x₂."""
    return {"x1": "x₁", "x2": "x₂"}.get(label, label)


def spots(scene: Scene, held: str) -> list[dict[str, Any]]:
    """The data points of two inputs, those held out or the others."""
    columns = (scene[held + name].tolist() for name in ("x", "x2", "y"))
    return [{"x": x, "y": y, "output": v, "of": "held out" if held else "training"} for x, y, v in zip(*columns, strict=True)]


def _data(values: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=values)


def rows(xs: Iterable[float], ys: Iterable[float], name: str) -> list[dict[str, Any]]:
    """One line of a chart."""
    return [{"x": float(x), "y": float(y), "of": name} for x, y in zip(xs, ys, strict=True)]


def of_color(*names: str) -> alt.Color:
    """Colour by line, in this order, the legend on top."""
    color = alt.Color("of:N").scale(domain=list(names), range=list(COLORS[: len(names)]))
    return color.legend(title=None, orient="top") if len(names) > 1 else color.legend(None)


def tips() -> list[alt.Tooltip]:
    """What the pointer shows."""
    return [alt.Tooltip("of:N"), alt.Tooltip("x:Q", format=".3~g"), alt.Tooltip("y:Q", format=".4~g")]


def losses(frames: Sequence[Frame]) -> alt.Chart:
    """Training and validation loss against the epoch, on a log scale."""
    values = [{"epoch": f.epoch, "loss": f.loss, "of": "training"} for f in frames if f.loss > 0]
    held = [{"epoch": f.epoch, "loss": f.validation_loss, "of": "held out"} for f in frames if f.validation_loss > 0]
    color = of_color("training", "held out") if held else of_color("training")
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


def told(header: Mapping[str, Any], frame: Frame) -> str:
    """The output in one sentence."""
    fit = (
        f"R² is {frame.r2:.3f}" if header["task"] == "regression" else f"{frame.accuracy:.1%} of the training points are on the right side"
    )
    if header["optimum"] is None:
        over = header["xLabel"] if header["dimensions"] == 1 else f"{header['xLabel']} and {header['x2Label']}"
        return f"The network's {header['yLabel']} over {over} at epoch {frame.epoch}, with the data points; {fit}."
    level = np.ptp(frame.curve) <= LEVEL * np.abs(frame.curve).max()
    peak = "is level" if level else f"is highest at {frame.peak_dose:.1f} mg"
    true = f"the true one is highest at {header['optimum']:.1f} mg"
    return f"Effect against dose at epoch {frame.epoch}: the network's curve {peak}, {true}; {fit}."
