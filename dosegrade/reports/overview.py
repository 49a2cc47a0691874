"""What a class's reports say together: the distribution of scores, how hard each question and quantity is, which mistakes are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from dosegrade.grading.render import points

BINS = 10
VERDICTS = ("correct", "follow-through", "partial", "wrong", "missing", "not-checked")


@dataclass
class Tallied:
    """A question or one of its quantities over all students: how many have each verdict, and the share of the points."""

    name: str
    verdicts: Counter[str] = field(default_factory=Counter)
    score: float = 0.0
    max_score: float = 0.0
    parts: dict[str, Tallied] = field(default_factory=dict)

    def add(self, found: Mapping[str, Any]) -> None:
        """One student more."""
        self.verdicts[found["verdict"]] += 1
        self.score += found["score"]
        self.max_score += found["max_score"]

    @property
    def percent(self) -> float:
        """Points earned, of 100."""
        return 100 * self.score / self.max_score if self.max_score else 0.0

    @property
    def shares(self) -> list[tuple[str, int, float]]:
        """Verdict, number of students, percent; only verdicts that occur."""
        total = sum(self.verdicts.values())
        return [(v, self.verdicts[v], 100 * self.verdicts[v] / total) for v in VERDICTS if self.verdicts[v]]


@dataclass
class Mistake:
    """A mistake of the catalogue: the students whose answers it explains, and those whom it alone explains."""

    code: str
    name: str
    hint: str
    questions: set[str] = field(default_factory=set)
    students: int = 0
    certain: int = 0


@dataclass
class Student:
    """One row: `marks` are codes of mistakes and kinds of problems."""

    name: str
    score: str
    percent: float
    verdict: str
    marks: list[str]
    link: str


@dataclass
class Overview:
    """A class, one report at a time."""

    quiz: str = ""
    students: list[Student] = field(default_factory=list)
    questions: dict[str, Tallied] = field(default_factory=dict)
    mistakes: dict[str, Mistake] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, reports: Iterable[Mapping[str, Any]]) -> Overview:
        """The overview of some reports."""
        overview = cls()
        for report in reports:
            overview.add(report)
        return overview

    def add(self, report: Mapping[str, Any]) -> None:
        """One student more."""
        self.quiz = report["quiz"]
        for question in report["questions"]:
            tallied = self.questions.setdefault(question["id"], Tallied(question["id"]))
            tallied.add(question)
            for check in question["checks"]:
                tallied.parts.setdefault(check["name"], Tallied(check["name"])).add(check)
        found = [(q["id"], d) for q in report["questions"] for d in q["diagnoses"]]
        self._mistaken(found)
        problems = sorted({q["problem"]["kind"] for q in report["questions"] if q["problem"]})
        self.problems.update(problems)
        percent = 100 * report["score"] / report["max_score"] if report["max_score"] else 0.0
        codes = sorted({d["code"] for _, d in found})
        score = points(report["score"], report["max_score"])
        self.students.append(Student(report["submission"], score, percent, report["verdict"], codes + problems, report.get("report", "")))

    def _mistaken(self, found: list[tuple[str, Mapping[str, Any]]]) -> None:
        for code in {d["code"] for _, d in found}:
            mine = [(question, d) for question, d in found if d["code"] == code]
            first = mine[0][1]
            mistake = self.mistakes.setdefault(code, Mistake(code, first["name"].replace("-", " "), first["hint"]))
            mistake.questions |= {question for question, _ in mine}
            mistake.students += 1
            mistake.certain += any(d["certain"] for _, d in mine)

    @property
    def ranked(self) -> list[Mistake]:
        """The mistakes, those of most students first."""
        return sorted(self.mistakes.values(), key=lambda m: (-m.students, -m.certain, m.code))

    @property
    def bins(self) -> list[tuple[str, int, float]]:
        """The distribution: range in percent, students, height of the bar in percent."""
        count = Counter(min(BINS - 1, max(0, int(student.percent * BINS / 100 + 1e-9))) for student in self.students)
        most = max(count.values(), default=1)
        width = 100 // BINS
        return [(f"{i * width}–{(i + 1) * width}", count[i], 100 * count[i] / most) for i in range(BINS)]

    @property
    def mean(self) -> float:
        """The mean score, of 100."""
        return mean(student.percent for student in self.students) if self.students else 0.0

    @property
    def median(self) -> float:
        """The median score, of 100."""
        return median(student.percent for student in self.students) if self.students else 0.0

    def number(self, verdict: str) -> int:
        """Students with a verdict."""
        return sum(student.verdict == verdict for student in self.students)
