"""The derivation page's controls: widgets in, one Sheet out. What stands in the widgets is kept in the session under `working.set.*`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.errors import DosegradeError, SpecError
from dosegrade.nn.training import Config
from dosegrade.web import address, controls, diagram
from dosegrade.web.session import Run
from dosegrade.web.working import BIGGEST, CASES, EXAMPLES, MOST_EPOCHS, MOST_ROWS, OWN, SUBS, Sheet, from_query, spell, switched, to_query

PAGE = "working"
WIDGETS = "working.set."
ICONS = {"dose": "medication", "scaled": "straighten", "lecture": "school", "dead": "power_settings_new", OWN: "play_circle"}
NOW = "working.now"
COMPLAINT = "working.complaint"


def chosen() -> Sheet:
    """The last sheet that made sense."""
    sheet = st.session_state.get(NOW)
    return sheet if isinstance(sheet, Sheet) else Sheet()


def load(sheet: Sheet) -> None:
    """Put a sheet into the widgets. Only before they are drawn, or in a callback."""
    for key in [key for key in st.session_state if str(key).startswith(WIDGETS)]:
        del st.session_state[key]
    st.session_state[NOW] = sheet


def follow_link() -> None:
    """Take the sheet from a new address; where it cannot be read, say why and keep the last one."""
    returning = NOW in st.session_state and "working.case" not in st.session_state
    query = address.arrived(PAGE)
    if query is None or (returning and not query):
        return
    st.session_state.pop(COMPLAINT, None)
    try:
        load(from_query(query))
    except DosegradeError as problem:
        load(chosen())
        st.session_state[COMPLAINT] = f"This link cannot be used as it is. {problem} Shown instead: the last example that worked."


def examples() -> None:
    """The examples, and what is worth seeing in the one that is chosen."""
    sheet = chosen()
    st.session_state["working.case"] = sheet.case
    st.pills("Example", CASES, format_func=_title, key="working.case", on_change=_take_example, label_visibility="collapsed")
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
    return f":material/{ICONS[case]}: " + ("Your playground network" if case == OWN else EXAMPLES[case].title)


def _take_example() -> None:
    case = st.session_state.get("working.case")
    if case is None:
        return
    try:
        load(of_playground() if case == OWN else switched(chosen(), case))
        touch()
    except SpecError as problem:
        st.session_state[COMPLAINT] = f"{problem} Shown instead: the last example that worked."


def of_playground() -> Sheet:
    """The network on the visitor's playground, at the epoch that it shows."""
    config, run = st.session_state.get("config"), st.session_state.get("run")
    epoch = min(run.shown, MOST_EPOCHS) if isinstance(run, Run) and run.config == config else 0
    return Sheet(OWN, config=config if isinstance(config, Config) else Config(), epoch=epoch)


def settings() -> Sheet:
    """Draw the settings and give the sheet that they describe; where they make none, a sentence, and the last one stays."""
    before = chosen()
    try:
        sheet = replace(before, **(_own(before) if before.case == OWN else _numbers(before)))
    except SpecError as problem:
        st.warning(f"{problem} Shown is the last example that worked.", icon=":material/error:")
        return before
    if sheet != before:
        st.session_state[NOW] = sheet
    return sheet


def _own(sheet: Sheet) -> dict[str, Any]:
    st.caption(controls.why(sheet.config))
    epoch = st.slider("After epoch", 0, MOST_EPOCHS, **_held("epoch", sheet.epoch), help="Trained with the settings of the playground.")
    rows = st.slider("Examples in the batch", 1, MOST_ROWS, **_held("rows", sheet.rows))
    return {"epoch": epoch, "rows": rows}


def _numbers(sheet: Sheet) -> dict[str, Any]:
    """A field for every number of an example."""
    titles = titles_of(sheet)
    found: list[float] = []
    for start in range(0, len(titles), 2):
        for column, i in zip(st.columns(2, gap="small"), range(start, min(start + 2, len(titles))), strict=False):
            value = column.number_input(titles[i], -BIGGEST, BIGGEST, step=None, format="%g", **_held(f"number{i}", float(sheet.values[i])))
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
    load(switched(chosen(), chosen().case))
    touch()


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
    if name in chosen().weights:
        st.session_state[NOW] = replace(chosen(), weight=name)
        touch()


def show_address(sheet: Sheet) -> None:
    """The sheet in the address bar, or the sentence on a link that could not be used."""
    if COMPLAINT in st.session_state:
        st.warning(st.session_state[COMPLAINT], icon=":material/link_off:")
    else:
        address.put(PAGE, to_query(sheet))


def _held(name: str, value: Any) -> dict[str, Any]:
    """Keywords that tie a widget to the session; where the session holds nothing yet, it takes `value`."""
    key = WIDGETS + name
    st.session_state.setdefault(key, value)
    return {"key": key, "on_change": touch}


def touch() -> None:
    """The reader changed something."""
    address.touch(PAGE)
    st.session_state.pop(COMPLAINT, None)
