"""Marks one code question: the outcome of a student's function against the exercise's bank, with partial and follow-through credit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import ROUNDOFF, ROUNDOFF_SINGLE, RTOL, RTOL_SINGLE, block_gaps, compare, first_wrong
from dosegrade.grading.cases import DIFFERENCES, Bank, Place
from dosegrade.grading.exercises import Port
from dosegrade.grading.outcome import Answer, Outcome, Problem, Record, Value
from dosegrade.grading.report import Check, Diagnosis, QuestionReport, verdict_of
from dosegrade.steps import Values, follow

Array = NDArray[Any]
SINGLE = frozenset({"float32", "float16"})
# Problems that a file may have after all calls of a function were answered.
ENDINGS = ("exception", "forbidden")


@dataclass(frozen=True)
class Marking:
    """What a question pays: points by check, the share for follow-through, the relative tolerance."""

    id: str
    points: Mapping[str, float]
    follow_through: float = 0.5
    rtol: float = RTOL

    @property
    def max_score(self) -> float:
        """All points."""
        return float(sum(self.points.values()))


class Column(Sequence[Array]):
    """One quantity at every call, of which each is cut from the flat vector when it is asked for."""

    def __init__(self, flat: Array, places: Sequence[Place]) -> None:
        self._flat, self._places = flat, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Array]: ...
    def __getitem__(self, index: int | slice) -> Array | Sequence[Array]:
        if isinstance(index, slice):
            return Column(self._flat, self._places[index])
        start, end, shape = self._places[index]
        return self._flat[start:end].reshape(shape)


@dataclass
class Judged:
    """One promised quantity over all calls: its values where they can be compared, or the flaw that prevents it."""

    port: Port
    values: Sequence[Array] | None = None
    flaw: Problem | None = None
    missing: bool = False
    single: bool = False
    verdict: str = "wrong"
    message: str = ""

    @property
    def correct(self) -> bool:
        return self.verdict == "correct"

    @property
    def usable(self) -> bool:
        """Whether there is a value to compare at every call."""
        return self.values is not None and self.flaw is None


def grade(marking: Marking, bank: Bank, outcome: Outcome, kind: str = "code") -> QuestionReport:
    """The report on one question. Nothing here raises, whatever the student returned."""
    if outcome.problem is not None and not (outcome.problem.kind in ENDINGS and len(outcome.answers) == len(bank.calls)):
        return stopped(marking, outcome, kind)
    judged, whole = taken(bank, outcome.answers)
    answers = Flat(bank, judged, marking.rtol, whole)
    compared(bank, judged, answers)
    followed(bank, judged, marking.rtol)
    checks = tuple(check(j, marking) for j in judged)
    score = float(sum(c.score for c in checks))
    wrong = [j for j in judged if not j.correct]
    diagnoses = explained(bank, judged, outcome.answers, answers)
    if wrong and not diagnoses:
        checks = tuple(hinted(c, j, bank) for c, j in zip(checks, judged, strict=True))
    return QuestionReport(
        marking.id,
        kind,
        score,
        marking.max_score,
        verdict_of(score, marking.max_score),
        first_problem(judged, outcome.answers, bank) or outcome.problem,
        checks,
        diagnoses,
        notes(judged, outcome, answers),
        outcome.printed,
    )


def explained(bank: Bank, judged: list[Judged], given: Sequence[Answer], answers: Flat) -> tuple[Diagnosis, ...]:
    """The mistakes that explain what was returned, be it of another shape than promised."""
    found: tuple[Diagnosis, ...] = ()
    if all(j.correct for j in judged):
        return found
    from dosegrade.grading.diagnose import diagnose, reshaped  # a right answer is marked without

    if any(j.flaw is not None and j.flaw.kind in ("shape", "not-finite") for j in judged):
        arrays = [{j.port.quantity: answer.values[j.port.name].array for j in judged if j.port.name in answer.values} for answer in given]
        found = reshaped(bank, arrays)
    if found or not answers.explainable:
        return found
    return diagnose(bank, answers.flat, answers.usable, answers.rtol, answers.roundoff)


def stopped(marking: Marking, outcome: Outcome, kind: str) -> QuestionReport:
    """The report where a problem kept the function from answering; `sandbox` is our failure."""
    problem = outcome.problem
    assert problem is not None
    ours = problem.kind == "sandbox"
    absent = problem.kind == "missing-function"
    verdict = "not-checked" if ours else "missing" if absent else "wrong"
    message = "could not be checked; this is not your mistake" if ours else "not there" if absent else "no value: see the problem above"
    checks = tuple(Check(name, verdict, 0.0, points, message) for name, points in marking.points.items())
    return QuestionReport(marking.id, kind, 0.0, marking.max_score, verdict, problem, checks, (), tuple(outcome.notes), outcome.printed)


def taken(bank: Bank, answers: Sequence[Answer]) -> tuple[list[Judged], Array | None]:
    """Every quantity at every call, and all as the bank's flat vector where each is as promised."""
    ports = bank.exercise.returns
    fit = bank.fit(answers.layouts) if isinstance(answers, Record) else None
    if fit is not None and isinstance(answers, Record):
        flat = answers.numbers if fit.order is None else answers.numbers[fit.order]
        if np.isfinite(flat).all():
            return [
                Judged(port, Column(flat, places), single=not SINGLE.isdisjoint(kinds))
                for port, places, kinds in zip(ports, bank.places, fit.kinds, strict=True)
            ], flat
    return [judge(bank, port, answers) for port in ports], None


