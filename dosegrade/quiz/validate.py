"""Tells the author of a quiz everything that is wrong with it, the mistakes that its cases cannot show or tell apart included."""

from __future__ import annotations

from pathlib import Path

from dosegrade.errors import SpecError
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import load

SEEDS = (0, 1, 2)


def findings(path: str | Path) -> list[str]:
    """One sentence a finding; SpecError where the file cannot be read at all."""
    quiz = load(path)
    found: list[str] = []
    for question in quiz.questions:
        found += [f"{quiz.id}: {question.id}: {finding}" for finding in code_findings(question)]
    return found


def code_findings(question: Code) -> list[str]:
    """What the cases of some seeds leave hidden or alike."""
    found: list[str] = []
    for seed in SEEDS:
        try:
            bank = question.bank(seed)
        except SpecError as error:
            return [str(error)]
        found += [f"seed {seed}: the cases cannot tell {one} from {other}" for one, other in bank.twins()]
    return found
