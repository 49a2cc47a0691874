"""What the playground page does with the session: follow the link, keep the last good settings, hold the run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dosegrade.errors import DosegradeError
from dosegrade.nn.training import Config
from dosegrade.web import controls, live, working
from dosegrade.web.arithmetic import Arithmetic
from dosegrade.web.channel import Line
from dosegrade.web.link import from_query, to_query
from dosegrade.web.session import Run
from dosegrade.web.working import MOST_EPOCHS, OWN, Sheet


def follow_link() -> None:
    """Take the settings from the address where it is new: at the first visit, and where the reader went back or forward."""
    catch_up()
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
    if config != controls.settings_now():
        st.session_state["config"] = config
        st.session_state.pop("complaint", None)
    return None


def current_run(config: Config) -> Run:
    """The viewer's run with these settings: the one that is there, gone on with or started anew; the address tells it."""
    line = _line()
    if line is None:
        line = st.session_state["line"] = Line(Run(config))
    with line.lock:
        if config != st.session_state.get("kept"):  # otherwise the page wants nothing else, and the run may be further by now
            line.run = line.run.change(config)
        return _keep(line.run)


def _line() -> Line[Run] | None:
    line = st.session_state.get("line")
    return line if isinstance(line, Line) else None


def catch_up() -> None:
    """Take over what the browser told the run by the short way, unless the page wants something else by now."""
    line = _line()
    if line is not None and st.session_state.get("config") == st.session_state.get("kept"):
        st.session_state["config"] = st.session_state["kept"] = line.run.config


def _keep(run: Run) -> Run:
    """Make this the run that the page shows, with its story in the settings and in the address bar."""
    if run is not st.session_state.get("run"):
        st.session_state.pop("inspected", None)
    st.session_state["run"], st.session_state["config"], st.session_state["kept"] = run, run.config, run.config
    if "complaint" not in st.session_state:
        _show_address(run.config)
    return run


def _show_address(config: Config) -> None:
    """Put the settings into the address bar."""
    query = to_query(config)
    st.session_state["address"] = query
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)


def answer_browser() -> tuple[Line[Run], str | None]:
    """Do what the live view asked for, and give back the line to be shown, and a sentence where something could not be done."""
    line: Line[Run] = st.session_state["line"]
    events, problem = live.asked(), None
    with line.lock:
        run = line.run
        if "reset" in events and events["reset"].get("gen") == run.gen:
            run = run.restart()
        for event in ("play", "settle", "pause", "inspect"):
            if event in events:
                run.see(events[event])
        if "edit" in events:
            problem = run.edit(events["edit"])
        for event in ("need", "rate"):
            if event in events:
                run = run.hear(event, events[event])
        if "rate" in events or "settle" in events:
            st.session_state.pop("complaint", None)
        line.run = run
        _keep(run)
    if "inspect" in events:
        st.session_state["inspected"] = dict(events["inspect"])
    return line, problem


def inspected(run: Run) -> Arithmetic | None:
    """What the unit that the viewer pressed computes, at the epoch and the data point that are shown."""
    asked = st.session_state.get("inspected")
    return run.arithmetic({**asked, "epoch": run.shown}) if asked else None


def derivation_of(run: Run) -> tuple[dict[str, str], str | None]:
    """The address of the derivation page for this network at the epoch shown; and where that page cannot show it, why."""
    try:
        sheet = Sheet(OWN, config=run.config, epoch=min(run.still().epoch, MOST_EPOCHS))
    except DosegradeError as problem:
        return {}, f"The derivation page cannot write this network out. {problem}"
    late = run.still().epoch > MOST_EPOCHS
    return working.to_query(sheet), f"It shows epoch {MOST_EPOCHS:,}, the last that it goes to." if late else None
