"""The dose page: what can be read off a fitted curve, and what cannot."""

import streamlit as st

from dosegrade.web import dose_views as views
from dosegrade.web.dose import fit, truth

views.MEMORY.follow_link()
st.title("Read a dose curve")
st.markdown("A network was fitted to a toy curve. **Ask of it what one asks of any curve:** where is the peak, and what of the far end?")
head = st.container()
with st.sidebar:
    st.subheader("Settings")
    study = views.settings()
with head:
    views.cases()
views.MEMORY.show_address(study)

effects, true = truth(study)
fits = {views.NETWORK: fit(study)} | ({views.RAW: fit(study, "none")} if study.raw else {})
readings = {views.TRUTH: true} | {name: made.reading for name, made in fits.items()}
curves = {views.TRUTH: effects} | {name: made.effects for name, made in fits.items()}

picture, words = st.columns([2, 1], gap="medium")
picture.altair_chart(views.chart(study, curves), alt=views.told(readings))
for sentence in views.verdicts(true, fits[views.NETWORK]):
    words.markdown(sentence)
if study.raw:
    words.markdown(views.on_raw(fits[views.RAW]))
st.table(views.table(readings, fits), border="horizontal", hide_index=True, alt="What is read off each curve")
st.caption(
    "The curves are toys, made up for teaching, and so are the regions. Nothing here is medical advice, and no number on this page says "
    "how sure a network is."
)
