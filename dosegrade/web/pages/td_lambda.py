"""TD(λ), one step at a time."""

import streamlit as st

st.title("TD(λ), one step at a time")
