"""The derivation page in sections: the steps with their numbers, the two names of an error, the checks, the notes on the text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from dosegrade.compare import relative_error
from dosegrade.nn.gradcheck import BEST, Trial, central, sweep, trials
from dosegrade.web import errata, working_charts
from dosegrade.web.working import Sheet, certified, spell, telling
from dosegrade.web.working_tex import block, plain

MOST_CHECKED = 60
MOST_ABREAST = 3


def note(sheet: Sheet, at: str) -> None:
    """The remarks on the source that belong here."""
    if sheet.example is None:
        return
    for remark in errata.notes(sheet.example.source, at, sheet.as_printed):
        st.markdown(f"> :material/edit_note: **{remark.title}** {remark.text}")


def forward(sheet: Sheet) -> None:
    """z and a of every layer, and the loss."""
    st.header("1. Forward", anchor="forward")
    slim = len(_depths(sheet)) <= MOST_ABREAST and small(sheet)
    places = st.columns(len(_depths(sheet)), gap="small") if slim else [st.container() for _ in _depths(sheet)]
    for k, place in zip(_depths(sheet), places, strict=True):
        with place.container(border=True, height="stretch" if slim else "content"):
            st.markdown(f"**{_layer(sheet, k)}**")
            _down(sheet, [f"z{k}", f"a{k}"])
    st.header("2. Loss", anchor="loss")
    with st.container(border=True):
        _down(sheet, [name for name in ("data_loss", "penalty", "loss") if name in sheet.lines])


def backward(sheet: Sheet) -> None:
    """ε, δ and the gradients, layer by layer from the output."""
    st.header("3. Backward", anchor="backward")
    st.markdown(
        "From the output to the input. In each layer first the error after the activation, ε, then before it, δ, then what the "
        "parameters get. "
        "▸ marks what the chosen gradient rests on."
    )
    for k in reversed(_depths(sheet)):
        with st.container(border=True):
            st.markdown(f"**{_layer(sheet, k)}**")
            names = [name for name in (f"da{k}", f"dz{k}", f"dW{k}", f"db{k}") if name in sheet.lines]
            (_across if small(sheet) else _down)(sheet, names)


def update(sheet: Sheet) -> None:
    """One step of gradient descent, and what it does to the loss."""
    st.header("4. Update", anchor="update")
    with st.container(border=True):
        (_across if small(sheet) else _down)(sheet, [f"new_{name}" for name in sheet.network.shapes])
    before, after = float(sheet.made["loss"]), sheet.loss_after
    change = f" ({(after - before) / before:+.1%})".replace("-", "−") if before else ""
    st.markdown(f"The loss goes from {plain(before)} to **{plain(after)}**{change}.")
    note(sheet, "update")


def _depths(sheet: Sheet) -> range:
    return range(1, len(sheet.network.dense) + 1)


def small(sheet: Sheet) -> bool:
    """Whether the matrices are so small that steps stand side by side."""
    return len(sheet.inputs["x"]) == 1 and all(layer.units <= 2 for layer in sheet.network.dense)


def _layer(sheet: Sheet, k: int) -> str:
    return f"Layer {k}" + (" · output" if k == len(sheet.network.dense) else "")


def _down(sheet: Sheet, names: Sequence[str]) -> None:
    """Steps one below the other."""
    for name in names:
        _step(sheet, name)


def _across(sheet: Sheet, names: Sequence[str]) -> None:
    """Steps in two columns."""
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[start : start + 2], strict=False):
            with column:
                _step(sheet, name)


def _step(sheet: Sheet, name: str) -> None:
    """One step with its numbers and its remarks."""
    st.latex(block(sheet.lines[name], sheet))
    note(sheet, name)


def two_names(sheet: Sheet) -> None:
    """ε and δ of every unit for the first example, and the same gradient in both."""
    st.header("One error, two names", anchor="names")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("The lecture's **ε** is the derivative of the loss by what a unit gives out, most texts' **δ** by what it sums up.")
        st.latex(
            r"\varepsilon_h = \frac{\partial L}{\partial a_h}, \quad \delta_h = \frac{\partial L}{\partial z_h} = \varepsilon_h\, f'(z_h)"
        )
        st.latex(
            r"\frac{\partial L}{\partial w_{jh}} = \underbrace{\varepsilon_h\, f'(z_h)\, x_j}_{\text{lecture}}"
            r" = \underbrace{\delta_h\, x_j}_{\text{most texts}}"
        )
        note(sheet, "names")
    rows = units(sheet)
    with right:
        st.table(rows, border="horizontal", hide_index=True, alt="ε, slope and δ of every unit")
        if any(row["δ"] == "0" and row["ε"] != "0" for row in rows):
            st.markdown("A unit that is off: an error arrives at its output, ε is not 0, and nothing of it gets through, δ is 0.")


def units(sheet: Sheet) -> list[dict[str, str]]:
    """ε, f′(z) and δ of every unit in the first example."""
    rows = []
    for k in range(len(sheet.network.dense), 0, -1):
        f = sheet.network.dense[k - 1].f
        if f"da{k}" not in sheet.made or f.slope is None:
            continue
        z, da, dz = (sheet.made[f"{head}{k}"][0] for head in ("z", "da", "dz"))
        for i, slope in enumerate(f.derivative(z)):
            unit = f"{k}" + (f", unit {i + 1}" if len(z) > 1 else "")
            rows.append({"layer": unit, "ε": plain(da[i]), "f′(z)": plain(slope), "δ": plain(dz[i])})
    return rows


def checks(sheet: Sheet) -> None:
    """The gradient against the complex step and against differences."""
    st.header("Is it right?", anchor="check")
    st.markdown(
        "Three ways to the same number. **Backpropagation** is the derivation above. The **complex step** evaluates the loss at "
        "$\\theta + ih$ with $h = 10^{-20}$ and takes the imaginary part: nothing is subtracted, so every digit counts. **Differences** "
        "compare "
        "the loss at $\\theta + \\varepsilon$ and $\\theta - \\varepsilon$, and there the choice of $\\varepsilon$ decides."
    )
    name, index = telling(sheet)
    measured = sweep(sheet.network.steps(), sheet.inputs, name, index)
    left, right = st.columns([3, 2], gap="large")
    with left.container(border=True):
        st.markdown(f"**How many digits a difference gets right, for ∂L/∂{sheet.label(spell(name, index))}**")
        st.altair_chart(working_charts.trust(measured), alt=working_charts.trust_told(measured, sheet.label(spell(name, index))))
    with right:
        _read(sheet)
    rows = checked(sheet)
    title = "Every parameter, three ways" if len(rows) == len(sheet.weights) else f"The first {len(rows)} parameters, three ways"
    with st.expander(title, icon=":material/table:"):
        st.dataframe(rows, hide_index=True, alt="Every gradient by backpropagation, complex step and central differences")


def _read(sheet: Sheet) -> None:
    """How to read the chart; where the chosen weight cannot be shown in it, why."""
    if telling(sheet) != sheet.chosen:
        _silent(sheet.label(spell(*sheet.chosen)), sheet.gradient)
    st.markdown(
        "**From the left**, ε is too large: the loss bends between the two points. The error falls with ε² (one-sided: with ε).\n\n"
        "**Towards the right**, ε is too small: the two losses agree in all but their last digits, and subtracting leaves only those.\n\n"
        "**In between** is the best: about 6·10⁻⁶ in 64 bits. In 32 bits it is about 5·10⁻³, and at 10⁻⁷ nothing is left at all."
    )


def _silent(name: str, gradient: float) -> None:
    """Why differences say nothing about a weight."""
    if gradient == 0:
        st.markdown(f"**∂L/∂{name} is exactly zero.** No small change of {name} reaches the loss, so the chart is of another weight.")
        return
    st.markdown(
        f"**For ∂L/∂{name} no ε will do.** It is {plain(gradient)}: moving {name} changes the loss by less than its last digit, and "
        "differences "
        "find 0 or noise. The complex step still has it. The chart is of a weight that can be measured."
    )


@lru_cache(maxsize=16)
def checked(sheet: Sheet) -> list[dict[str, str]]:
    """Every parameter's gradient three ways, and how far the other two are from backpropagation."""
    exact = certified(sheet)
    rows = []
    for weight in sheet.weights[:MOST_CHECKED]:
        name, *parts = weight.split(".")
        index = tuple(int(part) - 1 for part in parts)
        back, sure = float(sheet.made[f"d{name}"][index]), float(exact[name][index])
        moved = central(sheet.network.steps(), sheet.inputs, name, index, BEST)
        rows.append(
            {
                "parameter": sheet.label(weight),
                "backpropagation": plain(back),
                "complex step": plain(sure),
                "apart": f"{relative_error(np.array([back]), np.array([sure])):.0e}",
                "central, ε = 6e-6": plain(moved),
                "apart ": f"{relative_error(np.array([moved]), np.array([sure])):.0e}",
            }
        )
    return rows


