"""Draws the inputs that a kind of question names, and puts what was entered together as an answer. Knows no kind by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dosegrade.quiz.kinds import Field
from dosegrade.web.typeset import heading, option, sentence

Values = Mapping[str, Any]
CELL, NUMBER, NAME, ROW = 100, 260, 230, 72


def draw(fields: Sequence[Field], prefix: str, held: Values) -> None:
    """All inputs of a question; each is tied to the session under `prefix` and its own key, and starts with what `held` has."""
    for field in fields:
        names = cells(field)
        for name in names:
            st.session_state.setdefault(prefix + name, held.get(name, False if field.widget == "choices" else None))
        DRAWERS[field.widget](field, prefix)


def answer(fields: Sequence[Field], values: Values) -> Any:
    """The raw answer from the values of the cells: the whole where a field has no key, else a dict by key."""
    parts = {field.key: _entered(field, values) for field in fields}
    return parts[""] if "" in parts else {key: part for key, part in parts.items() if part not in ("", None, [])}


def cells(field: Field) -> list[str]:
    """The names of a field's inputs: one, or one for each option, or one for each cell of a grid."""
    if field.widget == "choices":
        return [f"{field.key}.{name}" for name, _ in field.options]
    if field.widget == "grid":
        return [f"{field.key}.{i}.{j}" for i in range(len(field.rows)) for j in range(len(field.columns))]
    return [field.key]


def _entered(field: Field, values: Values) -> Any:
    got = [values.get(name) for name in cells(field)]
    if field.widget == "choices":
        return [option for (option, _), on in zip(field.options, got, strict=True) if on]
    typed = ["" if one is None else str(one).strip() for one in got]
    if field.widget != "grid":
        return typed[0]
    if _vector(field):
        return typed if any(typed) else []
    wide = len(field.columns)
    return [typed[i : i + wide] for i in range(0, len(typed), wide)] if any(typed) else []


def _vector(field: Field) -> bool:
    return not any(field.columns)


def _label(field: Field) -> str:
    return field.label or "Your answer"


def _ordered(field: Field) -> dict[str, str]:
    """The options, letters in the order of the alphabet."""
    letters = all(len(name) == 1 for name, _ in field.options)
    return dict(sorted(field.options) if letters else field.options)


def _choice(field: Field, prefix: str) -> None:
    texts = _ordered(field)
    st.radio(
        _label(field),
        list(texts),
        index=None,
        key=prefix + field.key,
        format_func=lambda name: option(name, texts[name]),
        label_visibility="visible" if field.label else "collapsed",
    )


def _choices(field: Field, prefix: str) -> None:
    st.caption("Choose all that hold.")
    for name, text in _ordered(field).items():
        st.checkbox(option(name, text), key=f"{prefix}{field.key}.{name}")


def _number(field: Field, prefix: str) -> None:
    if not field.label:
        st.text_input(_label(field), key=prefix + field.key, placeholder=field.help, width=_wide(field.help))
        return
    with _row(field):
        st.text_input(field.label, key=prefix + field.key, label_visibility="collapsed", width=CELL)


def _wide(note: str) -> int:
    """Wide enough for the note to be read in the empty input."""
    return min(560, max(NUMBER, 9 * len(note)))


def _row(field: Field) -> Any:
    """A row that begins with the field's name and note; the inputs go beside it."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.markdown(f"`{field.label}`  \n:small[:gray[{field.help}]]", width=NAME)
    return row


def _text(field: Field, prefix: str) -> None:
    if field.help:
        st.caption(sentence(field.help))
    st.text_input(_label(field), key=prefix + field.key)


def _grid(field: Field, prefix: str) -> None:
    if field.options:
        _letters(field, prefix)
    elif field.label:
        _named_grid(field, prefix)
    else:
        st.caption(sentence(field.help))
        _plain_grid(field, prefix)


def _named_grid(field: Field, prefix: str) -> None:
    """One step of a derivation: its name, its numbers beside it, row by row."""
    names = iter(cells(field))
    rows = [field.rows] if _vector(field) else [field.columns for _ in field.rows]
    with _row(field), st.container(width="content", gap="xsmall"):
        for i, row in enumerate(rows):
            with st.container(horizontal=True, gap="xsmall"):
                for j, _ in enumerate(row):
                    place = f"{field.label} [{j}]" if _vector(field) else f"{field.label} [{i}, {j}]"
                    st.text_input(place, key=prefix + next(names), label_visibility="collapsed", width=CELL)


def _plain_grid(field: Field, prefix: str) -> None:
    """A vector side by side under its labels, a table row by row."""
    if _vector(field):
        with st.container(horizontal=True, gap="small"):
            for row, cell in zip(field.rows, cells(field), strict=True):
                st.text_input(heading(row), key=prefix + cell, width=CELL)
        return
    names = iter(cells(field))
    for row in field.rows:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.markdown(f"**{heading(row)}**", width=ROW)
            for column in field.columns:
                st.text_input(heading(column), key=prefix + next(names), width=CELL)


def _letters(field: Field, prefix: str) -> None:
    """One of the options in every row: the texts once, then a row of letters for each."""
    texts = [option(name, text) for name, text in field.options if name != text]
    if texts:
        st.markdown("  \n".join(texts))
    letters = [name for name, _ in field.options]
    for row, cell in zip(field.rows, cells(field), strict=True):
        if row.isdigit():
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"{row}\\.", width=ROW // 3)
                st.segmented_control(f"Place {row}", letters, key=prefix + cell, label_visibility="collapsed")
        else:
            st.segmented_control(row.replace(". ", "\\. ", 1), letters, key=prefix + cell)


DRAWERS: dict[str, Callable[[Field, str], None]] = {
    "choice": _choice,
    "choices": _choices,
    "number": _number,
    "text": _text,
    "grid": _grid,
}
