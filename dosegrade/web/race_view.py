"""What the race page shows: the live component, and the lanes of one epoch as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dosegrade.web.assets import asset
from dosegrade.web.channel import Line
from dosegrade.web.race_run import RaceRun

KEY = "race.live"
EVENTS = ("need", "play", "pause", "reset")
SCRIPTS = ("draw.js", "draw_output.js", "draw_history.js", "message.js", "player.js", "race.js")


_COMPONENT = st.components.v2.component("dosegrade_race", html=asset("race.html"), css=asset("live.css", "race.css"), js=asset(*SCRIPTS))


def view(letter: bytes) -> None:
    """Mount the race with a letter of its line; a message that the browser has seen changes nothing there."""
    heard: dict[str, Any] = {f"on_{event}_change": _heard for event in EVENTS}
    _COMPONENT(key=KEY, data=letter, **heard)


def _heard() -> None:
    """Streamlit keeps an event for `answered` only where it has a callback."""


def answered(line: Line[RaceRun]) -> None:
    """Do what the browser asked for in this rerun."""
    state = st.session_state.get(KEY) or {}
    events = {event: state[event] for event in EVENTS if isinstance(state.get(event), Mapping)}
    with line.lock:
        if "reset" in events and events["reset"].get("gen") == line.run.gen:
            line.run = line.run.restart()
        for event in ("play", "pause"):
            if event in events:
                line.run.see(events[event])
        if "need" in events:
            line.run = line.run.hear("need", events["need"])


def table(run: RaceRun) -> None:
    """The lanes at the epoch on the screen, the lowest loss first."""
    epoch, rows = standing_rows(run)
    st.subheader(f"Epoch {epoch:,} at leisure")
    st.dataframe(rows, hide_index=True, alt=f"Every lane at epoch {epoch}")


def standing_rows(run: RaceRun) -> tuple[int, list[dict[str, str]]]:
    """The epoch on the screen and a row for each lane."""
    epoch, frames = run.standing()
    classes = run.race.shared.task == "classification"
    rows = []
    for lane, frame in enumerate(frames):
        fit = f"{frame.accuracy:.1%}" if classes else f"{frame.r2:.4f}" if abs(frame.r2) < 1000 else f"{frame.r2:.3g}"
        gone = f"diverged after epoch {frame.epoch:,}" if frame.epoch < epoch else "runs"
        rows.append(
            (frame.epoch < epoch, frame.loss, {"lane": run.race.label(lane), "loss": f"{frame.loss:.4g}", "fit": fit, "state": gone})
        )
    name = "accuracy" if classes else "R²"
    rows.sort(key=lambda row: row[:2])
    return epoch, [{name if key == "fit" else key: value for key, value in row[2].items()} for row in rows]