def bad_rule() -> None:
    """Why |difference| < 1e-7 is no test."""
    st.header("Why |difference| < 1e-7 is no test", anchor="rule")
    st.markdown(
        "A common recipe: central differences with $\\varepsilon = 10^{-7}$; the gradient passes if it is less than $10^{-7}$ away. "
        "Four gradients "
        "of the dose-response network are handed in."
    )
    handed = trials()
    left, right = st.columns([3, 2], gap="large")
    with left.container(border=True):
        st.altair_chart(working_charts.verdicts(handed), alt=working_charts.verdicts_told(handed))
    with right:
        mistaken = sum(t.accepted != t.right for t in handed)
        st.markdown(
            f"**It is mistaken about {('none', 'one', 'two', 'three', 'all')[mistaken]} of four.** The bound knows no scale. Measure "
            "the effect in "
            "percent and the right gradient fails by rounding alone; where gradients are tiny, anything passes."
        )
        st.markdown(
            f"**Better:** ε ≈ 6·10⁻⁶, the difference *relative* to the gradient, each W and b by itself, and points where no unit is "
            "saturated. "
            f"In this order, so judged: {_judged(handed)}"
        )


def _judged(handed: Sequence[Trial]) -> str:
    """What a comparison block by block says of the same hand-ins."""
    verdicts = ["wrong" if not t.same else "not to be told at a saturated point" if t.silent else "right" for t in handed]
    return ", ".join(verdicts) + "."


def ending(sheet: Sheet) -> None:
    """What the text concludes from gradients, looked at again."""
    if sheet.example is None or not errata.notes(sheet.example.source, "end", sheet.as_printed):
        return
    st.header("What the text concludes, looked at again", anchor="notes")
    note(sheet, "end")