def judge(bank: Bank, port: Port, answers: Sequence[Answer]) -> Judged:
    """One quantity at every call: present, an array of real numbers, of the right shape, finite."""
    result = Judged(port)
    found = [answer.values.get(port.name) for answer in answers]
    taken = [value for value in found if value is not None]
    if len(taken) < len(found):
        result.missing, result.message = True, f"not returned: expected the key '{port.name}', {wanted_words(port)}"
        return result
    result.flaw = flawed(port, taken, bank.sizes[port.name])
    if result.flaw is None:
        result.values = [np.asarray(v.array, dtype=float) for v in taken]
        result.single = any(v.dtype in SINGLE for v in taken)
        result.flaw = not_finite(bank, port, result.values)
    result.message = result.flaw.message if result.flaw else ""
    return result


def not_finite(bank: Bank, port: Port, values: list[Array]) -> Problem | None:
    """The first nan or inf."""
    if np.isfinite(np.concatenate([value.ravel() for value in values])).all():
        return None
    for index, value in enumerate(values):
        if not np.isfinite(value).all():
            bad = "nan" if np.isnan(value).any() else "inf"
            return Problem("not-finite", f"{port.name} holds {bad} {place(bank, index)}; expected finite numbers.")
    return None


class Flat:
    """The student's answers as the bank's flat vector, nan where she gave none, with the tolerances of every block."""

    def __init__(self, bank: Bank, judged: list[Judged], rtol: float, whole: Array | None) -> None:
        self.bank = bank
        self.same: Array
        self._judged, self._rtol = judged, rtol
        calls = len(bank.calls)
        self.flat = self._filled() if whole is None else whole
        with np.errstate(over="ignore"):
            exact = (np.abs(self.flat - bank.right_rows) <= bank.right_slack).all(axis=-1).any()
        if exact:
            self.same, self.truth, self._fine = np.ones((calls, len(judged)), bool), bank.right[0], None
            return
        gaps = block_gaps(self.flat, bank.right_rows, bank.scale, bank.starts)
        fine = errors = gaps.errors(DIFFERENCES)
        if not (fine <= 1.0).all(axis=-1).any():
            errors = gaps.errors(self.rtol, self.roundoff)
        nearest = min(range(len(errors)), key=lambda k: ((errors[k] > 1.0).sum(), errors[k].max()))
        self.same, self.truth = (errors[nearest] <= 1.0).reshape(calls, len(judged)), bank.right[nearest]
        self._fine = fine[nearest]

    def _filled(self) -> Array:
        """The vector, call by call."""
        columns = [
            j.values if j.usable and j.values is not None else [np.full(np.shape(v[j.port.quantity]), np.nan) for v in self.bank.values]
            for j in self._judged
        ]
        return np.concatenate([column[index].ravel() for index in range(len(self.bank.calls)) for column in columns])

    @cached_property
    def _single(self) -> Array:
        return np.array([j.single for j in self._judged] * len(self.bank.calls))

    @cached_property
    def rtol(self) -> Array:
        """Each block's relative tolerance."""
        return np.where(self._single, max(self._rtol, RTOL_SINGLE), self._rtol)

    @cached_property
    def roundoff(self) -> Array:
        """Each block's unit of rounding."""
        return np.where(self._single, ROUNDOFF_SINGLE, ROUNDOFF)

    @cached_property
    def usable(self) -> Array:
        """The blocks that have a value to compare."""
        return np.array([j.usable for j in self._judged] * len(self.bank.calls))

    @cached_property
    def student(self) -> list[Values]:
        """The answers by quantity, in the shapes of the steps."""
        return self.bank.shaped(self.flat, len(self.bank.calls))

    @property
    def rough(self) -> bool:
        """Whether a correct quantity is farther from the truth than exact derivatives are (DOMAIN D.2)."""
        if self._fine is None:
            return False
        correct = np.broadcast_to(self.same.all(axis=0), self.same.shape).ravel()
        return bool(((self._fine > 1.0) & correct).any())

    @property
    def explainable(self) -> bool:
        """Whether some usable quantity is wrong: without one there is nothing to diagnose."""
        return bool(np.any(~self.same.ravel() & self.usable))


