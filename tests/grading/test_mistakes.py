"""Laws over every exercise that ships: each mistake is named, no two are alike, the reference is right, and the metric is fair."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from banks import bank, code, flat_outcome, outcome, run, says, textbook
from sweeps import many

from dosegrade.compare import compare
from dosegrade.grading.cases import Bank
from dosegrade.grading.catalogue import CATALOGUE
from dosegrade.grading.exercises import Case
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import load, shipped
from dosegrade.quiz.validate import findings
from dosegrade.steps import complex_step, evaluate

QUESTIONS = [(name, q.id) for name in shipped() for q in load(name).questions if isinstance(q, Code)]
QUIZZES = ("dose-response", "backpropagation", "activations", "optimizers")
OURS = [each for each in QUESTIONS if each[0] in QUIZZES]
NETWORKS = [
    ("dose-response", "gradients"),
    ("backpropagation", "relu_2_2_1"),
    ("backpropagation", "mlp"),
    ("backpropagation", "classifier"),
]
AT_LEAST = {
    "forward": 3, "gradients": 53, "update": 3, "relu_2_2_1": 36, "mlp": 54, "classifier": 45,
    "sigmoid": 8, "tanh": 8, "relu": 5, "leaky_relu": 6, "elu": 6, "momentum": 4, "adam": 6,
}  # fmt: skip
FITTED = [each for each in OURS if each[1] in ("gradients", "relu_2_2_1", "classifier", "leaky_relu", "adam")]
NUMBERS = {"G15": 0.037, "G17": 0.013, "G18": 3.0, "G63": 0.07}


@pytest.mark.parametrize(("quiz", "name"), QUESTIONS)
@pytest.mark.parametrize("seed", range(many(2, 1)))
def test_every_mistake_is_named_for_certain(quiz: str, name: str, seed: int) -> None:
    cases, question = bank(quiz, name, seed), code(quiz, name)
    for mutant in cases.mutants:
        report = question.grade(cases, flat_outcome(cases, mutant.flat))
        assert says(report, mutant.mistake.code), (mutant.mistake.code, report.diagnoses)
        assert report.score < report.max_score


@pytest.mark.parametrize(("quiz", "name"), OURS)
def test_every_mistake_of_another_shape_is_named(quiz: str, name: str) -> None:
    cases, question = bank(quiz, name), code(quiz, name)
    for mistake, made in cases.reshaped:
        report = question.grade(cases, outcome(cases, made, as_made=True))
        unchanged = report.verdict == "correct"  # a transposed 1×1
        assert unchanged or says(report, mistake.code) or report.problem is None, (mistake.code, report.diagnoses)


@pytest.mark.parametrize(("quiz", "name"), FITTED)
def test_every_fitted_number_is_found(quiz: str, name: str) -> None:
    cases, question = bank(quiz, name), code(quiz, name)
    for mistake in cases.exercise.mistakes:
        for fit in mistake.fits:
            row = cases.answers(fit.variant(NUMBERS[mistake.code]))
            if row is None or (cases.errors(row) <= 1).all():
                continue
            report = question.grade(cases, flat_outcome(cases, row))
            assert says(report, mistake.code), (mistake.code, fit.says, report.diagnoses)
            assert f"{NUMBERS[mistake.code]:g}" in report.diagnoses[0].hint


@pytest.mark.parametrize(("quiz", "name"), QUESTIONS)
def test_the_reference_gets_full_marks(quiz: str, name: str) -> None:
    cases, question = bank(quiz, name), code(quiz, name)
    for right in cases.right:
        report = question.grade(cases, outcome(cases, right))
        assert (report.verdict, report.score, report.diagnoses, report.notes) == ("correct", question.max_score, (), ())


@pytest.mark.parametrize(("quiz", "name"), OURS)
def test_no_two_mistakes_are_alike_and_each_shows_twice(quiz: str, name: str) -> None:
    for seed in (3, 8, 13, 20)[: many(4, 1)]:
        cases = code(quiz, name).bank(seed)
        assert cases.twins() == []
        assert min(count for _, count in cases.seen_at()) >= 2
        assert len(cases.exercise.mistakes) >= AT_LEAST[name]


@pytest.mark.parametrize("quiz", QUIZZES)
def test_nothing_to_say_about_what_ships(quiz: str) -> None:
    assert findings(quiz) == []


def test_every_code_is_in_the_catalogue() -> None:
    for quiz, name in QUESTIONS:
        for mistake in code(quiz, name).built.mistakes:
            assert {mistake.code, *mistake.also} <= set(CATALOGUE)


@pytest.mark.parametrize(("quiz", "name"), NETWORKS)
@pytest.mark.parametrize("seed", [0, 5])
def test_reference_gradients_equal_the_complex_step_at_every_case(quiz: str, name: str, seed: int) -> None:
    cases = bank(quiz, name, seed)
    for steps, case, values, scales in zip(cases.derived, cases.cases, cases.values, cases.scales, strict=False):
        for gradient in (q for q in values if q.startswith(("dW", "db"))):
            exact = complex_step(steps, case.inputs, "loss", gradient[1:])
            assert compare(values[gradient], exact, scales[gradient], rtol=1e-12).same, (gradient, values[gradient], exact)


@pytest.mark.parametrize(("quiz", "name"), OURS)
def test_a_relative_error_of_one_in_ten_thousand_fails_at_every_entry(quiz: str, name: str) -> None:
    """The entry is off in all cases that have it; blocks are judged by their norm, so one case alone could hide it."""
    cases, question = bank(quiz, name), code(quiz, name)
    for port in cases.exercise.returns:
        truths = [np.ravel(values[port.quantity]) for values in cases.values]
        for entry in range(max(map(len, truths))):
            if not any(truth[entry : entry + 1].any() for truth in truths):
                continue
            made = [{q: np.array(v, dtype=float) for q, v in answer.items()} for answer in cases.right[0]]
            for answer in made:
                flat = answer[port.quantity].reshape(-1)
                flat[entry : entry + 1] *= 1 + 1e-4
                answer[port.quantity] = flat.reshape(answer[port.quantity].shape)
            verdicts = {c.name: c.verdict for c in question.grade(cases, outcome(cases, made)).checks}
            assert verdicts.pop(port.name) == "wrong", entry
            assert set(verdicts.values()) <= {"correct"}


def scaled_outputs(cases: Bank, factor: float) -> Bank:
    """The same cases with the outputs of the 2-3-3-3 network, targets included, in another unit."""
    made = []
    for case in cases.cases:
        inputs = case.inputs | {name: case.inputs[name] * factor for name in ("W3", "b3", "y")}
        made.append(Case(inputs, tuple(inputs[p.quantity] for p in cases.exercise.arguments), case.n))
    return Bank(cases.exercise, made)


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_the_unit_of_the_outputs_does_not_matter(factor: float) -> None:
    question, right = code("backpropagation", "mlp"), textbook("backpropagation", "gradients")
    cases = scaled_outputs(bank("backpropagation", "mlp"), factor)
    assert question.grade(cases, run(cases, right)).verdict == "correct"
    flipped = question.grade(cases, run(cases, lambda *given: {name: -v for name, v in right(*given).items()}))
    assert flipped.score == 0
    assert says(flipped, "G04")


def worked_example(dose: float = 30.0) -> Bank:
    """The saturated example of the dose-response derivation, alone (DOMAIN A.1)."""
    given = {"W1": 0.6, "b1": -0.3, "W2": 0.9, "b2": 0.1, "W3": 1.5, "b3": 0.5}
    inputs = {name: np.full((1, 1) if name[0] == "W" else (1,), number) for name, number in given.items()}
    inputs |= {"x": np.array([[dose]]), "y": np.array([[1.7]])}
    return Bank(code("dose-response", "gradients").built, [Case(inputs, (np.array([dose]), np.array([1.7]), *given.values()), 1)])


def chain(d: Any, e: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> dict[str, Any]:
    """The textbook's form, with 1 − h²."""
    h1 = np.tanh(W1 * d + b1)
    h2 = np.tanh(W2 * h1 + b2)
    d3 = 2 * (W3 * h2 + b3 - e) / len(d)
    d2 = d3 * W3 * (1 - h2 * h2)
    d1 = d2 * W2 * (1 - h1 * h1)
    return {"dW1": d1 @ d, "db1": d1.sum(), "dW2": d2 @ h1, "db2": d2.sum(), "dW3": d3 @ h2, "db3": d3.sum()}


