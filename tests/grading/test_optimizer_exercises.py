"""Optimizers step by step: Keras's rules, both places of ε, mistakes that show only later, and real programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from banks import SUBMISSIONS, bank, code, outcome, run, says, textbook

from dosegrade.checking import check
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import Case
from dosegrade.grading.exercises.families import exercise
from dosegrade.grading.exercises.optimizer_rules import RULES
from dosegrade.grading.vetting import draw
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import evaluate

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "optimizers.json").read_text())["cases"]
COUNTS = {"sgd": 3, "momentum": 4, "nesterov": 4, "rmsprop": 5, "adam": 6}


def made(optimizer: str, **keys: Any) -> Any:
    return exercise({"family": "optimizer", "optimizer": optimizer, **keys}, ("result",), "question")


@pytest.mark.parametrize("case", [c for c in GOLDEN if c["optimizer"] in RULES], ids=lambda c: c["optimizer"])
def test_five_steps_equal_keras(case: dict[str, Any]) -> None:
    settings = dict(OPTIMIZERS[case["optimizer"]].hyper) | {"learning_rate": case["learning_rate"]}
    inputs = {"w0": np.array(case["w0"]), "grads": np.array(case["gradients"]), **settings}
    steps = made(case["optimizer"]).derive(inputs)
    np.testing.assert_allclose(evaluate(steps, inputs)["result"], case["keras_w_after"], rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", RULES)
def test_the_derivation_is_the_trainers_rule(name: str) -> None:
    built, optimizer = made(name), OPTIMIZERS[name]
    for k, rng in enumerate(map(np.random.default_rng, range(4))):
        case = built.draw(rng, k)
        w, grads, rate, *hyper = case.arguments
        params, state, seen = {"w": w}, optimizer.init({"w": w}), []
        for g in grads:
            params, state = optimizer.update({"w": g}, state, params, rate, **dict(zip(optimizer.hyper, hyper, strict=True)))
            seen.append(params["w"])
        np.testing.assert_allclose(evaluate(built.derive(case.inputs), case.inputs)["result"], seen, rtol=1e-13)


@pytest.mark.parametrize("name", RULES)
def test_every_optimizer_has_a_bank_that_tells_its_mistakes_apart(name: str) -> None:
    for seed in range(4):
        cases = draw(made(name), (seed, 1))
        assert cases.twins() == []
        assert min(count for _, count in cases.seen_at()) >= 2
        assert len(cases.exercise.mistakes) == COUNTS[name]
        assert all(case.n >= 3 and case.inputs["grads"].shape == (case.n, 3) for case in cases.cases)
        assert min(np.abs(case.inputs["grads"]).min() for case in cases.cases) >= 0.3


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_both_places_of_epsilon_are_right(name: str) -> None:
    """With an ε that matters, so that the two differ by thousands of tolerances."""
    built, question = made(name), code("optimizers", "adam")
    case = built.draw(np.random.default_rng(1), 0)
    inputs = case.inputs | {"epsilon": 0.01}
    cases = Bank(built, [Case(inputs, (*case.arguments[:-1], 0.01), case.n)])
    here, there = cases.right
    assert (cases.errors(cases.flatten(there)) > 100).any()
    for answers in (here, there):
        report = question.grade(cases, outcome(cases, answers))
        assert (report.verdict, report.notes) == ("correct", ())
    neither = [{"result": (a["result"] + b["result"]) / 2} for a, b in zip(here, there, strict=True)]
    assert question.grade(cases, outcome(cases, neither)).verdict == "wrong"


def test_keras_and_torch_in_the_students_own_words() -> None:
    for name in ("momentum", "adam"):
        question, cases = code("optimizers", name), bank("optimizers", name, 7)
        report = question.grade(cases, run(cases, textbook("optimizers", name)))
        assert (report.verdict, report.notes) == ("correct", ())


def test_the_root_of_a_negative_average_is_named_although_it_is_no_number() -> None:
    def second_moment_of_g(w: Any, grads: Any, rate: float, beta_1: float, beta_2: float, epsilon: float) -> Any:
        m = v = 0.0
        seen = []
        with np.errstate(invalid="ignore"):
            for t, g in enumerate(grads, 1):
                m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g
                w = w - rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
                seen.append(w)
        return np.array(seen)

    question, cases = code("optimizers", "adam"), bank("optimizers", "adam")
    report = question.grade(cases, run(cases, second_moment_of_g))
    assert report.problem is not None
    assert report.problem.kind == "not-finite"
    assert says(report, "G79")
    nothing = question.grade(cases, run(cases, lambda w, grads, *given: np.full_like(grads, np.nan)))
    assert nothing.problem is not None
    assert nothing.diagnoses == ()


def test_a_first_step_hides_what_three_steps_show() -> None:
    cases = bank("optimizers", "momentum")
    for mutant in cases.mutants:
        if mutant.mistake.code == "G76":
            first = mutant.flat[:3] - cases.reference[:3]
            whole = mutant.flat[: 3 * cases.cases[0].n] - cases.reference[: 3 * cases.cases[0].n]
            assert np.abs(whole).max() > 1e-3
            assert np.abs(first).max() <= np.abs(whole).max()


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("adamm", {}, "Did you mean 'adam'"),
        ("adam", {"weights": 1}, "weights: found 1"),
        ("adam", {"updates": [2, 4]}, "from 3 to 40 updates"),
    ],
)
def test_tables_that_are_wrong_are_told(name: str, keys: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        made(name, **keys)


PROGRAMS = {"textbook": [None, None], "slips": ["G76", "G77"], "other_slips": ["G75", "G79"], "counter": ["G15", "G78"]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_real_programs(name: str) -> None:
    report = check("optimizers", SUBMISSIONS / "optimizers" / f"{name}.py", seed=3)
    assert [q.diagnoses[0].code if q.diagnoses else None for q in report.questions] == PROGRAMS[name]
    assert report.score == (report.max_score if name == "textbook" else 0.0)
    assert all(d.certain for q in report.questions for d in q.diagnoses)
