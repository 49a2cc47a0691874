"""The lab in words, formulas and tables."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dosegrade.web import lab_charts
from dosegrade.web.lab import Lab, Played, parting, views, visits
from dosegrade.web.lab_charts import words
from dosegrade.web.put_in import digits, formulas


def happens(lab: Lab, played: Sequence[Played]) -> None:
    """What the step shown does, and where the two traces part."""
    if lab.now == 0:
        st.markdown("**Before the first step.** The trace is zero, the weights are the first ones. Press Next.")
    else:
        visit = visits(lab)[lab.now - 1]
        deltas = " and ".join(dict.fromkeys(digits(p.delta[lab.now - 1]) for p in played))
        again = ", where it was before," if visit.again else ""
        changed = sum(abs(a - b) > 0 for a, b in zip(played[0].w[lab.now - 1], played[0].w[lab.now], strict=True))
        st.markdown(
            f"**Step {lab.now}.** From {visit.state}{again} to {visit.to or 'the end'} with reward {digits(visit.reward)}: "
            f"$\\delta$ is {deltas}. {_count(changed, lab.k)}"
        )
    if len(played) > 1:
        _parting(lab, played)


def _count(changed: int, k: int) -> str:
    if changed == 0:
        return "No weight changes."
    return f"{changed} of {k} weights change{'s' if changed == 1 else ''}."


def _parting(lab: Lab, played: Sequence[Played]) -> None:
    """Where the traces part, and why, or that they do not."""
    first, second = (words(p.method) for p in played)
    apart = parting(played[0], played[1])
    if apart is None:
        same = bool((played[0].w == played[1].w).all())
        st.caption(f"{first.capitalize()} and {second} have the same trace at every step here{'' if same else ', but other weights'}.")
        return
    visit = visits(lab)[apart - 1]
    i = lab.states.index(visit.state)
    ones = [digits(p.z[apart - 1, i]) for p in played]
    st.caption(
        f":material/call_split: They part at step {apart}, where {visit.state} comes back: "
        f"its trace is {ones[0]} if {first}, {ones[1]} if {second}."
    )


def numbers(lab: Lab, played: Sequence[Played]) -> None:
    """The three lines of the step shown, with the numbers put in."""
    if lab.now == 0:
        return
    moment = played[0].moments[3 * (lab.now - 1)]
    st.subheader("The three lines, with the numbers put in")
    st.caption(f"Formulas count from t = 0: step {lab.now} is t = {lab.now - 1}. Vectors list the states {', '.join(lab.states)}.")
    if moment.place.first and lab.now > 1:
        st.caption("A new episode begins: the trace before it is zero.")
    for column, p in zip(st.columns(len(played), gap="large"), played, strict=True):
        with column:
            st.markdown(f"**{words(p.method).capitalize()}**")
            st.latex(formulas(p.at(lab.now)))


def tables(lab: Lab, played: Sequence[Played]) -> None:
    """Every step in a table, one for each trace type."""
    st.subheader("Every step")
    for p in played:
        st.caption(f"{words(p.method).capitalize()}: trace z and weights w after each step, by state")
        st.table(lab_charts.table(lab, p), border="horizontal", hide_index=True, alt=f"Every step with the {words(p.method)} trace")


def two_views(lab: Lab) -> None:
    """λ-returns beside traces, weights frozen: the same sums."""
    seen = views(lab)
    st.subheader("Looking forward, looking back")
    st.markdown(
        "Freeze the weights at $w_0$. Looking **forward**, each step moves its state towards the λ-return, a mixture of all that follows. "
        "Looking **back**, each error is handed to the states before it by an accumulating trace. Summed up, both are the same."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.latex(r"\sum_t \alpha\,\big(G_t^\lambda - w_0^\top x_t\big)\, x_t \;=\; \sum_t \alpha\,\delta_t\, z_t")
        sums = [
            {"state": s, "forward": digits(f), "backward": digits(b)}
            for s, f, b in zip(lab.states, seen.forward, seen.backward, strict=True)
        ]
        st.table(sums, border="horizontal", hide_index=True, alt="The two sums by state")
        st.caption(f"Largest difference: {seen.gap:.1g}, which is rounding." if seen.gap else "Largest difference: 0.")
    with right:
        rows = [
            {
                "step": str(v.step),
                "state": v.state,
                "λ-return": digits(g),
                "value": digits(w),
                "forward error": digits(g - w),
                "δ": digits(d),
            }
            for v, g, w, d in zip(visits(lab), seen.returns, seen.values, seen.deltas, strict=True)
        ]
        st.table(rows, border="horizontal", hide_index=True, alt="λ-return, value and errors at every step, weights frozen")
    st.caption(
        "TD(λ) itself changes its weights at every step, so its result differs a little from these sums; true online TD(λ) mends that."
    )
