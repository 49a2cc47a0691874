"""What the self-check page keeps in the session: the question chosen, the program as it stands, the ticket under way, the last report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dosegrade.errors import SandboxError, SubmissionError
from dosegrade.grading.report import Report
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import Quiz
from dosegrade.quiz.starter import function
from dosegrade.web import address, marks, typeset
from dosegrade.web.desk import Allowance, Desk, Paper, Ticket, taken
from dosegrade.web.shelf import quizzes

PAGE = "check"
ALL = "all"
BIGGEST_SEED = 2**31 - 1
UPLOAD_MB = 20
LOOK_AGAIN = 0.3
EDITOR = 300
MONOSPACE = (
    "<style>.st-key-check_source textarea {font: 0.875rem/1.55 'Source Code Pro', monospace; white-space: pre; overflow-x: auto}</style>"
)
PASTE, UPLOAD = "Paste", "Upload"


@dataclass(frozen=True)
class Choice:
    """What is to be checked: some code questions of a quiz, at a seed."""

    quiz: Quiz
    codes: tuple[Code, ...]
    seed: int

    @property
    def question(self) -> str:
        """The question's id, or ALL."""
        return self.codes[0].id if len(self.codes) == 1 else ALL


@dataclass(frozen=True)
class Finished:
    """A report with what is needed to show it."""

    report: Report
    titles: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The one desk of this server."""
    return Desk()


def title(question: Any) -> str:
    """A question's title, its id where it has none."""
    return str(question.title or question.id)


def choose() -> Choice | None:
    """Draw the choice of quiz, question and seed; None where no quiz asks for code."""
    asked = {name: quiz for name, quiz in quizzes().items() if quiz.codes}
    if not asked:
        return None
    _follow(asked)
    left, middle, right = st.columns([5, 5, 2])
    name = left.selectbox("Quiz", list(asked), format_func=lambda n: asked[n].title, **_held("quiz", next(iter(asked))))
    codes = {code.id: code for code in asked[name].codes}
    options = [*codes, ALL] if len(codes) > 1 else list(codes)
    if st.session_state.get("check.question") not in options:
        st.session_state["check.question"] = options[0]
    one = middle.selectbox(
        "Question", options, format_func=lambda q: title(codes[q]) if q in codes else "All questions", **_held("question", options[0])
    )
    note = "Another seed draws other hidden cases; the same seed draws the same."
    seed = right.number_input("Seed", 0, BIGGEST_SEED, step=1, help=note, **_held("seed", 0))
    choice = Choice(asked[name], tuple(codes.values()) if one == ALL else (codes[one],), int(seed or 0))
    if "check.complaint" in st.session_state:
        st.warning(st.session_state["check.complaint"], icon=":material/link_off:")
    else:
        address.put(PAGE, {"quiz": name, "question": choice.question} | ({"seed": str(choice.seed)} if choice.seed else {}))
    return choice


def _follow(asked: Mapping[str, Quiz]) -> None:
    """Take the choice from a new address; a sentence where it cannot be used."""
    query = address.arrived(PAGE)
    if not query:
        return
    st.session_state.pop("check.complaint", None)
    name = query.get("quiz", "")
    known = name in asked
    ids = [code.id for code in asked[name].codes] + [ALL] if known else []
    seed = address.whole(query.get("seed", "0"), 0, BIGGEST_SEED)
    if not known or query.get("question", ALL) not in ids or seed is None:
        what = "a quiz" if not known else "a question" if seed is not None else "a seed"
        st.session_state["check.complaint"] = f"This link names {what} that is not here. Choose below what to check."
        return
    st.session_state.update({"check.quiz": name, "check.question": query.get("question", ids[0]), "check.seed": seed})


def _held(name: str, value: Any) -> dict[str, Any]:
    key = f"{PAGE}.{name}"
    kept = f"{PAGE}.kept.{name}"
    st.session_state.setdefault(key, st.session_state.get(kept, value))
    st.session_state[kept] = st.session_state[key]
    return {"key": key, "on_change": _touch}


def _touch() -> None:
    address.touch(PAGE)
    st.session_state.pop("check.complaint", None)


