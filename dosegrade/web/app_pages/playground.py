"""The playground: pick a small network, press Play, watch it learn."""

from pathlib import Path

import streamlit as st

from dosegrade.web import charts, controls, exporting, live, playground
from dosegrade.web.link import tellable
from dosegrade.web.session import Run, is_monotone

DERIVATION = Path(__file__).with_name("derivation.py")  # a path from the entry file on would not hold for every entry


@st.fragment
def watch() -> None:
    """The live view and, while it stands still, the same epoch in still pictures and in numbers."""
    line, problem = playground.answer_browser()
    if controls.stale(line.run.config):
        st.rerun()
    live.view(line.letter())
    run = line.run
    if problem:
        st.warning(problem, icon=":material/error:")
    if run.changed_at is not None:
        told = (
            "tells the whole story from epoch 0" if tellable(run.config) else "begins with the settings of now: so many changes do not fit"
        )
        st.caption(f"Changed at epoch {run.changed_at:,}; the other weights stayed. The link {told}.")
    if not run.playing:
        sums(run)
        if run.trainer.epoch:
            stills(run)
        take_away(run)


def sums(run: Run) -> None:
    """The arithmetic of the unit that was pressed, with the numbers of the moment."""
    found = playground.inspected(run)
    if found is None:
        return
    with st.container(border=True):
        st.markdown(f"**{found.title}**")
        for formula in found.tex:
            st.latex(formula)
        if found.output is not None:
            st.caption(f"In the units of the data {found.output:.4g}; the target of this point is {found.target:.4g}.")


def take_away(run: Run) -> None:
    """Where to go on from here: the derivation of this network, the run as code and data."""
    address, note = playground.derivation_of(run)
    if address:
        st.page_link(DERIVATION, label="Open the derivation of this network", icon=":material/function:", query_params=address)
    if note:
        st.caption(note)
    exporting.show(run)


def stills(run: Run) -> None:
    """What the live view shows, as charts and a table that can be read and saved."""
    frame = run.still()
    st.subheader(f"Epoch {frame.epoch:,} at leisure")
    left, right = st.columns(2)
    left.altair_chart(charts.output(run.static, run.scene, frame, st.context.theme.type), alt=charts.told(run.static, frame))
    right.altair_chart(charts.losses(run.past()), alt=f"Loss on a log scale, up to epoch {frame.epoch}: {frame.loss:.4g} there.")
    st.dataframe(charts.layers(frame), hide_index=True, alt="Gradient size and saturated share by layer")


playground.follow_link()
st.title("Watch a small network learn")
st.markdown("A neural network of a few units learns a curve, a surface or two classes. **Choose one, press Play, watch every epoch.**")
head, story = st.container(), st.container()
with st.sidebar:
    st.subheader("Settings")
    problem = playground.settle(controls.settings())
config = playground.current_run(controls.chosen()).config
with head:
    controls.presets()
if is_monotone(config):
    text, press = story.columns([4, 1], vertical_alignment="center")
    text.markdown(controls.why(config))
    press.button("Add a unit", icon=":material/add:", type="primary", width="stretch", on_click=controls.add_unit)
else:
    story.markdown(controls.why(config))
for sentence in filter(None, (st.session_state.get("complaint"), problem)):
    st.warning(sentence, icon=":material/link_off:" if sentence != problem else ":material/error:")

watch()
st.caption("The dose curve is a toy, made up for teaching. Nothing here is medical advice.")
