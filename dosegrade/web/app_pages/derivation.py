"""The derivation: one step of learning written out, with every number."""

import streamlit as st

from dosegrade.web import diagram, working_controls, working_views

working_controls.MEMORY.follow_link()
st.title("Every number of one step")
st.markdown("How an error finds its way to a weight. **Press a weight in the drawing and follow its chain.**")
head = st.container()
with st.sidebar:
    st.subheader("Numbers")
    sheet = working_controls.settings()
with head:
    working_controls.examples()
working_controls.MEMORY.show_address(sheet)

working_controls.weight(sheet)
with st.container(border=True):
    diagram.view(sheet, working_controls.take_press)
working_views.note(sheet, "start")

working_views.forward(sheet)
working_views.backward(sheet)
working_views.update(sheet)
working_views.two_names(sheet)
working_views.checks(sheet)
working_views.bad_rule()
working_views.ending(sheet)
st.caption("The dose curve is a toy, made up for teaching. Nothing here is medical advice.")
