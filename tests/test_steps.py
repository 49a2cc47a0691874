"""A derivation as a list of steps: evaluated, cut, mutated, followed, printed and differentiated."""

import numpy as np
import pytest

from dosegrade.steps import Step, complex_step, evaluate, follow, magnitudes, mutate, needed, worked

STEPS = (
    Step("z", ("x", "w"), "z = xw", lambda x, w: x * w),
    Step("a", ("z",), "a = z + 1", lambda z: z + 1.0, lambda z: z + 1.0),
    Step("b", ("x",), "b = -x", lambda x: -x),
    Step("loss", ("a",), "L = a^2", lambda a: a * a),
)
INPUTS = {"x": 2.0, "w": 3.0}


def test_evaluate_gives_every_quantity_and_leaves_the_inputs_alone() -> None:
    inputs = dict(INPUTS)
    assert evaluate(STEPS, inputs) == {"x": 2.0, "w": 3.0, "z": 6.0, "a": 7.0, "b": -2.0, "loss": 49.0}
    assert inputs == INPUTS


def test_needed_drops_what_the_wanted_quantity_does_not_rest_on() -> None:
    assert [step.name for step in needed(STEPS, {"loss"})] == ["z", "a", "loss"]
    assert needed(STEPS, {"x"}) == ()


def test_mutate_replaces_one_step_and_what_rests_on_it_changes() -> None:
    wrong = mutate(STEPS, "a", lambda z: z - 1.0)
    assert evaluate(wrong, INPUTS)["loss"] == 25.0
    assert evaluate(mutate(STEPS, "a", lambda x, z: x + z, needs=("x", "z")), INPUTS)["a"] == 8.0
    with pytest.raises(KeyError):
        mutate(STEPS, "missing", lambda: 0.0)


def test_follow_recomputes_each_step_from_the_students_own_values() -> None:
    student = {"z": 5.0, "a": 6.0, "loss": 40.0}
    assert follow(STEPS, INPUTS, student) == {"z": 6.0, "a": 6.0, "loss": 36.0}


def test_worked_shows_formula_given_and_result() -> None:
    line = worked(STEPS, INPUTS)[0]
    assert (line.name, line.formula, dict(line.given), line.result) == ("z", "z = xw", {"x": 2.0, "w": 3.0}, 6.0)


def test_magnitudes_follow_the_scales_and_are_absolute_elsewhere() -> None:
    values = evaluate(STEPS, {"x": -2.0, "w": 3.0})
    sizes = magnitudes(STEPS, values)
    assert sizes["z"] == 6.0
    assert sizes["a"] == 7.0
    assert sizes["b"] == 2.0


def test_complex_step_is_the_derivative() -> None:
    inputs = {"x": np.array([2.0, -1.0]), "w": np.array([3.0, 0.5])}
    steps = (*STEPS[:2], Step("loss", ("a",), "", lambda a: (a * a).sum()))
    expected = 2.0 * (inputs["x"] * inputs["w"] + 1.0) * inputs["x"]
    np.testing.assert_allclose(complex_step(steps, inputs, "loss", "w"), expected, rtol=1e-15)
