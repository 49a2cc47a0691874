"""A report on the page. What comes from a student (messages, prints, file names) is plain text or code there, never Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import streamlit as st

from dosegrade.grading.outcome import Problem
from dosegrade.grading.render import points
from dosegrade.grading.report import Check, Diagnosis, QuestionReport, Report
from dosegrade.web.typeset import plain, sentence

AROUND = 2
BADGES = {
    "correct": ("green", "check"),
    "follow-through": ("blue", "subdirectory_arrow_right"),
    "partial": ("orange", "contrast"),
    "wrong": ("red", "close"),
    "missing": ("gray", "remove"),
    "not-checked": ("gray", "help"),
}
WORDS = {
    "correct": "right",
    "follow-through": "follows from your own values",
    "partial": "partly right",
    "wrong": "not right",
    "missing": "not answered",
    "not-checked": "not checked",
}
PROBLEMS = {
    "syntax": "Python cannot read this program",
    "missing-function": "The function is not there",
    "signature": "The function takes other arguments",
    "exception": "The program raised an exception",
    "exit": "The program ended its own process",
    "return": "Something else was promised than came back",
    "shape": "The shape is not the promised one",
    "not-finite": "Some numbers are not finite",
    "timeout": "The program did not come back in time",
    "memory": "The program ran out of memory",
    "output": "The program returned too much",
    "crash": "The program crashed",
    "forbidden": "The program asked for something that is not allowed",
    "unreadable": "The file cannot be read",
    "sandbox": "The checker itself failed; this costs nothing",
}
FORM = ("return", "shape", "not-finite")


def badge(verdict: str, label: str = "") -> None:
    """A verdict in colour, sign and words."""
    color, icon = BADGES[verdict]
    st.badge(label or WORDS[verdict], icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]


def tag(verdict: str) -> str:
    """A verdict as a badge within Markdown."""
    color, icon = BADGES[verdict]
    return f":{color}-badge[:material/{icon}: {WORDS[verdict]}]"


def show(report: Report, titles: Mapping[str, str], source: str | None = None) -> None:
    """The whole report; `source` is the program as one text, to quote the line of a problem from."""
    problem = common(report.questions)
    one = len(report.questions) == 1
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader(f"{points(report.score, report.max_score)} points", width="content")
        badge(report.verdict)
    for note in report.notes:
        st.text(note)
    if problem is not None:
        trouble(problem, source)
        return
    for question in report.questions:
        with st.container(border=not one):
            if not one:
                head(question, titles.get(question.id, question.id))
            body(question, source)


def common(questions: Sequence[QuestionReport]) -> Problem | None:
    """The one problem that all questions have, where it is about the file."""
    first = questions[0].problem
    file_wide = first is not None and first.kind in ("syntax", "unreadable", "sandbox")
    return first if file_wide and all(q.problem == first for q in questions) else None


def head(question: QuestionReport, title: str) -> None:
    """Title, verdict and marks in one row."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{title}**", width="content")
        badge(question.verdict)
        st.markdown(points(question.score, question.max_score), width="content")


def body(question: QuestionReport, source: str | None = None) -> None:
    """Problem, named mistakes, marks by quantity, notes, and what was printed."""
    if question.problem is not None:
        trouble(question.problem, source)
    mistakes(question.diagnoses)
    if question.problem is None or question.problem.kind in FORM:
        quantities(question.checks)
    for note in question.notes:
        st.text(f"Note: {note}")
    if question.printed:
        st.caption("What the program printed")
        st.code(question.printed, language=None, wrap_lines=True)


def trouble(problem: Problem, source: str | None) -> None:
    """What kept the program from being marked, and the lines where it happened."""
    where = f", line {problem.line}" if problem.line else ""
    st.error(f"**{PROBLEMS.get(problem.kind, problem.kind)}**{where}", icon=":material/report:")
    st.code(problem.message, language=None, wrap_lines=True)
    if source is not None and problem.line:
        st.caption("Where to look")
        st.code(excerpt(source, problem.line), language="python")


def excerpt(source: str, line: int) -> str:
    """The lines around one, numbered, an arrow before it."""
    lines = source.splitlines()
    low, high = max(1, line - AROUND), min(len(lines), line + AROUND)
    return "\n".join(f"{'→' if n == line else ' '} {n:4}  {lines[n - 1][:200]}" for n in range(low, high + 1))


def mistakes(found: Sequence[Diagnosis]) -> None:
    """Each named mistake with its hint; `perhaps` where several explain the answer."""
    if found and any(d.group is not None for d in found):
        st.caption("Two mistakes together explain this answer:")
    for d in found:
        sure = "" if d.certain or d.group is not None else "Perhaps: "
        st.warning(d.hint, title=f"{sure}{d.name.replace('-', ' ')} ({d.code})", icon=":material/lightbulb:")


def shade(check: Check) -> str:
    """A check's verdict, `partial` where a wrong one still earned something."""
    return "partial" if check.verdict == "wrong" and check.score > 0 else check.verdict


def quantities(checks: Sequence[Check]) -> None:
    """The marks by quantity, those of which the same is said side by side, with where to look."""
    for (verdict, message), group in groupby(sorted(checks, key=lambda c: c.verdict != "correct"), key=lambda c: (shade(c), c.message)):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            for c in group:
                badge(verdict, f"{plain(c.name)}: {points(c.score, c.max_score)}")
            if message or verdict != "correct":
                st.text(sentence(message or WORDS[verdict]))
