"""The entry of the web app: page config, navigation, run."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

st.set_page_config(page_title="dosegrade", page_icon=HERE / "icon.svg", layout="wide")
st.navigation(
    [
        st.Page(HERE / "pages" / "playground.py", title="Playground", icon=":material/play_circle:", default=True),
    ],
    position="top",
).run()
