"""The landscape: the cost over two weights, and who finds the valley from one start."""

import streamlit as st

from dosegrade.web import surface_controls, surface_views
from dosegrade.web.surface import paths

surface_controls.MEMORY.follow_link()
st.title("One start, five ways down")
st.markdown("The cost over two weights, as a map or as a relief. **Press Play, or press the map to start from there.**")
head = st.container()
with st.sidebar:
    st.subheader("Settings")
    land = surface_controls.settings()
with head:
    surface_controls.scenes()
surface_controls.MEMORY.show_address(land)

walked = paths(land)
surface_views.view(land, walked, surface_controls.take_press)
surface_views.arrivals(land, walked)
surface_views.cuts(land)
st.caption("The examples are made up for teaching, the dose curve among them is a toy. Nothing here is medical advice.")
