"""The dose page: the curves with their regions as a chart, what is read off them as a table and in sentences, the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import streamlit as st

from dosegrade.data import DATASETS
from dosegrade.nn.activations import HIDDEN
from dosegrade.nn.readings import REGIONS, Reading
from dosegrade.web.controls import words
from dosegrade.web.dose import (
    CASES,
    CURVES,
    DEFAULT,
    DOSES,
    EPOCHS,
    MOST_NOISE,
    MOST_SEED,
    PATIENT,
    WIDTHS,
    Fit,
    Study,
    case_of,
    examples,
    from_query,
    to_query,
)
from dosegrade.web.memory import Memory

MEMORY = Memory("dose", DEFAULT, from_query, to_query, "curve")
LOW, ZERO, HIGH, HEIGHT = -100.0, -20.0, 130.0, 420
TRUTH, NETWORK, RAW = "the toy's own curve", "the network", "the network, raw doses"
INKS = {TRUTH: "#7d8b91", NETWORK: "#e8590c", RAW: "#8b6fd6"}


def cases() -> None:
    """The experiments, and what is worth seeing in the one that is chosen."""
    case = case_of(MEMORY.chosen)
    titles = {name: f":material/{entry.icon}: {entry.title}" for name, entry in CASES.items()}
    MEMORY.offer("Experiment", titles, case.name if case else None, lambda name: CASES[name].study)
    own = "**Your own.** A copy of this page's address shows the same."
    st.markdown(f"**{case.title}.** {case.why}" if case else own)


def settings() -> Study:
    """Draw the settings and give the study that they describe."""
    return MEMORY.settle(lambda before: replace(before, **_drawn(before)))


def _drawn(study: Study) -> dict[str, Any]:
    values: dict[str, Any] = {
        "curve": st.selectbox("Toy curve", CURVES, format_func=lambda name: DATASETS[name].title, **MEMORY.held("curve", study.curve))
    }
    values["network"] = st.selectbox(
        "Network", list(WIDTHS), help="Units by layer, from dose to effect.", **MEMORY.held("network", study.network)
    )
    values["activation"] = st.selectbox("Activation", HIDDEN, format_func=words, **MEMORY.held("activation", study.activation))
    values["epochs"] = st.select_slider("Epochs", EPOCHS, **MEMORY.held("epochs", study.epochs))
    values["noise"] = st.slider("Noise", 0.0, MOST_NOISE, step=1.0, format="%g %%", **MEMORY.held("noise", float(study.noise)))
    values["raw"] = st.toggle("Beside it: raw doses", help="A second network, the dose not normalised.", **MEMORY.held("raw", study.raw))
    if values["curve"] == "patient":
        for name, (label, low, high, _) in zip(PATIENT, DATASETS["patient"].others, strict=True):
            values[name] = st.slider(label.capitalize(), low, high, step=1.0, format="%g", **MEMORY.held(name, float(getattr(study, name))))
    seed = st.number_input("Seed", 0, MOST_SEED, step=1, help="Draws the first weights.", **MEMORY.held("seed", study.seed))
    return values | {"seed": study.seed if seed is None else int(seed)}


def chart(study: Study, curves: dict[str, Any]) -> alt.LayerChart:
    """Effect against dose: the examples, each curve in its colour, the regions as bands."""
    x = alt.X("dose:Q").title("dose (mg)").scale(domain=[0, float(DOSES[-1])], nice=False).axis(grid=False, values=list(range(0, 151, 25)))
    low = LOW if min(float(np.min(line)) for line in curves.values()) < ZERO else ZERO
    y = alt.Y("effect:Q").title("effect (%)").scale(domain=[low, HIGH], nice=False)
    bands: list[dict[str, Any]] = [{"from": low, "to": high, "name": name} for name, low, high in REGIONS]
    ground = (
        alt.Chart(alt.InlineData(values=[bands[1], bands[3]]))
        .mark_rect(opacity=0.09, color="#7d8b91")
        .encode(x=alt.X("from:Q").title("dose (mg)"), x2="to:Q")
    )
    names = (
        alt.Chart(alt.InlineData(values=[{**band, "at": (band["from"] + band["to"]) / 2} for band in bands]))
        .mark_text(baseline="top", dy=4, fontSize=11, lineBreak=" ", color="#7d8b91")
        .encode(x="at:Q", y=alt.value(0), text="name:N")
    )
    doses, effects = examples(study)
    dots = [{"dose": float(d), "effect": float(e)} for d, e in zip(doses, effects, strict=True)]
    points = alt.Chart(alt.InlineData(values=dots)).mark_circle(size=24, opacity=0.4, color="gray", clip=True).encode(x, y)
    rows = [
        {"dose": float(d), "effect": float(e), "of": name}
        for name, line in curves.items()
        for d, e in zip(DOSES, np.clip(line, low - 40, HIGH + 40), strict=True)
    ]
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=3, symbolSize=260)  # one for both: colour and dash
    color = alt.Color("of:N", legend=legend).scale(domain=list(curves), range=[INKS[name] for name in curves])
    dash = alt.StrokeDash("of:N", legend=legend).scale(domain=list(curves), range=[[6, 4] if name == TRUTH else [1, 0] for name in curves])
    tips = [alt.Tooltip("of:N"), alt.Tooltip("dose:Q", format=".1f"), alt.Tooltip("effect:Q", format=".1f")]
    lines = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=2.6, clip=True).encode(x, y, color, dash, tooltip=tips)
    made: alt.LayerChart = alt.LayerChart(layer=[ground, points, lines, names]).properties(height=HEIGHT)
    return made


def told(readings: dict[str, Reading]) -> str:
    """The chart in a sentence."""
    parts = [f"{name} {reading.words}, highest at {reading.peak_dose:g} mg" for name, reading in readings.items()]
    return "Effect against dose from 0 to 150 mg: " + "; ".join(parts) + "."


def table(readings: dict[str, Reading], fits: dict[str, Fit]) -> list[dict[str, str]]:
    """What is read off each curve, a row for each question."""

    def row(question: str, answer: Any) -> dict[str, str]:
        return {"question": question} | {name: answer(name, reading) for name, reading in readings.items()}

    return [
        row("Where is the highest effect?", lambda _, r: f"{r.peak_dose:g} mg"),
        row("How high is it?", lambda _, r: percent(r.peak_effect)),
        row("How does the curve go, 0 to 100 mg?", lambda _, r: r.words),
        row("How much do both sides of the peak differ?", lambda _, r: "no two sides" if np.isnan(r.asymmetry) else points(r.asymmetry)),
        row("What does it say from 75 to 100 mg?", lambda _, r: f"{percent(r.overdose[0])} to {percent(r.overdose[1])}"),
        row("And at 150 mg, which no example showed?", lambda _, r: percent(r.end)),
        row("R² on the examples", lambda name, _: f"{fits[name].r2:.5f}" if name in fits else "–"),
    ]


def percent(effect: float) -> str:
    """An effect with its unit."""
    return f"{effect:.1f}\u00a0%".replace("-", "−")


def points(difference: float) -> str:
    """A difference of effects with its unit."""
    return f"{difference:.1f} points"


def verdicts(true: Reading, fitted: Fit) -> list[str]:
    """What the reading says, in sentences; none says that a dose is good for anybody."""
    seen, said = fitted.reading, []
    if fitted.diverged:
        return [fitted.diverged]
    off = abs(seen.peak_dose - true.peak_dose)
    if not seen.shape:
        said.append(f"**No peak.** The network's curve stays flat: one number, {percent(seen.end)}, for every dose.")
    elif seen.hills == 0:
        said.append(
            f"**No peak.** The network's curve {seen.words} from 0 to 100 mg, so its highest effect, at {seen.peak_dose:g} mg, is only "
            "where the doses end."
        )
    elif off <= 0.5:
        said.append(f"**The peak is found:** {seen.peak_dose:g} mg, the toy's own is {true.peak_dose:g} mg.")
    else:
        said.append(f"**The peak is {off:g} mg off:** {seen.peak_dose:g} mg instead of {true.peak_dose:g} mg.")
    if seen.hills != true.hills:
        said.append(f"**Hills:** the toy has {true.hills}, the network {seen.hills}. A missing hill is not a small error somewhere.")
    wrong = max(abs(seen.overdose[0] - true.overdose[0]), abs(seen.overdose[1] - true.overdose[1]))
    said.append(
        f"**From 75 to 100 mg** the network says {percent(seen.overdose[0])} to {percent(seen.overdose[1])}, the toy "
        f"{percent(true.overdose[0])} to {percent(true.overdose[1])}" + (". " if wrong < 5 else ": look there before you trust a high R². ")
    )
    said.append(
        f"**Beyond 100 mg nobody showed it anything.** At 150 mg it says {percent(seen.end)}, the toy {percent(true.end)}: there the shape "
        "of the units speaks, not the examples."
    )
    return said


def on_raw(raw: Fit) -> str:
    """What became of the network that was given raw doses."""
    if raw.diverged:
        return f"**Raw doses.** {raw.diverged}"
    return f"**Raw doses:** that curve {raw.reading.words}, R² {raw.r2:.3f}. Only the scaling of the dose differs."