def test_the_textbook_form_is_right_where_it_has_no_digits_left() -> None:
    question, cases = code("dose-response", "gradients"), worked_example()
    ours, theirs = cases.values[0]["dW1"].item(), chain(*cases.cases[0].arguments)["dW1"]
    assert abs(theirs / ours - 1) > 0.05
    assert question.grade(cases, run(cases, chain)).verdict == "correct"
    assert question.grade(cases, run(cases, lambda *given: chain(*given) | {"dW1": 0.0, "db1": 0.0})).verdict == "correct"
    assert question.grade(cases, run(cases, lambda *given: chain(*given) | {"dW2": 0.0})).verdict == "partial"


def single(*given: Any) -> dict[str, Any]:
    """The 2-3-3-3 network in float32."""
    return {name: np.asarray(v, np.float32) for name, v in textbook("backpropagation", "gradients")(*map(np.float32, given)).items()}


def test_float32_is_judged_at_one_in_ten_thousand() -> None:
    question, cases = code("backpropagation", "mlp"), bank("backpropagation", "mlp")
    report = question.grade(cases, run(cases, single))
    assert report.verdict == "correct"
    assert any("float32" in note for note in report.notes)
    off = question.grade(cases, run(cases, lambda *given: {name: v * np.float32(1.001) for name, v in single(*given).items()}))
    assert off.score == 0
    wrong = question.grade(cases, run(cases, lambda *given: {name: v / np.float32(2) for name, v in single(*given).items()}))
    assert says(wrong, "G01")


def test_permuted_and_repeated_samples_leave_a_mean_gradient_as_it_is() -> None:
    cases = bank("backpropagation", "classifier")
    for steps, case, values in zip(cases.derived, cases.cases, cases.values, strict=False):
        order = np.random.default_rng(1).permutation(case.n)
        for rows in (order, np.tile(order, 2)):
            other = evaluate(steps, case.inputs | {"x": case.inputs["x"][rows], "y": case.inputs["y"][rows]})
            np.testing.assert_allclose(other["dW1"], values["dW1"], rtol=1e-12, atol=1e-15)


def test_the_cases_are_those_of_the_seed() -> None:
    one, same, other = (code("backpropagation", "mlp").bank(seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.reference, same.reference)
    assert not np.array_equal(one.reference[:20], other.reference[:20])


def test_the_laws_reject_what_is_wrong() -> None:
    cases = bank("backpropagation", "mlp")
    twice = replace(cases.exercise, mistakes=(*cases.exercise.mistakes, replace(cases.exercise.mistakes[0], code="G75")))
    assert Bank(twice, cases.cases).twins() == [("G01", "G75")]
