"""What `dosegrade serve` starts: the pages, and the short way for frames."""

import streamlit as st

from dosegrade.web import SCRIPT
from dosegrade.web.channel import routes

app = st.App(SCRIPT, routes=routes())
