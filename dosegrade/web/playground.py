"""What the playground page does with the session: follow the link, keep the last good settings, hold the run."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.errors import DosegradeError
from dosegrade.nn.training import Config
from dosegrade.web import controls, live
from dosegrade.web.link import from_query, to_query
from dosegrade.web.session import Run


def follow_link() -> None:
    """Take the settings from the address where it is new: at the first visit, and where the reader went back or forward."""
    query = st.query_params.to_dict()
    touched = st.session_state.pop("touched", False)
    if touched or query == st.session_state.get("address") or (not query and _came_back()):
        return
    st.session_state["address"] = query
    st.session_state.pop("complaint", None)
    try:
        controls.load(from_query(query))
    except DosegradeError as problem:
        st.session_state.setdefault("config", controls.chosen())
        st.session_state["complaint"] = f"This link cannot be used as it is. {problem} Shown instead: the last settings that worked."


def _came_back() -> bool:
    """Whether the reader was on another page: Streamlit has dropped the widgets, the settings are still there."""
    return "config" in st.session_state and not any(str(key).startswith(controls.PREFIX) for key in st.session_state)


def settle(values: dict[str, Any]) -> str | None:
    """Make what the controls say the current settings; where it cannot be trained with, the reason, and nothing changes."""
    try:
        config = Config(**values)
    except DosegradeError as problem:
        return f"{problem} The network keeps its last settings."
    if config != controls.chosen():
        st.session_state["config"] = config
        st.session_state.pop("complaint", None)
    if "complaint" not in st.session_state:
        _show_address(config)
    return None


def _show_address(config: Config) -> None:
    """Put the settings into the address bar."""
    query = to_query(config)
    st.session_state["address"] = query
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)


def current_run(config: Config) -> Run:
    """The viewer's run with these settings: the one that is there, gone on with or started anew."""
    run = st.session_state.get("run")
    st.session_state["run"] = run.change(config) if isinstance(run, Run) else Run(config)
    return st.session_state["run"]  # type: ignore[no-any-return]


def answer_browser() -> Run:
    """Do what the live view asked for, and give back the run to be shown."""
    run: Run = st.session_state["run"]
    events = live.asked()
    if "reset" in events and events["reset"].get("gen") == run.gen:
        run = st.session_state["run"] = run.restart()
    if "need" in events:
        run.answer(events["need"])
    if "pause" in events:
        run.pause(events["pause"])
    if "rate" in events:
        run = set_rate(events["rate"].get("rate"))
    return run


def set_rate(rate: Any) -> Run:
    """Go on with another learning rate; one that cannot be trained with changes nothing."""
    with contextlib.suppress(DosegradeError):
        st.session_state["config"] = replace(controls.chosen(), learning_rate=rate)
        st.session_state.pop("complaint", None)
        _show_address(controls.chosen())
    return current_run(controls.chosen())
