"""The derivation page's controls: widgets in, one Sheet out. What stands in the widgets is kept in the session under `working.set.*`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.nn.training import Config
from dosegrade.web import controls, diagram
from dosegrade.web.memory import Memory
from dosegrade.web.session import Run
from dosegrade.web.working import BIGGEST, CASES, EXAMPLES, MOST_EPOCHS, MOST_ROWS, OWN, SUBS, Sheet, from_query, spell, switched, to_query

MEMORY = Memory("working", Sheet(), from_query, to_query, "example")
ICONS = {"dose": "medication", "scaled": "straighten", "lecture": "school", "dead": "power_settings_new", OWN: "play_circle"}


def examples() -> None:
    """The examples, and what is worth seeing in the one that is chosen."""
    sheet = MEMORY.chosen
    MEMORY.offer("Example", {case: f":material/{ICONS[case]}: {_title(case)}" for case in CASES}, sheet.case, _taken)
    if sheet.example is not None:
        changed = "" if sheet.as_printed else " The numbers are your own."
        st.markdown(f"**{sheet.example.title}.** {sheet.example.why}{changed}")
        return
    layers = "-".join(str(n) for n in (sheet.network.inputs, *(layer.units for layer in sheet.network.dense)))
    count = "one example" if sheet.rows == 1 else f"{sheet.rows} examples"
    st.markdown(
        f"**The playground's network.** A {layers} network after {sheet.epoch:,} epochs, on {count} of its training points; numbers are "
        "scaled "
        "as the run scales them."
    )


def _title(case: str) -> str:
    return "Your playground network" if case == OWN else EXAMPLES[case].title


def _taken(case: str) -> Sheet:
    return of_playground() if case == OWN else switched(MEMORY.chosen, case)


def of_playground() -> Sheet:
    """The network on the visitor's playground, at the epoch that it shows."""
    config, run = st.session_state.get("config"), st.session_state.get("run")
    epoch = min(run.shown, MOST_EPOCHS) if isinstance(run, Run) and run.config == config else 0
    return Sheet(OWN, config=config if isinstance(config, Config) else Config(), epoch=epoch)


def settings() -> Sheet:
    """Draw the settings and give the sheet that they describe."""
    return MEMORY.settle(lambda before: replace(before, **(_own(before) if before.case == OWN else _numbers(before))))


def _own(sheet: Sheet) -> dict[str, Any]:
    st.caption(controls.why(sheet.config))
    epoch = st.slider(
        "After epoch", 0, MOST_EPOCHS, **MEMORY.held("epoch", sheet.epoch), help="Trained with the settings of the playground."
    )
    rows = st.slider("Examples in the batch", 1, MOST_ROWS, **MEMORY.held("rows", sheet.rows))
    return {"epoch": epoch, "rows": rows}


def _numbers(sheet: Sheet) -> dict[str, Any]:
    """A field for every number of an example."""
    titles = titles_of(sheet)
    found: list[float] = []
    for start in range(0, len(titles), 2):
        for column, i in zip(st.columns(2, gap="small"), range(start, min(start + 2, len(titles))), strict=False):
            value = column.number_input(
                titles[i], -BIGGEST, BIGGEST, step=None, format="%g", **MEMORY.held(f"number{i}", float(sheet.values[i]))
            )
            found.append(sheet.values[i] if value is None else float(value))
    usual = sheet.example.values if sheet.example else ()
    st.button("As in the source", icon=":material/undo:", disabled=tuple(found) == usual, on_click=_restore, width="stretch")
    return {"numbers": () if tuple(found) == usual else tuple(found)}


def titles_of(sheet: Sheet) -> list[str]:
    """What each number of an example is called."""
    wide = sheet.network.inputs
    inputs = ["Input x"] if wide == 1 else [f"Input x{i + 1}".translate(SUBS) for i in range(wide)]
    return [*inputs, "Target y", *(sheet.label(weight) for weight in sheet.weights), "Learning rate α"]


def _restore() -> None:
    MEMORY.load(switched(MEMORY.chosen, MEMORY.chosen.case))
    MEMORY.touch()


def weight(sheet: Sheet) -> None:
    """The list of weights; the drawing below chooses the same."""
    st.session_state["working.weight"] = spell(*sheet.chosen)
    st.selectbox("The gradient of", sheet.weights, format_func=sheet.label, key="working.weight", on_change=_take_weight, width=220)


def _take_weight() -> None:
    _choose(st.session_state.get("working.weight"))


def take_press() -> None:
    """A weight was pressed in the drawing."""
    _choose(diagram.picked())


def _choose(name: str | None) -> None:
    if name in MEMORY.chosen.weights:
        MEMORY.put(replace(MEMORY.chosen, weight=name))
        MEMORY.touch()
