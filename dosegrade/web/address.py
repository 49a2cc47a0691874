"""What the address bar and a page say to each other: a page follows a new address once, and writes its own settings back.

The address is read here and not by Streamlit's own binding, which drops a value that it cannot use without a word.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def arrived(page: str) -> dict[str, str] | None:
    """The address where it is new to the page: at the first visit, and where the reader went back or forward."""
    query = st.query_params.to_dict()
    touched = st.session_state.pop(f"{page}.touched", False)
    if touched or query == st.session_state.get(f"{page}.address"):
        return None
    st.session_state[f"{page}.address"] = query
    return query


def put(page: str, query: Mapping[str, str]) -> None:
    """Show the page's settings in the address bar."""
    st.session_state[f"{page}.address"] = dict(query)
    if dict(query) != st.query_params.to_dict():
        st.query_params.from_dict(dict(query))


def touch(page: str) -> None:
    """The reader changed something: what the address bar still says is old."""
    st.session_state[f"{page}.touched"] = True


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number within bounds from an address; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 and low <= int(text) <= high else None
