"""The TD(λ) exercise: golden mutants, every mistake named, follow-through row by row, its traps, real files."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutants import mistaken, noise, outcome
from sweeps import many

from dosegrade.checking import check, self_check
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import td_lambda as family
from dosegrade.grading.exercises.families import exercise
from dosegrade.grading.exercises.td_lambda_mistakes import mistakes
from dosegrade.grading.outcome import Outcome
from dosegrade.grading.report import QuestionReport
from dosegrade.grading.vetting import draw
from dosegrade.quiz.question import load
from dosegrade.quiz.validate import findings
from dosegrade.rl.td_lambda import METHODS, td_lambda, td_lambda_inputs, td_lambda_steps
from dosegrade.steps import evaluate

CODE = load("td-lambda").questions[0]
SUBMISSIONS = Path(__file__).parent.parent / "submissions" / "td-lambda"
# The mutants of td_mutants.json (plain Python loops, one function a mutant) by the code that they have here.
GOLDEN = {
    "trace_not_reset": "T10", "weights_reset_each_episode": "T11", "bootstrap_from_terminal": "T21", "frozen_weights_in_episode": "T30",
    "uses_R_t": "T26", "skips_last_transition": "T31", "skips_first_transition": "T31", "trace_decay_lambda_only": "T02",
    "trace_decay_gamma_only": "T03", "no_trace_decay": "T05", "no_trace_TD0": "T06", "decay_gamma_squared": "T03",
    "gamma_lambda_swapped": "T01", "no_gamma_in_delta": "T24", "lambda_in_delta": "T04", "bootstrap_current_state": "T23",
    "no_bootstrap": "T22", "gamma_on_reward": "T25", "delta_sign": "T27", "delta_without_v": "T28", "delta_v_times_gamma": "T28",
    "factor_2": "T19", "one_minus_lambda": "T19", "no_alpha": "T19", "update_before_trace": "T09", "decay_after_add": "T08",
    "replacing": "T12", "trace_capped_at_1": "T12", "dutch_plain": "T13", "true_online": "T14", "trace_of_next_state": "T15",
    "trace_without_gradient_ones": "T16", "trace_includes_delta": "T17", "residual_gradient": "T20", "alpha_in_trace": "T18",
    "delta_after_update_of_v": "T29", "only_current_state_updated": "T07", "overwrites_instead_of_adds": "T32",
    "trace_zeroed_each_step": "T06",
}  # fmt: skip


@cache
def bank(seed: int) -> Bank:
    return CODE.bank(seed)


def grade(function: Any, seed: int = 0) -> QuestionReport:
    return self_check("td-lambda", seed, td_lambda=function).questions[0]


def reference(episodes: Any, w: Any, alpha: float, gamma: float, lam: float) -> dict[str, Any]:
    return td_lambda(episodes, w, alpha=alpha, gamma=gamma, lam=lam)


def verdicts(report: QuestionReport) -> dict[str, str]:
    return {c.name: c.verdict for c in report.checks}


def program(code: str) -> Outcome:
    """The first program that makes a mistake."""
    return next(made for name, made in mistaken(bank(0)) if name == code)


def golden_sets() -> dict[str, Any]:
    sets = json.loads((Path(__file__).parent.parent / "golden" / "td_mutants.json").read_text())["sets"]
    return {name: case for name, case in sets.items() if "dense" not in name and case["lam"] < 1}


@pytest.mark.parametrize("name", golden_sets())
def test_golden_mutants(name: str) -> None:
    """The final weights of all 39 mutants, each by a variant of its code."""
    case = golden_sets()[name]
    episodes = [(np.array(e["features"]), np.array(e["rewards"])) for e in case["episodes"]]
    steps = td_lambda_steps(tuple(len(rewards) for _, rewards in episodes))
    inputs = td_lambda_inputs(episodes, np.array(case["w0"]), case["alpha"], case["gamma"], case["lam"])
    np.testing.assert_allclose(evaluate(steps, inputs)["w"], case["reference_history"], rtol=1e-12, atol=1e-12)
    made = {m.code: [evaluate(v.rewrite(steps), inputs)["w"] for v in m.variants if v.rewrite] for m in mistakes("accumulating")}
    assert set(GOLDEN) == set(case["mutant_final"])
    for mutant, code in GOLDEN.items():
        expected = case["mutant_final"][mutant]
        assert any(len(w) and np.allclose(w[-1], expected, rtol=1e-11, atol=1e-11) for w in made[code]), (mutant, code)


@pytest.mark.parametrize("seed", [0, 1, 2, 17])
def test_every_mistake_is_named_for_certain(seed: int) -> None:
    codes = set()
    for code, made in mistaken(bank(seed)):
        report = CODE.grade(bank(seed), made)
        assert [(d.code, d.certain) for d in report.diagnoses] == [(code, True)]
        assert report.score < report.max_score
        codes.add(code)
    assert codes == {f"T{i:02}" for i in range(1, 33)}


@pytest.mark.parametrize("seed", range(many(21, 6)))
def test_no_two_mistakes_are_alike(seed: int) -> None:
    assert bank(seed).twins() == []
    assert min(count for _, count in bank(seed).seen_at()) >= 2
    assert len(bank(seed).mutants) == sum(not v.reshapes for m in CODE.built.mistakes for v in m.variants), "no mistake is without effect"


@pytest.mark.parametrize("method", METHODS[1:])
def test_other_methods_have_their_mistakes(method: str) -> None:
    """What the exercise asks for is no mistake; the plain algorithm is."""
    built = family.make(family.TdLambdaTable(method=method), ("delta", "z", "w"))
    made = draw(built, (0,))
    assert made.twins() == []
    assert "T12" in {m.code for m in made.exercise.mistakes}
    right = {"replacing": "T12", "dutch": "T13", "true-online": "T14"}[method]
    assert len(next((m.variants for m in made.exercise.mistakes if m.code == right), ())) < 2


def test_validate_finds_nothing() -> None:
    assert findings("td-lambda") == []


def test_the_reference_gets_everything() -> None:
    report = grade(reference)
    assert report.score == report.max_score
    assert not report.diagnoses
    assert not report.notes


def test_random_answers_have_no_name() -> None:
    rng = np.random.default_rng(1)
    for _ in range(many(200, 40)):
        report = CODE.grade(bank(0), noise(bank(0), rng))
        assert report.diagnoses == ()
        assert report.score == 0


def test_a_mistaken_trace_costs_the_trace_alone() -> None:
    """T02: δ and w are right for the student's own trace and weights."""
    made = program("T02")
    report = CODE.grade(bank(0), made)
    assert verdicts(report) == {"delta": "follow-through", "z": "wrong", "w": "follow-through"}
    assert report.score == pytest.approx(2.0)
    assert "first at [1, " in report.checks[1].message


