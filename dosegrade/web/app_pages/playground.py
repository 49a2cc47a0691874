"""The playground: pick a small network, press Play, watch it learn."""

import streamlit as st

from dosegrade.web import charts, controls, live, playground
from dosegrade.web.session import Run, is_monotone


@st.fragment
def watch() -> None:
    """The live view and, while it stands still, still pictures of the same epoch."""
    run = playground.answer_browser()
    live.view(run.message)
    if run.changed_at is not None:
        st.caption(f"Settings changed at epoch {run.changed_at:,}; the weights stayed. The link starts with the new settings at epoch 0.")
    if not run.playing and run.trainer.epoch:
        stills(run)


def stills(run: Run) -> None:
    """What the live view shows, as charts and a table that can be read and saved."""
    frame = run.still()
    st.subheader(f"Epoch {frame.epoch:,} at leisure")
    left, right = st.columns(2)
    left.altair_chart(charts.output(run.static, run.scene, frame), alt=charts.told(run.static, frame))
    right.altair_chart(charts.losses(run.past()), alt=f"Loss on a log scale, up to epoch {frame.epoch}: {frame.loss:.4g} there.")
    st.dataframe(charts.layers(frame), hide_index=True, alt="Gradient size and saturated share by layer")


playground.follow_link()
st.title("Watch a small network learn")
st.markdown("A neural network of a few units learns a curve, a surface or two classes. **Choose one, press Play, watch every epoch.**")
controls.presets()
story = st.container()
with st.sidebar:
    st.subheader("Settings")
    problem = playground.settle(controls.settings())

config = controls.chosen()
if is_monotone(config):
    text, press = story.columns([4, 1], vertical_alignment="center")
    text.markdown(controls.why(config))
    press.button("Add a unit", icon=":material/add:", type="primary", width="stretch", on_click=controls.add_unit)
else:
    story.markdown(controls.why(config))
for sentence in filter(None, (st.session_state.get("complaint"), problem)):
    st.warning(sentence, icon=":material/link_off:" if sentence != problem else ":material/error:")

playground.current_run(config)
watch()
st.caption("The dose curve is a toy, made up for teaching. Nothing here is medical advice.")