def compared(bank: Bank, judged: list[Judged], answers: Flat) -> None:
    """The metric at every call, and where it first fails."""
    right = np.asarray(answers.same.all(axis=0))
    for column, j in enumerate(judged):
        if not j.usable:
            continue
        if right[column]:
            j.verdict = "correct"
            continue
        wrong = np.flatnonzero(~answers.same[:, column])
        if wrong[0] == len(bank.cases):
            j.message = "the first input, asked again at the end, gave another answer: the function remembers earlier calls"
        else:
            j.message = f"wrong {place(bank, int(wrong[0]))}{spot(bank, j, int(wrong[0]), answers, column)}"


def spot(bank: Bank, j: Judged, index: int, answers: Flat, column: int) -> str:
    """`, first at [0, 2]` for an array."""
    size = bank.calls[index].size(j.port)
    if size == ():
        return ""
    q = j.port.quantity
    student, truth = np.reshape(answers.student[index][q], size), np.reshape(answers.truth[index][q], size)
    scale = np.reshape(np.broadcast_to(bank.scales[index][q], np.shape(bank.values[index][q])), size)
    where = first_wrong(student, truth, scale, float(answers.rtol[column]), float(answers.roundoff[column]))
    return f", first at [{', '.join(str(i) for i in where)}]"


def place(bank: Bank, index: int) -> str:
    """`at case 2 of 10 (5 samples)`."""
    if index >= len(bank.cases):
        return "when the first case is asked again"
    return f"at case {index + 1} of {len(bank.cases)}{bank.exercise.case_words(bank.cases[index])}"


def flawed(port: Port, values: list[Value], sizes: list[tuple[int, ...]]) -> Problem | None:
    """The first value that is no array of real numbers of the promised shape: type before shape."""
    for value in values:
        if value.array is None:
            return Problem("return", f"{port.name} is {found_words(value)}; expected {wanted_words(port)}.")
    for value, size in zip(values, sizes, strict=True):
        assert value.array is not None
        if value.array.shape != size:
            found, wanted = shape_words(np.shape(value.array)), shape_words(size)
            turned = " It is the transpose of the shape expected." if np.shape(value.array) == size[::-1] else ""
            return Problem("shape", f"{port.name} has shape {found}; expected {wanted}.{turned}")
    return None


