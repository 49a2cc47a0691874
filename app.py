"""`streamlit run app.py`: the web app that `dosegrade serve` starts."""

import streamlit as st

from dosegrade.web import SCRIPT
from dosegrade.web.channel import routes

app = st.App(SCRIPT, routes=routes())
