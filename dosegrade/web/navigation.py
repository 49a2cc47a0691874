"""The script of the web app: page config, navigation, run."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent  # its pages lie in app_pages: in a folder called pages Streamlit would run them without this file

st.set_page_config(page_title="dosegrade", page_icon=HERE / "icon.svg", layout="wide")
# What is chosen stands in the colour of the text: the theme's own, under white on buttons, is too dark to be read on dark ground.
st.html("<style>[data-testid=stButtonGroup] [data-selected=true], [data-testid=stSliderThumbValue] { color: inherit !important; }</style>")
st.navigation(
    [
        st.Page(HERE / "app_pages" / "playground.py", title="Playground", icon=":material/play_circle:", default=True),
        st.Page(HERE / "app_pages" / "race.py", title="Race", icon=":material/directions_run:", url_path="race"),
        st.Page(HERE / "app_pages" / "derivation.py", title="Derivation", icon=":material/function:", url_path="derivation"),
        st.Page(HERE / "app_pages" / "landscape.py", title="Landscape", icon=":material/landscape:", url_path="landscape"),
        st.Page(HERE / "app_pages" / "dose.py", title="Dose", icon=":material/ssid_chart:", url_path="dose"),
        st.Page(HERE / "app_pages" / "td_lambda.py", title="TD(λ)", icon=":material/timeline:", url_path="td_lambda"),
        st.Page(HERE / "app_pages" / "quiz.py", title="Quizzes", icon=":material/quiz:", url_path="quiz"),
        st.Page(HERE / "app_pages" / "self_check.py", title="Self-check", icon=":material/fact_check:", url_path="self_check"),
    ],
    position="top",
).run()
