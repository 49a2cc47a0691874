"""Slopes of activations: certified references, the textbook's forms, tails, and real programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from banks import SUBMISSIONS, bank, code, run, says, textbook

from dosegrade.checking import check
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import Case
from dosegrade.grading.exercises.activation import bent
from dosegrade.grading.exercises.families import exercise

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "activations.json").read_text())


def made(**keys: Any) -> Any:
    return exercise({"family": "activation", **keys}, ("result",), "question")


@pytest.mark.parametrize("name", bent())
def test_every_slope_equals_the_complex_step(name: str) -> None:
    built, rng = made(activation=name), np.random.default_rng(1)
    for k in range(4):
        inputs = built.draw(rng, k).inputs
        forward, slope = built.derive(inputs)
        others = [inputs[need] for need in forward.needs[1:]]
        exact = np.imag(forward.compute(inputs["z"] + 1e-20j, *others)) / 1e-20
        np.testing.assert_allclose(slope.compute(inputs["z"], *others), exact, rtol=1e-12, atol=1e-15)  # some slopes pass 0


@pytest.mark.parametrize("name", NAMES)
def test_cases_have_both_signs_both_dimensions_no_kink_and_tails(name: str) -> None:
    for seed in range(5):
        cases = bank("activations", name, seed)
        assert {case.inputs["z"].ndim for case in cases.cases} == {1, 2}
        for case in cases.cases:
            z = case.inputs["z"]
            assert z.min() < 0 < z.max()
            assert np.abs(z).min() >= 0.1
            assert case.size(cases.exercise.returns[0]) == z.shape
        far = [np.abs(case.inputs["z"]).max() > 18 for case in cases.cases]
        assert any(far) == (name in ("sigmoid", "tanh", "elu"))
        assert not all(far)


@pytest.mark.parametrize("entry", [e for e in GOLDEN["activations"] if e["activation"] in NAMES], ids=lambda e: e["activation"])
def test_the_textbook_is_right_at_every_golden_point(entry: dict[str, Any]) -> None:
    """Out to |z| = 40, where 1 − tanh²z is 0 and s(1−s) has lost its digits."""
    name = entry["activation"]
    z = np.array(entry["z"])
    cases = Bank(code("activations", name).built, [Case({"z": z}, (z,), z.size, {"result": z.shape})])
    np.testing.assert_allclose(cases.values[0]["slope"], entry["derivative"], rtol=1e-14)
    assert code("activations", name).grade(cases, run(cases, textbook("activations", f"{name}_gradient"))).verdict == "correct"


def test_tails_alone_are_judged_by_what_they_could_be() -> None:
    """Where every slope is tiny, the floor of the largest slope decides: no digits are asked for that 1 − h² has not."""
    z = np.array([19.5, -20.2, 20.7])
    question = code("activations", "tanh")
    cases = Bank(question.built, [Case({"z": z}, (z,), 3, {"result": (3,)})])
    assert question.grade(cases, run(cases, lambda z: 1 - np.tanh(z) ** 2)).verdict == "correct"
    assert question.grade(cases, run(cases, np.zeros_like)).verdict == "correct"
    assert question.grade(cases, run(cases, lambda z: 1 - z**2)).verdict == "wrong"


def test_another_shape_is_a_shape_problem() -> None:
    question, cases = code("activations", "relu"), bank("activations", "relu")
    report = question.grade(cases, run(cases, lambda z: (z > 0).astype(float).ravel()))
    assert report.problem is not None
    assert (report.problem.kind, report.problem.message) == ("shape", "result has shape (12,); expected (3, 4).")
    assert report.verdict == "wrong"


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, 1.0])
def test_the_slope_that_was_used_is_told(slope: float) -> None:
    question, cases = code("activations", "leaky_relu"), bank("activations", "leaky_relu")
    report = question.grade(cases, run(cases, lambda z, given: np.where(z > 0, 1.0, slope)))
    if slope == 1.0:
        assert says(report, "G59")
    else:
        assert says(report, "G63")
        assert f"always {slope:g}" in report.diagnoses[0].hint


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"activation": "softmax"}, "softmax has no slope entry by entry"),
        ({"activation": "identity"}, "identity has no slope"),
        ({"activation": "tanhh"}, "Did you mean 'tanh'"),
        ({"activation": "tanh", "shapes": [[3, 1]]}, "shapes: each case has one or two dimensions"),
    ],
)
def test_tables_that_are_wrong_are_told(keys: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        made(**keys)


PROGRAMS = {"textbook": [None] * 5, "differences": [None] * 5, "slips": ["G29", "G27", "G61", "G63", "G64"]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_real_programs(name: str) -> None:
    report = check("activations", SUBMISSIONS / "activations" / f"{name}.py", seed=4)
    assert [q.diagnoses[0].code if q.diagnoses else None for q in report.questions] == PROGRAMS[name]
    assert report.score == (0.0 if name == "slips" else report.max_score)
    assert all(d.certain for q in report.questions for d in q.diagnoses)
