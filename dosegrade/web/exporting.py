"""Take it with you: the run as code, its weights and history as data, its loss as a picture. Nothing is made before it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import streamlit as st

from dosegrade.exports import CODE, DIFFERENCES, parts
from dosegrade.exports.records import history_csv, history_json, weights_csv, weights_json
from dosegrade.nn.network import Params
from dosegrade.nn.training import Frame
from dosegrade.web import charts
from dosegrade.web.session import Run

LIBRARIES = {"numpy": "NumPy", "keras": "Keras", "torch": "PyTorch"}
SHORTEST = 100
PICTURE = (760, 340)
Made = Callable[[], bytes | str]


def show(run: Run) -> None:
    """A folded section with everything that can be taken away from a run."""
    with st.expander("Take it with you", icon=":material/download:"):
        epochs = run.still().epoch or SHORTEST
        st.markdown(f"**The run as code**, a file that trains the same network from the first weights for {epochs:,} epochs, loss by loss.")
        for box, (kind, name) in zip(st.columns(3), LIBRARIES.items(), strict=True):
            with box:
                button(f"{name} code", f"run_{kind}.py", "text/x-python", lambda kind=kind: CODE[kind](run.config, epochs))  # type: ignore[misc]
        for text in notes(run):
            st.caption(text)
        st.markdown("**What was learned and how**")
        weights, history, picture = st.columns(3)
        with weights:
            button("Weights, CSV", "weights.csv", "text/csv", lambda: weights_csv(shown_weights(run)))
            button(
                "Weights, JSON", "weights.json", "application/json", lambda: weights_json(run.config, run.still().epoch, shown_weights(run))
            )
        with history:
            button("History, CSV", "history.csv", "text/csv", lambda: history_csv(run.past()))
            button("History, JSON", "history.json", "application/json", lambda: history_json(run.config, run.past()))
        with picture:
            button("Loss plot, SVG", "loss.svg", "image/svg+xml", lambda: loss_plot(run.past(), "svg"))
            button("Loss plot, PNG", "loss.png", "image/png", lambda: loss_plot(run.past(), "png"))


def button(label: str, file: str, mime: str, made: Made) -> None:
    """One download; pressing it does not disturb the run."""
    st.download_button(label, made, file, mime, key=f"take.{file}", on_click="ignore", width="stretch")


def notes(run: Run) -> list[str]:
    """What a reader has to know before comparing: changes under way, and where a library differs."""
    return [" ".join([f"{name}:", *DIFFERENCES[kind](run.config)]) for kind, name in LIBRARIES.items() if DIFFERENCES[kind](run.config)]


def shown_weights(run: Run) -> Params:
    """The parameters at the epoch on the screen, by name."""
    return parts.plan_of(run.config).views(run.still().theta)


def loss_plot(frames: Sequence[Frame], kind: str) -> bytes:
    """The loss against the epoch as a picture, `svg` or `png`."""
    chart = charts.losses(frames).properties(width=PICTURE[0], height=PICTURE[1], background="white")
    if kind == "svg":
        text = io.StringIO()
        chart.save(text, format="svg")
        return text.getvalue().encode()
    data = io.BytesIO()
    chart.save(data, format="png", scale_factor=2)
    return data.getvalue()
