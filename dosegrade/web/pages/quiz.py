"""Quizzes."""

import streamlit as st

st.title("Quizzes")