FLAW_WORDS = {
    "bool": "booleans", "str": "text", "bytes": "bytes", "complex": "complex numbers", "datetime": "dates", "structured": "records",
    "object": "objects that are no numbers", "masked": "masked entries", "ragged": "rows of different lengths", "none": "None",
    "dict": "dicts", "callable": "functions", "deep": "lists nested too deeply", "dimensions": "too many dimensions",
}  # fmt: skip


def found_words(value: Value) -> str:
    """`a list with text in it`, or `a Decimal` for what is no container of numbers."""
    if value.python == "int":
        return "an int too large for a float"
    inside = FLAW_WORDS.get(value.flaw or "", "no numbers")
    return f"{a(value.python)} with {inside} in it" if value.python in ("list", "tuple", "ndarray", "MaskedArray") else a(value.python)


def wanted_words(port: Port) -> str:
    """`a float` or `an array (n,) of real numbers`."""
    return f"{a(port.described)} of real numbers" if port.described.startswith("array") else a(port.described)


def shape_words(shape: tuple[int, ...]) -> str:
    """`() (a float)` or `(3,)`."""
    return "() (a float)" if shape == () else str(tuple(int(s) for s in shape))


def first_problem(judged: list[Judged], answers: Sequence[Answer], bank: Bank) -> Problem | None:
    """The gravest thing wrong with the form of what was returned: type or keys, shape, not finite."""
    flaws = [j.flaw for j in judged if j.flaw is not None]
    lacking = [j.port.name for j in judged if j.missing]
    if lacking:
        python = answers[0].python if answers else "nothing"
        promised = ", ".join(bank.exercise.promised)
        expected = f"an {bank.exercise.returns[0].described}" if bank.exercise.single else f"a dict with the keys {promised}"
        lacks = f", without {', '.join(lacking)}" if python == "dict" and not bank.exercise.single else ""
        flaws.insert(0, Problem("return", f"Returned {a(python)}{lacks}; expected {expected}."))
    order = {"return": 0, "shape": 1, "not-finite": 2}
    return min(flaws, key=lambda flaw: order[flaw.kind]) if flaws else None


def a(noun: str) -> str:
    """The noun with its article."""
    noun = "None" if noun == "NoneType" else noun
    return noun if noun in ("nothing", "None") else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def followed(bank: Bank, judged: list[Judged], rtol: float) -> None:
    """Marks `follow-through` where a wrong quantity is right for the student's own earlier values at every case (CONTRACT 5)."""
    usable = {j.port.quantity: j for j in judged if j.usable}
    wrong = {q: j for q, j in usable.items() if not j.correct}
    for quantity, j in wrong.items():
        sources = wrong_sources(bank, quantity, usable, wrong)
        if sources and not any(trapped(wrong[s]) for s in (*sources, quantity)) and all_follow(bank, j, usable, rtol):
            j.verdict, j.message = "follow-through", "right for your own earlier values: the mistake lies before this quantity"


def wrong_sources(bank: Bank, quantity: str, usable: Mapping[str, Judged], wrong: Mapping[str, Judged]) -> set[str]:
    """The student's wrong quantities that this one, or a row of it, rests on with nothing that she returned between."""
    steps = {step.name: step for step in bank.steps[0]}
    whole = {part: step.name for step in bank.steps[0] if step.rows for part in step.needs}
    found: set[str] = set()
    seen: set[str] = set()
    start = steps[quantity].needs if quantity in steps else ()
    waiting = [need for row in start for need in steps[row].needs] if quantity in whole.values() else list(start)
    while waiting:
        name = waiting.pop()
        owner = whole.get(name, name)
        if owner in usable:
            found |= {owner} & set(wrong)
        elif name in steps and name not in seen:
            seen.add(name)
            waiting.extend(steps[name].needs)
    return found


