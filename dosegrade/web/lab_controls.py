"""The lab's controls: widgets in, one Lab out. What stands in the widgets is kept in the session under `lab.<field>`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.rl.td_lambda import METHODS
from dosegrade.web.lab import DEFAULT, PRESETS, Lab, from_query, numbers, path, preset_of, to_query
from dosegrade.web.lab_charts import words
from dosegrade.web.memory import Memory

MEMORY = Memory("lab", DEFAULT, from_query, to_query, "trajectory")
NONE = "none"
ICONS = {
    "revisit": "replay",
    "lecture": "school",
    "td0": "first_page",
    "monte-carlo": "last_page",
    "two-episodes": "view_week",
    "swap": "swap_horiz",
}


def presets() -> None:
    """The presets, and the reason for the one that is chosen."""
    name = preset_of(MEMORY.chosen)
    titles = {each: f":material/{ICONS[each]}: {preset.title}" for each, preset in PRESETS.items()}
    MEMORY.offer("Start from", titles, name, lambda each: PRESETS[each].lab)
    st.markdown(
        f"**{PRESETS[name].title}.** {PRESETS[name].why}" if name else "**Your own.** A copy of this page's address shows the same."
    )


def settings() -> Lab:
    """Draw the settings and give the lab that they describe."""
    return MEMORY.settle(lambda before: Lab(**_drawn(before)))


def _drawn(lab: Lab) -> dict[str, Any]:
    texts = [("States in order", "path0", lab.paths[0]), ("Reward after each", "rewards0", _listed(lab.rewards[0]))]
    typed = [st.text_input(label, **MEMORY.held(name, text)) for label, name, text in texts]
    two = len(lab.paths) > 1
    if st.toggle("A second episode", **MEMORY.held("two", two)):
        typed.append(st.text_input("States of the second", **MEMORY.held("path1", lab.paths[1] if two else "BAC")))
        typed.append(st.text_input("Its rewards", **MEMORY.held("rewards1", _listed(lab.rewards[1]) if two else "0, 2, 1")))
    values: dict[str, Any] = {
        name: st.slider(label, 0.0, 1.0, step=0.05, format="%g", help=note, **MEMORY.held(name, float(getattr(lab, name))))
        for label, name, note in (
            ("Discount γ", "gamma", "How much a reward one step later is worth today."),
            ("Trace decay λ", "lam", "With γ, how fast credit fades."),
            ("Step size α", "alpha", None),
        )
    }
    names = list(METHODS)
    values["method"] = st.selectbox("Trace", names, format_func=words, **MEMORY.held("method", lab.method))
    beside = st.selectbox("Beside it", [NONE, *names], format_func=words, **MEMORY.held("versus", lab.versus or NONE))
    values["versus"] = "" if beside == NONE else beside
    first = st.text_input("First weights", help="One for each state, or one for all.", **MEMORY.held("w", _listed(lab.w)))
    values["paths"] = tuple(path(text or "") for text in typed[::2])
    values["rewards"] = tuple(numbers(text or "") for text in typed[1::2])
    return values | {"w": numbers(first or ""), "step": lab.step}


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def time(lab: Lab) -> Lab:
    """The step shown: a slider between two buttons."""
    st.session_state["lab.step"] = lab.now
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Previous", icon=":material/chevron_left:", shortcut="P", disabled=lab.now == 0, on_click=_go, args=(lab, lab.now - 1))
        st.button(
            "Next",
            icon=":material/chevron_right:",
            shortcut="N",
            type="primary",
            disabled=lab.now == lab.total,
            on_click=_go,
            args=(lab, lab.now + 1),
        )
        st.slider("Step", 0, lab.total, key="lab.step", label_visibility="collapsed", on_change=_slide, args=(lab,))
    return lab


def _go(lab: Lab, step: int) -> None:
    MEMORY.put(replace(lab, step=step))
    MEMORY.touch()


def _slide(lab: Lab) -> None:
    _go(lab, int(st.session_state["lab.step"]))
