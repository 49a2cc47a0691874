"""A quiz on the page: a card for each question, marks and feedback after an answer, the way through a long quiz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dosegrade.grading.render import points
from dosegrade.quiz.kinds import Code, Question, Variant
from dosegrade.quiz.show import worked
from dosegrade.web import checker, fields, marks, sitting, typeset
from dosegrade.web.put_in import digits, tex
from dosegrade.web.sitting import Sitting, Work

SELF_CHECK = Path(__file__).parent / "app_pages" / "self_check.py"
LIST = 520


def questions(at: Sitting) -> None:
    """All questions of a short quiz, one of a long one."""
    shown = at.quiz.questions if at.short else at.quiz.questions[at.place : at.place + 1]
    if not at.short:
        steer(at)
    for question in shown:
        with st.container(border=True):
            if isinstance(question, Code):
                code_card(at, question)
            else:
                card(at, question)


def steer(at: Sitting) -> None:
    """The way through a long quiz: back, a list of all questions, on."""
    last = len(at.quiz.questions) - 1
    st.session_state["quiz.goto"] = at.place
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Back", icon=":material/chevron_left:", disabled=at.place == 0, on_click=sitting.go, args=(at.place - 1,))
        st.button("Next", icon=":material/chevron_right:", disabled=at.place == last, on_click=sitting.go, args=(at.place + 1,))
        st.selectbox(
            "Question",
            range(last + 1),
            key="quiz.goto",
            format_func=lambda place: listed(at, place),
            label_visibility="collapsed",
            width=LIST,
            on_change=lambda: sitting.go(st.session_state["quiz.goto"]),
        )


def listed(at: Sitting, place: int) -> str:
    """`12 of 59. How many weights change?`: the same whatever is answered, or the browser's choice would be lost."""
    return f"{place + 1} of {len(at.quiz.questions)}. {checker.title(at.quiz.questions[place])}"


def card(at: Sitting, question: Question[Any]) -> None:
    """One question: its text, its form, its hints, its marks."""
    key, work, drawn = at.key(question), at.work(question), sitting.variant(question, at.seed)
    head(question, work)
    st.markdown(typeset.markdown(drawn.text))
    with st.form(f"quiz.form.{key}", border=False):
        fields.draw(question.fields(drawn), sitting.prefix(key), work.values)
        st.form_submit_button(
            "Submit" if work.report is None else "Submit again", type="primary", on_click=sitting.submit, args=(question, key)
        )
    if work.malformed:
        st.info("**This was not marked and costs no attempt.**", icon=":material/edit:")
        st.text(work.malformed)
    elif work.report is not None:
        feedback(question, drawn, work)
    hints(key, drawn, work)


def head(question: Code | Question[Any], work: Work | None = None) -> None:
    """Title, points and, after an answer, its verdict."""
    report = None if work is None else work.report
    score = points(report.score, question.max_score) if report else f"{question.max_score:g}"
    verdict = f" {marks.tag(report.verdict)}" if report else ""
    st.markdown(f"#### {checker.title(question)} :gray-badge[{score} point{'' if score == '1' else 's'}]{verdict}")


def feedback(question: Question[Any], drawn: Variant[Any], work: Work) -> None:
    """Marks, named mistakes and the worked solution of an answer that was read."""
    report = work.report
    if report is None:
        return
    marks.mistakes(report.diagnoses)
    if len(report.checks) > 1:
        marks.quantities(report.checks)
    elif report.checks[0].message and not report.diagnoses:
        st.text(typeset.sentence(report.checks[0].message))
    for note in report.notes:
        st.markdown(typeset.markdown(note))
    solution(question, drawn)
    if work.attempts > 1:
        st.caption(f"{work.attempts} attempts")


def solution(question: Question[Any], drawn: Variant[Any]) -> None:
    """The worked solution, folded, with the derivation behind it."""
    lines = worked(drawn)
    if not drawn.solution.strip() and not lines:
        return
    with st.expander("Worked solution", icon=":material/menu_book:"):
        st.markdown(typeset.markdown(drawn.solution))
        if lines:
            st.latex(r"\begin{aligned}" + r" \\[8pt] ".join(derived(line.formula, line.result) for line in lines) + r"\end{aligned}")


def derived(formula: str, value: Any) -> str:
    """A formula and its result as a row of an aligned block, what the formula explains below it."""
    left, equals, right = formula.partition(" = ")
    if not equals:
        return rf"{left} &= {result(value)}"
    right, _, note = right.partition(",\\; ")
    return rf"{left} &= {right} \;=\; {result(value)}" + (rf" \\ & \quad {note}" if note else "")


def result(value: Any) -> str:
    """A number, vector or matrix in LaTeX; a row of one sample is a vector, one number a number."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 2 and array.shape[0] > 1:
        return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(digits(x) for x in row) for row in array) + r"\end{bmatrix}"
    return tex(array.item() if array.size == 1 else array.ravel())


def hints(key: sitting.Key, drawn: Variant[Any], work: Work) -> None:
    """Hints one by one, only those that were asked for."""
    solved = work.report is not None and work.report.verdict == "correct"
    if not drawn.hints or (solved and not work.hints):
        return
    for text in drawn.hints[: work.hints]:
        st.info(typeset.markdown(text), icon=":material/lightbulb:")
    if work.hints < len(drawn.hints) and not solved:
        label = "Hint" if not work.hints else "Another hint"
        st.button(label, icon=":material/lightbulb:", type="tertiary", key=f"quiz.hint.{key}", on_click=sitting.hint, args=(key,))


def code_card(at: Sitting, question: Code) -> None:
    """A question answered by a function: its text, and the way to the self-check."""
    head(question)
    st.markdown(typeset.markdown(question.text))
    st.page_link(
        SELF_CHECK, label="Write it and check it", icon=":material/fact_check:", query_params={"quiz": at.quiz.id, "question": question.id}
    )
