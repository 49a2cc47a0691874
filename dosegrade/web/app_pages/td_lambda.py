"""The TD(λ) lab: one short episode, step by step, under two kinds of trace."""

import streamlit as st

from dosegrade.web import lab_charts, lab_controls, lab_views
from dosegrade.web.lab import play

lab_controls.MEMORY.follow_link()
st.title("TD(λ), one step at a time")
st.markdown("One error, shared among the states before it. **Step through an episode and see who gets how much.**")
head = st.container()
with st.sidebar:
    st.subheader("Settings")
    lab = lab_controls.settings()
with head:
    lab_controls.presets()
lab_controls.MEMORY.show_address(lab)

played = [play(lab, method) for method in lab.methods]
lab_controls.time(lab)
lab_views.happens(lab, played)

left, right = st.columns([3, 2])
with left.container(border=True):
    st.markdown("**How much of each visit is left: the trace**")
    st.altair_chart(lab_charts.traces(lab, played), alt=lab_charts.traces_told(lab, played))
with right.container(border=True):
    st.markdown("**Where the step moves each weight**")
    st.altair_chart(lab_charts.moves(lab, played), alt=lab_charts.moves_told(lab, played))

lab_views.numbers(lab, played)
lab_views.tables(lab, played)
lab_views.two_views(lab)