def trapped(j: Judged) -> bool:
    """Zero, constant within every case (arrays) or the same in all cases (scalars): nothing follows from or for it."""
    assert j.values is not None
    values = j.values
    if all(not v.any() for v in values):
        return True
    if all(v.size == 1 for v in values):
        return all(v.ravel()[0] == values[0].ravel()[0] for v in values)
    return all(np.ptp(v) == 0 for v in values)


def all_follow(bank: Bank, j: Judged, usable: Mapping[str, Judged], rtol: float) -> bool:
    """Whether the quantity is what its step makes of the student's own values, at every case."""
    assert j.values is not None
    q = j.port.quantity
    tolerance, roundoff = (RTOL_SINGLE, ROUNDOFF_SINGLE) if any(u.single for u in usable.values()) else (rtol, ROUNDOFF)
    for index, truth in enumerate(bank.values[: len(bank.cases)]):
        student = {name: np.reshape(u.values[index], np.shape(truth[name])) for name, u in usable.items() if u.values is not None}
        with np.errstate(all="ignore"):
            own = follow(bank.steps[index], bank.cases[index].inputs, student)[q]
        scale = np.broadcast_to(bank.scales[index][q], np.shape(truth[q]))
        if not compare(student[q], own, scale, max(tolerance, rtol), roundoff).same:
            return False
    return True


def check(j: Judged, marking: Marking) -> Check:
    """The check of one quantity, with its points."""
    points = float(marking.points.get(j.port.name, 0.0))
    verdict = "missing" if j.missing else j.verdict
    share = {"correct": 1.0, "follow-through": marking.follow_through}.get(verdict, 0.0)
    return Check(j.port.name, verdict, points * share, points, j.message)


def hinted(c: Check, j: Judged, bank: Bank) -> Check:
    """A wrong check with what can be said of its sign or size, where no mistake is named."""
    if c.verdict != "wrong" or j.values is None or j.flaw:
        return c
    q = j.port.quantity
    mine = [v.ravel() for v in j.values[: len(bank.cases)]]
    theirs = [np.ravel(values[q]) for values in bank.values[: len(bank.cases)]]
    ratios = [float(m @ t) / float(t @ t) if float(t @ t) > 0 else np.nan for m, t in zip(mine, theirs, strict=True)]
    ratio = ratios[0]
    steady = all(np.isfinite(r) and abs(r - ratio) <= 1e-5 * abs(ratio) for r in ratios) and all(
        (np.abs(m - r * t) <= 1e-6 * np.abs(t).max() + 1e-4 * np.abs(r * t)).all() for r, m, t in zip(ratios, mine, theirs, strict=True)
    )
    if all(not m.any() for m in mine):
        words = "it is zero everywhere"
    elif steady and abs(ratio + 1) <= 1e-4:
        words = "the sign is opposite at every point"
    elif steady and abs(ratio - 1) > 0.005:
        words = f"it is {ratio:.3g} times the expected at every point"
    else:
        return c
    return Check(c.name, c.verdict, c.score, c.max_score, f"{c.message}; {words}")


def notes(judged: list[Judged], outcome: Outcome, answers: Flat) -> tuple[str, ...]:
    """What was accepted although unusual."""
    said = list(outcome.notes)
    if outcome.mutated:
        said.append("The function changes its arguments in place; this costs nothing here, but a caller may be surprised.")
    if any(j.single for j in judged):
        said.append("Some values are float32 or shorter: they were compared at a relative 1e-4.")
    elif answers.rough:
        said.append("The values agree to fewer digits than exact derivatives do, as numerical differences or rounding would.")
    promised = {j.port.name for j in judged}
    further = sorted(outcome.keys - promised)
    if further and not all(j.missing for j in judged):
        shown = ", ".join(further[:5]) + (", …" if len(further) > 5 else "")
        said.append(f"Further keys were ignored: {shown}.")
    return tuple(said)
