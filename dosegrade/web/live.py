"""The live view: a component that plays frames in the browser and asks the server for more (the pull design)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dosegrade.web.assets import asset

KEY = "live"
EVENTS = ("need", "play", "pause", "reset", "rate", "settle", "edit", "inspect")
SCRIPTS = ("draw.js", "draw_output.js", "draw_network.js", "draw_history.js", "hands.js", "message.js", "player.js", "live.js")


_COMPONENT = st.components.v2.component("dosegrade_live", html=asset("live.html"), css=asset("live.css"), js=asset(*SCRIPTS))


def view(letter: bytes) -> None:
    """Mount the live view with a letter of its line; a message that the browser has seen changes nothing there."""
    heard: dict[str, Any] = {f"on_{event}_change": _heard for event in EVENTS}
    _COMPONENT(key=KEY, data=letter, **heard)


def asked() -> dict[str, Mapping[str, Any]]:
    """What the browser asked in this rerun (one of EVENTS), known before the view is mounted."""
    state = st.session_state.get(KEY) or {}
    return {event: state[event] for event in EVENTS if isinstance(state.get(event), Mapping)}


def _heard() -> None:
    """Streamlit keeps an event for `asked` only where it has a callback."""
