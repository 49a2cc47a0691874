"""The quizzes: a form for each question, marks and the way to the right answer after each."""

import streamlit as st

from dosegrade.web import quiz_view, sitting, typeset

st.title("Quizzes")
st.markdown("Answer, hear what your answer says about your thinking, and try again. **A wrong answer has a reason; most have a name.**")

at = sitting.choose()
if at is None:
    st.info("There are no quizzes here.", icon=":material/inbox:")
    st.stop()
if at.quiz.text.strip():
    with st.expander("About this quiz", icon=":material/info:"):
        st.markdown(typeset.markdown(at.quiz.text))
quiz_view.questions(at)
st.caption("Everything about doses is a toy, made up for teaching. Nothing here is medical advice.")