def test_a_mistaken_update_leaves_the_trace_right_and_the_errors_followed() -> None:
    made = program("T32")
    assert verdicts(CODE.grade(bank(0), made)) == {"delta": "follow-through", "z": "correct", "w": "wrong"}


def test_a_mistaken_error_is_followed_by_the_weights() -> None:
    made = program("T24")
    assert verdicts(CODE.grade(bank(0), made)) == {"delta": "wrong", "z": "correct", "w": "follow-through"}


@pytest.mark.parametrize("what", [0.0, 1.0, np.nan])
def test_nothing_follows_from_zeros_constants_or_nan(what: float) -> None:
    """w = w + α·δ·0 would be right for a trace of zeros."""

    def lazy(episodes: Any, w: Any, alpha: float, gamma: float, lam: float) -> dict[str, Any]:
        truth = reference(episodes, w, alpha, gamma, lam)
        zeros = {name: np.full_like(v, what) for name, v in truth.items()}
        return zeros | {"w": np.tile(w, (len(truth["delta"]), 1))}

    assert grade(lazy).score == 0


def test_follow_through_needs_every_case() -> None:
    """A trace of her own in one case only: z is wrong there, and δ and w follow it; a slip in w of another case is not followed."""
    answers = [{q: np.array(v[q]) for q in ("delta", "z", "w")} for v in bank(0).values]
    wrong = dict(next(bank(0).made(m.variants[0]) for m in bank(0).exercise.mistakes if m.code == "T05")[1])  # type: ignore[index,arg-type]
    answers[1] = wrong
    assert verdicts(CODE.grade(bank(0), outcome(bank(0), answers))) == {"delta": "follow-through", "z": "wrong", "w": "follow-through"}
    answers[2] = answers[2] | {"w": answers[2]["w"] + 0.01}
    assert verdicts(CODE.grade(bank(0), outcome(bank(0), answers))) == {"delta": "wrong", "z": "wrong", "w": "wrong"}


def test_a_row_too_few_is_a_shape_problem_and_named() -> None:
    made = [m for code, m in mistaken(bank(0)) if code == "T31"]
    problems = [CODE.grade(bank(0), m).problem for m in made]
    assert [p.kind if p else None for p in problems] == [None, None, "shape", "shape"]
    other = [{q: v[q][:-1] for q in ("delta", "z", "w")} for v in bank(0).values]
    report = CODE.grade(bank(0), outcome(bank(0), other))
    assert report.problem is not None
    assert report.problem.kind == "shape"
    assert report.diagnoses == ()


def test_an_instructor_chooses_trace_sizes_and_notation() -> None:
    table = {
        "family": "td-lambda",
        "method": "replacing",
        "features": 5,
        "episodes": [[4, 4], [3, 3]],
        "names": {"z": "e", "lam": "lambda_"},
    }
    built = exercise(table, ("e", "w"), "here")
    assert [p.name for p in built.arguments] == ["episodes", "w", "alpha", "gamma", "lambda_"]
    assert [p.described for p in built.returns] == ["array (n, 5)", "array (n, 5)"]
    assert draw(built, (0,)).cases[1].n == 6


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"method": "replacin"}, "Did you mean 'replacing'"),
        ({"features": 2}, "from 3 to 16"),
        ({"episodes": [[]]}, "lengths of its episodes"),
        ({"names": {"y": "x"}}, "no quantity 'y'"),
        ({"names": {"z": "w"}}, "'w' stands for both z and w"),
        ({"names": {"lam": "lambda"}}, "'lambda' cannot be the name of a Python argument; give it another, for example 'lambda_'"),
    ],
)
def test_tables_that_are_wrong_say_what_to_do(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        exercise({"family": "td-lambda", **keys}, ("w",), "here")
    with pytest.raises(SpecError, match="points: there is no quantity 'v'"):
        exercise({"family": "td-lambda"}, ("v",), "here")


@pytest.mark.parametrize("path", sorted(SUBMISSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_real_files(path: Path) -> None:
    """The first line of each file says what the report must say: the score, then the codes."""
    expected = path.read_text().splitlines()[0].removeprefix("# ").split()
    report = check("td-lambda", path)
    (question,) = report.questions
    assert f"{question.score:g}" == expected[0]
    assert [d.code for d in question.diagnoses] == expected[1:]
    assert all(d.certain for d in question.diagnoses)
