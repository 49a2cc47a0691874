"""The race: up to four ways to learn the same data, side by side."""

import streamlit as st

from dosegrade.web import race_controls, race_view
from dosegrade.web.channel import Line
from dosegrade.web.race_run import RaceRun


@st.fragment
def watch() -> None:
    """The lanes and, while they stand still, their figures as a table."""
    line = st.session_state["race.line"]
    race_view.answered(line)
    race_view.view(line.letter())
    with line.lock:
        if not line.run.playing and line.run.epoch:
            race_view.table(line.run)


race_controls.MEMORY.follow_link()
st.title("A race of learning")
st.markdown("The same data, the same start, other ways to learn. **Press Play and see who is ahead, and who leaves the track.**")
head = st.container()
with st.sidebar:
    st.subheader("What all lanes share")
    side = st.container()
live = st.container()
st.subheader("What each lane has of its own")
race_controls.differ()
race = race_controls.settings(side)
with head:
    race_controls.starts()
race_controls.MEMORY.show_address(race)

if "race.line" not in st.session_state:
    st.session_state["race.line"] = Line(RaceRun(race))
line = st.session_state["race.line"]
with line.lock:
    line.run = line.run.change(race)
with live:
    watch()
st.caption("The dose curves are toys, made up for teaching. Nothing here is medical advice.")
