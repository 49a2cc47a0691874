"""A report is what grading says: verdicts and points by check, problems, and the mistakes that explain the answer (CONTRACT 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dosegrade.grading.outcome import Problem

SCHEMA = 1


@dataclass(frozen=True)
class Check:
    """One quantity's verdict: `correct`, `follow-through`, `wrong`, `missing` or `not-checked`."""

    name: str
    verdict: str
    score: float
    max_score: float
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The report's form."""
        return {"name": self.name, "verdict": self.verdict, "score": self.score, "max_score": self.max_score, "message": self.message}


@dataclass(frozen=True)
class Diagnosis:
    """A catalogue entry that explains the answer; `also` are codes that compute the same here, `group` joins a combination."""

    code: str
    name: str
    hint: str
    certain: bool
    also: tuple[str, ...] = ()
    group: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report's form; `also` and `group` only where they say something."""
        table: dict[str, Any] = {"code": self.code, "name": self.name, "hint": self.hint, "certain": self.certain}
        if self.also:
            table["also"] = list(self.also)
        if self.group is not None:
            table["group"] = self.group
        return table


@dataclass(frozen=True)
class QuestionReport:
    """One question: `notes` tell what was accepted although unusual, `printed` what the program printed."""

    id: str
    kind: str
    score: float
    max_score: float
    verdict: str
    problem: Problem | None = None
    checks: tuple[Check, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    printed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The report's form."""
        return {
            "id": self.id,
            "kind": self.kind,
            "score": self.score,
            "max_score": self.max_score,
            "verdict": self.verdict,
            "problem": None if self.problem is None else self.problem.to_dict(),
            "checks": [check.to_dict() for check in self.checks],
            "diagnoses": [diagnosis.to_dict() for diagnosis in self.diagnoses],
            "notes": list(self.notes),
            "printed": self.printed,
        }


@dataclass(frozen=True)
class Report:
    """One submission to one quiz."""

    quiz: str
    submission: str
    seed: int
    questions: tuple[QuestionReport, ...]
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The sum of the questions' scores, unrounded."""
        return float(sum(q.score for q in self.questions))

    @property
    def max_score(self) -> float:
        """The most that can be had."""
        return float(sum(q.max_score for q in self.questions))

    @property
    def verdict(self) -> str:
        """As for a question: `not-checked` where any question is, `missing` where all are."""
        verdicts = {q.verdict for q in self.questions}
        if "not-checked" in verdicts:
            return "not-checked"
        return "missing" if verdicts == {"missing"} else verdict_of(self.score, self.max_score)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of CONTRACT 3."""
        table: dict[str, Any] = {"schema": SCHEMA, "quiz": self.quiz, "submission": self.submission, "seed": self.seed}
        table |= {"score": self.score, "max_score": self.max_score, "verdict": self.verdict}
        table |= {"notes": list(self.notes), **self.extra}
        return table | {"questions": [q.to_dict() for q in self.questions]}

    def _repr_html_(self) -> str:
        from dosegrade.grading.render import html

        return html(self.to_dict())

    def __str__(self) -> str:
        from dosegrade.grading.render import text

        return text(self.to_dict())


def verdict_of(score: float, max_score: float) -> str:
    """`correct`, `partial` or `wrong` by the points."""
    if score >= max_score - 1e-9:
        return "correct"
    return "partial" if score > 0 else "wrong"
