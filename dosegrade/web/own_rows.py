"""A reader's own rows: a table to type into, a file to read, a sentence for what cannot be used."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from dosegrade.data import OWN, own
from dosegrade.errors import DosegradeError
from dosegrade.nn.config import SUITED, TASKS, Config

FIRST = "x,y\n0,1.1\n1,1.9\n2,3.2\n3,3.8\n4,4.1\n5,3.9\n6,3.1\n7,2.2\n8,0.8"
FILE, TASK, START, TABLE = "own.file", "set.own_task", "set.rows.start", "set.rows.table"
COMPLAINT = "own.complaint"
Take = Callable[[Config], None]


def settings(config: Config, take: Take) -> dict[str, Any]:
    """Draw the field for a file and the table, and give back the keywords `own` and `own_task`; `take` puts another Config in place."""
    st.file_uploader("A file of rows", ["csv", "tsv", "txt"], key=FILE, on_change=_take_file, args=(config, take), help=f"{own.HOW}.")
    if COMPLAINT in st.session_state:
        st.warning(st.session_state[COMPLAINT], icon=":material/error:")
    text = _table(config.own)
    st.session_state.setdefault(TASK, config.own_task)
    st.radio("The last column is", TASKS, format_func=_said, horizontal=True, key=TASK, on_change=_take_task, args=(config, take))
    return {"own": text, "own_task": config.own_task}


def _said(task: str) -> str:
    return "a number" if task == "regression" else "a class, 0 or 1"


def _table(text: str) -> str:
    """The rows in a table, and the text of what became of them."""
    table = own.read(st.session_state.setdefault(START, text))  # what is edited must not change under the edits
    columns = {name: column.tolist() for name, column in zip(table.names, table.rows.T, strict=True)}
    edited = st.data_editor(columns, num_rows="dynamic", height=230, key=TABLE, on_change=_touch)
    lines = zip(*(edited[name] for name in table.names), strict=True)
    return "\n".join([",".join(table.names), *(",".join("" if cell is None else str(cell) for cell in line) for line in lines)])


def _touch() -> None:
    st.session_state["touched"] = True
    st.session_state.pop(COMPLAINT, None)


def _take_file(config: Config, take: Take) -> None:
    given = st.session_state.get(FILE)
    _touch()
    if given is not None:
        _try(config, take, _decoded(given.getvalue()), "regression", "The table keeps its last rows.")


def _decoded(data: bytes) -> str:
    """The text of a file; spreadsheets write UTF-16, too, and begin it so."""
    return data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig", errors="replace")


def _take_task(config: Config, take: Take) -> None:
    _touch()
    if not _try(config, take, config.own, st.session_state[TASK], "The last column stays a number."):
        st.session_state[TASK] = config.own_task


def _try(config: Config, take: Take, text: str, task: str, otherwise: str) -> bool:
    try:
        take(placed(config, text, task))
    except DosegradeError as problem:
        st.session_state[COMPLAINT] = f"{problem} {otherwise}"
        return False
    return True


def placed(config: Config, text: str, task: str) -> Config:
    """The same network on rows of one's own; inputs, output and loss change where the kind of the data does."""
    source = own.source_of(text, task)
    names = config.features if source.dimensions == config.source.dimensions else ()
    output, loss = (config.output, config.loss) if task == config.task else SUITED[task]
    batch = config.batch if config.batch <= len(own.read(text).rows) else 0
    return replace(config, data=OWN, own=text, own_task=task, features=names, output=output, loss=loss, batch=batch)
