"""Pictures of the gradient check: how far differences can be trusted, and where an absolute bound goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dosegrade.nn.gradcheck import BEST, KINDS, RULE, Measured, Trial
from dosegrade.web.working_tex import plain

COLORS = ("#e8590c", "#7d8b91", "#b7791f")
RIGHT, WRONG = "#0f8f88", "#e8590c"
LEAST, MOST = 1e-16, 10.0
TALL = 340
TICKS = [10.0**-k for k in range(0, 17, 2)]
POWER = "datum.value == 1 ? '1' : '1e' + round(log(datum.value) / LN10)"


def _data(values: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=values)


def _powers(title: str, low: float, high: float) -> dict[str, Any]:
    axis = alt.Axis(title=title, values=[tick for tick in TICKS if low <= tick <= high], labelExpr=POWER, grid=True, gridOpacity=0.35)
    return {"scale": alt.Scale(type="log", domain=[low, high], clamp=True), "axis": axis}


def trust(sweep: Sequence[Measured]) -> alt.LayerChart:
    """The relative error of each kind of difference against ε, and the two ε that are talked about."""
    values = [{"ε": m.epsilon, "error": min(max(m.relative, LEAST), 1.0), "kind": m.kind, "value": plain(m.value)} for m in sweep]
    x = alt.X("ε:Q", **_powers("ε", 1e-12, 0.1), sort="descending")
    y = alt.Y("error:Q", **_powers("relative error", LEAST, 1.0))
    color = alt.Color("kind:N").scale(domain=list(KINDS), range=list(COLORS)).legend(title=None, orient="top", columns=2)
    tips = [alt.Tooltip("kind:N"), alt.Tooltip("ε:Q", format=".1e"), alt.Tooltip("error:Q", format=".1e"), alt.Tooltip("value:N")]
    lines = alt.Chart(_data(values)).mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=14)).encode(x, y, color, tooltip=tips)
    marks = [{"ε": BEST, "text": "best", "turn": "right"}, {"ε": RULE, "text": "1e-7", "turn": "left"}]
    base = alt.Chart(_data(marks)).encode(alt.X("ε:Q"))
    rules = base.mark_rule(strokeDash=[4, 4], color="gray", strokeWidth=1.3)
    low = base.encode(y=alt.datum(LEAST * 4), text="text:N")
    left = low.mark_text(align="right", dx=-5, fontSize=12.5, color="gray").transform_filter("datum.turn == 'right'")
    right = low.mark_text(align="left", dx=5, fontSize=12.5, color="gray").transform_filter("datum.turn == 'left'")
    made: alt.LayerChart = (rules + lines + left + right).properties(height=TALL)
    return made


def trust_told(sweep: Sequence[Measured], weight: str) -> str:
    """The chart in words."""
    parts = []
    for kind in KINDS:
        best = min((m for m in sweep if m.kind == kind), key=lambda m: m.relative)
        parts.append(f"{kind} at best {best.relative:.0e} at ε {best.epsilon:.0e}")
    return f"Relative error of difference quotients for {weight} against ε from 1e-1 to 1e-12: {'; '.join(parts)}."


def verdicts(trials: Sequence[Trial]) -> alt.LayerChart:
    """Each hand-in at its largest difference; left of the bound the rule accepts it."""
    values: list[dict[str, Any]] = [
        {"name": t.name, "gap": max(t.gap, 1e-12), "truth": "right" if t.right else "wrong", "says": rule_says(t)} for t in trials
    ]
    names = [v["name"] for v in values]
    lines = {t.name: [*t.title.split(": "), f"→ {rule_says(t)}"] for t in trials}
    label = " : ".join([*(f"datum.value == {name!r} ? {text!r}" for name, text in lines.items()), "''"])
    x = alt.X("gap:Q", **_powers("largest |difference|", 1e-12, 1e-4))
    y = alt.Y("name:N", sort=names).axis(
        title=None, labelExpr=label, labelLimit=300, labelOverlap=False, ticks=False, domain=False, labelPadding=12
    )
    kinds = ["right", "wrong"]
    color = alt.Color("truth:N").scale(domain=kinds, range=[RIGHT, WRONG]).legend(title=None, orient="top")
    shape = alt.Shape("truth:N").scale(domain=kinds, range=["circle", "cross"]).legend(title=None, orient="top")
    tips = [alt.Tooltip("truth:N", title="the gradient is"), alt.Tooltip("gap:Q", format=".1e"), alt.Tooltip("says:N", title="the rule")]
    dots = alt.Chart(_data(values)).mark_point(filled=True, size=190, opacity=1).encode(x=x, y=y, color=color, shape=shape, tooltip=tips)
    zone = alt.Chart(_data([{"low": 1e-12, "gap": RULE}])).mark_rect(color=RIGHT, opacity=0.09).encode(x="low:Q", x2="gap:Q")
    bound = alt.Chart(_data([{"gap": RULE}])).mark_rule(strokeDash=[4, 4], strokeWidth=1.6, color="gray").encode(x="gap:Q")
    made: alt.LayerChart = (zone + bound + dots).properties(height=66 * len(trials) + 110)
    return made


def rule_says(trial: Trial) -> str:
    """The rule's verdict, and whether it is one to be glad of."""
    return ("accepted" if trial.accepted else "rejected") + ("" if trial.accepted == trial.right else " – mistaken")


def verdicts_told(trials: Sequence[Trial]) -> str:
    """The chart in words."""
    return "Verdicts of the rule |difference| < 1e-7. " + " ".join(f"{t.title}: {t.gap:.0e}, {rule_says(t)}." for t in trials)