def task(choice: Choice) -> None:
    """The question as it is asked, with the function to start from."""
    if choice.quiz.text.strip():
        with st.expander("About this quiz", icon=":material/info:"):
            st.markdown(typeset.markdown(choice.quiz.text))
    if len(choice.codes) > 1:
        st.markdown("Hand in one file with all of these functions. What is not in it counts as not answered.")
    for code in choice.codes:
        if len(choice.codes) > 1:
            with st.expander(title(code)):
                asked(code)
        else:
            asked(code)


def asked(code: Code) -> None:
    """One question's text and its function to fill in."""
    st.markdown(typeset.markdown(code.text))
    st.code(f"import numpy as np\n{function(code)}", language="python", wrap_lines=True)


def form(choice: Choice, disabled: bool) -> None:
    """The program, pasted or uploaded, and the button."""
    way = st.segmented_control("Hand in", [PASTE, UPLOAD], required=True, disabled=disabled, **_held("way", PASTE))
    with st.form("check.form", border=False):
        if way == UPLOAD:
            upload = st.file_uploader(
                "A .py file, a notebook, or a .zip of these",
                ["py", "ipynb", "zip"],
                max_upload_size=UPLOAD_MB,
                key="check.file",
                disabled=disabled,
            )
        else:
            st.html(MONOSPACE)
            with st.container(key="check_source"):
                st.text_area("Your program", height=EDITOR, placeholder="Paste your function here.", disabled=disabled, **_kept_text())
        pressed = st.form_submit_button("Check", type="primary", icon=":material/play_arrow:", disabled=disabled or ticket() is not None)
    if pressed:
        name, data = ("solution.py", st.session_state["check.source"].encode("utf-8", "replace")) if way != UPLOAD else _uploaded(upload)
        hand_in(choice, name, data)


def _kept_text() -> dict[str, Any]:
    st.session_state.setdefault("check.source", st.session_state.get("check.kept.source", ""))
    st.session_state["check.kept.source"] = st.session_state["check.source"]
    return {"key": "check.source"}


def _uploaded(upload: Any) -> tuple[str, bytes]:
    return ("nothing.py", b"") if upload is None else (upload.name, upload.getvalue())


def hand_in(choice: Choice, name: str, data: bytes) -> None:
    """Give a program to the desk, one at a time; a sentence where it is not taken. What was typed stays."""
    if ticket() is not None:
        return
    try:
        paper = Paper(choice.quiz, choice.codes, name, taken(name, data), choice.seed)
        st.session_state.setdefault("check.allowance", Allowance()).use()
        st.session_state["check.ticket"] = desk().hand_in(paper)
    except SubmissionError as error:
        st.warning(str(error), icon=":material/info:")
        return
    for old in ("check.finished", "check.failure"):
        st.session_state.pop(old, None)
    st.rerun()


def ticket() -> Ticket | None:
    """The program under way."""
    found = st.session_state.get("check.ticket")
    return found if isinstance(found, Ticket) else None


def outcome() -> None:
    """The last report, or our own failure."""
    failure, found = st.session_state.get("check.failure"), st.session_state.get("check.finished")
    if failure:
        st.error("**The program was not checked.** This is no fault of yours, and your text is still here.", icon=":material/report:")
        st.code(failure, language=None, wrap_lines=True)
    elif isinstance(found, Finished):
        marks.show(found.report, found.titles, found.source)
        st.caption("Marks here count nowhere: check as often as you like. Another seed draws other hidden cases.")


@st.fragment(run_every=LOOK_AGAIN)
def follow(waiting: Ticket) -> None:
    """Say how far the program is, and show its report when it is there."""
    if waiting.report.done():
        _take(waiting)
        st.rerun()
    before = desk().ahead(waiting)
    limit = waiting.paper.quiz.limits.wall_seconds
    if before:
        st.info(f"{before} program{'s' if before > 1 else ''} before yours.", icon=":material/hourglass_top:")
    else:
        words = f"Checking for {waiting.waited:.0f} s. A program that does not return is stopped after {limit:g} s."
        st.info(words, icon=":material/hourglass_top:")


def _take(waiting: Ticket) -> None:
    """The result of a ticket into the session."""
    st.session_state.pop("check.ticket", None)
    paper = waiting.paper
    try:
        report = waiting.report.result()
    except SandboxError as error:
        st.session_state["check.failure"] = str(error)
        return
    st.session_state["check.finished"] = Finished(report, {code.id: title(code) for code in paper.codes}, paper.text)
