"""The lab's controls: widgets in, one Lab out. What stands in the widgets is kept in the session under `lab.<field>`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.errors import SpecError
from dosegrade.rl.td_lambda import METHODS
from dosegrade.web import address
from dosegrade.web.lab import DEFAULT, PRESETS, Lab, from_query, numbers, path, preset_of, to_query
from dosegrade.web.lab_charts import words

PAGE = "lab"
WIDGETS = "lab.set."
NONE = "none"
ICONS = {
    "revisit": "replay",
    "lecture": "school",
    "td0": "first_page",
    "monte-carlo": "last_page",
    "two-episodes": "view_week",
    "swap": "swap_horiz",
}


def chosen() -> Lab:
    """The last state of the lab that made sense."""
    lab = st.session_state.get("lab.now")
    return lab if isinstance(lab, Lab) else DEFAULT


def load(lab: Lab) -> None:
    """Put a state into the widgets. Only before they are drawn, or in a callback."""
    for key in [key for key in st.session_state if str(key).startswith(WIDGETS)]:
        del st.session_state[key]
    st.session_state["lab.now"] = lab


def follow_link() -> None:
    """Take the state from a new address; where it cannot be read, say why and keep the last one."""
    returning = "lab.now" in st.session_state and f"{WIDGETS}gamma" not in st.session_state
    query = address.arrived(PAGE)
    if query is None or (returning and not query):
        return
    st.session_state.pop("lab.complaint", None)
    try:
        load(from_query(query))
    except SpecError as problem:
        load(chosen())
        st.session_state["lab.complaint"] = f"This link cannot be used as it is. {problem} Shown instead: the last settings that worked."


def presets() -> None:
    """The presets, and the reason for the one that is chosen."""
    name = preset_of(chosen())
    st.session_state["lab.preset"] = name
    st.pills("Start from", list(PRESETS), format_func=_title, key="lab.preset", on_change=_take_preset, label_visibility="collapsed")
    st.markdown(
        f"**{PRESETS[name].title}.** {PRESETS[name].why}" if name else "**Your own.** A copy of this page's address shows the same."
    )


def _title(name: str) -> str:
    return f":material/{ICONS[name]}: {PRESETS[name].title}"


def _take_preset() -> None:
    name = st.session_state.get("lab.preset")
    if name is not None:
        load(PRESETS[name].lab)
    _touch()


def settings() -> Lab:
    """Draw the settings and give the lab that they describe; where they make none, a sentence, and the last one stays."""
    before = chosen()
    try:
        lab = Lab(**_drawn(before))
    except SpecError as problem:
        st.warning(f"{problem} Shown is the last state that made sense.", icon=":material/error:")
        lab = before
    if lab != before:
        st.session_state["lab.now"] = lab
        st.session_state.pop("lab.complaint", None)
    return lab


def _drawn(lab: Lab) -> dict[str, Any]:
    texts = [("States in order", "path0", lab.paths[0]), ("Reward after each", "rewards0", _listed(lab.rewards[0]))]
    typed = [st.text_input(label, **_held(name, text)) for label, name, text in texts]
    two = len(lab.paths) > 1
    if st.toggle("A second episode", **_held("two", two)):
        typed.append(st.text_input("States of the second", **_held("path1", lab.paths[1] if two else "BAC")))
        typed.append(st.text_input("Its rewards", **_held("rewards1", _listed(lab.rewards[1]) if two else "0, 2, 1")))
    values: dict[str, Any] = {
        name: st.slider(label, 0.0, 1.0, step=0.05, format="%g", help=note, **_held(name, float(getattr(lab, name))))
        for label, name, note in (
            ("Discount γ", "gamma", "How much a reward one step later is worth today."),
            ("Trace decay λ", "lam", "With γ, how fast credit fades."),
            ("Step size α", "alpha", None),
        )
    }
    names = list(METHODS)
    values["method"] = st.selectbox("Trace", names, format_func=words, **_held("method", lab.method))
    beside = st.selectbox("Beside it", [NONE, *names], format_func=words, **_held("versus", lab.versus or NONE))
    values["versus"] = "" if beside == NONE else beside
    first = st.text_input("First weights", help="One for each state, or one for all.", **_held("w", _listed(lab.w)))
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
    st.session_state["lab.now"] = replace(lab, step=step)
    _touch()


def _slide(lab: Lab) -> None:
    _go(lab, int(st.session_state["lab.step"]))


def show_address(lab: Lab) -> None:
    """The state in the address bar, or the sentence on a link that could not be used."""
    if "lab.complaint" in st.session_state:
        st.warning(st.session_state["lab.complaint"], icon=":material/link_off:")
    else:
        address.put(PAGE, to_query(lab))


def _held(name: str, value: Any) -> dict[str, Any]:
    """Keywords that tie a widget to the session; where the session holds nothing yet, it takes `value`."""
    key = WIDGETS + name
    st.session_state.setdefault(key, value)
    return {"key": key, "on_change": _touch}


def _touch() -> None:
    address.touch(PAGE)
    st.session_state.pop("lab.complaint", None)
