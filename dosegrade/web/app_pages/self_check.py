"""The self-check: a student's own function, run in the sandbox and marked quantity by quantity."""

import streamlit as st

from dosegrade.web import checker

st.title("Check your own code")
st.markdown("Hand in a function. It runs shut off from everything else, and you hear **which quantity goes wrong, and why.**")

choice = checker.choose()
if choice is None:
    st.info("None of the quizzes here asks for code.", icon=":material/inbox:")
    st.stop()

refusal = checker.desk().refusal()
if refusal:
    st.error(
        "**Nothing can be checked on this machine**, because programs cannot be shut off here. All else works.", icon=":material/lock:"
    )
    st.code(refusal, language=None, wrap_lines=True)

left, right = st.columns(2, gap="large")
with left:
    checker.task(choice)
with right:
    checker.form(choice, disabled=bool(refusal))
    waiting = checker.ticket()
    if waiting is not None:
        checker.follow(waiting)
    checker.outcome()
st.caption("Everything about doses is a toy, made up for teaching. Nothing here is medical advice.")
