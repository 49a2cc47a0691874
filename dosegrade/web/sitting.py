"""A sitting is one visitor's work on the quizzes: which quiz and variant, what was entered, what it earned. Nothing of it is stored.

A question's key, solution and hints leave the server only once they are asked for: hints one by one, the rest after an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import streamlit as st

from dosegrade.grading.render import points
from dosegrade.grading.report import QuestionReport
from dosegrade.quiz.kinds import Question, Variant
from dosegrade.quiz.question import Quiz
from dosegrade.web import address, fields
from dosegrade.web.shelf import quizzes

PAGE = "quiz"
FIRST = "quiz-09"
BIGGEST_SEED = 2**31 - 1
SHORT = 6
MOST_WORKS = 400
Key = tuple[str, int, str]


@dataclass
class Work:
    """One question at one seed: the values in its inputs, its report (of a readable answer), what could not be read, hints asked for."""

    values: Mapping[str, Any] = field(default_factory=dict)
    report: QuestionReport | None = None
    malformed: str = ""
    attempts: int = 0
    hints: int = 0


@dataclass(frozen=True)
class Sitting:
    """The quiz, the seed and the place in it."""

    quiz: Quiz
    seed: int
    place: int

    @property
    def short(self) -> bool:
        """Whether all questions stand on one page."""
        return len(self.quiz.questions) <= SHORT

    @property
    def varies(self) -> bool:
        """Whether another seed gives other numbers."""
        return any(q.varies for q in self.quiz.typed)

    def key(self, question: Question[Any]) -> Key:
        """Where the work on a question is kept."""
        return (self.quiz.id, self.seed, question.id)

    def work(self, question: Question[Any]) -> Work:
        """The work on a question so far."""
        return works().get(self.key(question)) or Work()

    def score(self) -> tuple[float, float, int]:
        """Points so far, the most there can be, and the number of questions answered."""
        done = [report for q in self.quiz.typed if (report := self.work(q).report) is not None]
        return sum(r.score for r in done), sum(q.max_score for q in self.quiz.typed), len(done)


def works() -> dict[Key, Work]:
    """All work of this session."""
    found: dict[Key, Work] = st.session_state.setdefault("quiz.works", {})
    while len(found) > MOST_WORKS:
        del found[next(iter(found))]
    return found


class _Same:
    """A question by identity: its tables cannot be hashed."""

    def __init__(self, question: Question[Any]) -> None:
        self.question = question

    def __hash__(self) -> int:
        return id(self.question)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.question is self.question


@lru_cache(maxsize=1024)
def _variant(question: _Same, seed: int) -> Variant[Any]:
    return question.question.variant(seed)


def variant(question: Question[Any], seed: int) -> Variant[Any]:
    """A question's variant, drawn once."""
    return _variant(_Same(question), seed)


def prefix(key: Key) -> str:
    """The session's name for the inputs of a question."""
    return f"quiz.in.{key[0]}.{key[1]}.{key[2]}."


def submit(question: Question[Any], key: Key) -> None:
    """Mark what stands in the inputs. What cannot be read, or is empty, is said and costs no attempt."""
    drawn = variant(question, key[1])
    drawn_fields = question.fields(drawn)
    values = {name: st.session_state.get(prefix(key) + name) for f in drawn_fields for name in fields.cells(f)}
    report = question.grade(drawn, fields.answer(drawn_fields, values))
    before = works().get(key) or Work()
    if report.problem is not None or report.verdict == "missing":
        words = report.problem.message if report.problem is not None else "Nothing is entered yet."
        works()[key] = Work(values, before.report, words, before.attempts, before.hints)
    else:
        works()[key] = Work(values, report, "", before.attempts + 1, before.hints)
    address.touch(PAGE)


def hint(key: Key) -> None:
    """One hint more."""
    before = works().get(key) or Work()
    works()[key] = Work(before.values, before.report, before.malformed, before.attempts, before.hints + 1)
    address.touch(PAGE)


def choose() -> Sitting | None:
    """Draw the choice of quiz, seed and place; None where there is no quiz."""
    known = quizzes()
    if not known:
        return None
    _follow(known)
    state = st.session_state
    first = FIRST if FIRST in known else next(iter(known))
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    name = left.selectbox("Quiz", list(known), format_func=lambda n: known[n].title, on_change=_other_quiz, **_held("quiz", first))
    quiz = known[name]
    sitting = Sitting(quiz, int(state.get("quiz.seed", 0)), min(int(state.get("quiz.place", 0)), len(quiz.questions) - 1))
    with right.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _standing(sitting)
    _address(sitting)
    return sitting


def _standing(sitting: Sitting) -> None:
    """Points so far, and the button for other numbers."""
    if sitting.varies:
        st.button("Fresh variant", icon=":material/casino:", on_click=_fresh, help="The same questions with other numbers.")
    words = [f"**{points(*sitting.score()[:2])} points**", f"{sitting.score()[2]} of {len(sitting.quiz.typed)} answered"]
    words += [f"seed {sitting.seed}"] if sitting.varies else []
    if sitting.quiz.typed:
        st.markdown(" · ".join(words), width="content")


def _address(sitting: Sitting) -> None:
    complaint = st.session_state.get("quiz.complaint")
    if complaint:
        st.warning(complaint, icon=":material/link_off:")
        return
    query = {"quiz": sitting.quiz.id}
    query |= {"seed": str(sitting.seed)} if sitting.seed and sitting.varies else {}
    query |= {"question": sitting.quiz.questions[sitting.place].id} if sitting.place and not sitting.short else {}
    address.put(PAGE, query)


def _follow(known: Mapping[str, Quiz]) -> None:
    """Take quiz, seed and place from a new address; a sentence where they cannot be used."""
    query = address.arrived(PAGE)
    if not query:
        return
    st.session_state.pop("quiz.complaint", None)
    quiz = known.get(query.get("quiz", FIRST))
    seed = address.whole(query.get("seed", "0"), 0, BIGGEST_SEED)
    ids = [q.id for q in quiz.questions] if quiz is not None else []
    if quiz is None or seed is None or query.get("question", ids[0]) not in ids:
        what = "a quiz" if quiz is None else "a variant" if seed is None else "a question"
        st.session_state["quiz.complaint"] = f"This link names {what} that is not here. Choose a quiz below."
        return
    place = ids.index(query.get("question", ids[0]))
    st.session_state.update({"quiz.quiz": quiz.id, "quiz.kept.quiz": quiz.id, "quiz.seed": seed, "quiz.place": place})


def _held(name: str, value: Any) -> dict[str, Any]:
    key, kept = f"quiz.{name}", f"quiz.kept.{name}"
    st.session_state.setdefault(key, st.session_state.get(kept, value))
    st.session_state[kept] = st.session_state[key]
    return {"key": key}


def _other_quiz() -> None:
    st.session_state["quiz.place"] = 0
    _touched()


def _fresh() -> None:
    st.session_state["quiz.seed"] = (int(st.session_state.get("quiz.seed", 0)) + 1) % BIGGEST_SEED
    _touched()


def go(place: int) -> None:
    """To another question of a long quiz."""
    st.session_state["quiz.place"] = place
    _touched()


def _touched() -> None:
    address.touch(PAGE)
    st.session_state.pop("quiz.complaint", None)
