"""A unit's arithmetic: the numbers of the derivation, written so that a reader can follow them."""

from typing import Any

import numpy as np
import pytest

from dosegrade.nn.training import Config
from dosegrade.steps import evaluate
from dosegrade.web.session import Run


def run_of(**settings: Any) -> Run:
    run = Run(Config(**settings))
    run.answer({"gen": 0, "seq": 0, "count": 5, "epochs": 1, "playing": False, "epoch": 0})
    return run


@pytest.mark.parametrize("activations", [("tanh",), ("relu", "maxout(3)")])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_sum_of_a_unit_is_that_of_the_derivation(layer: int, activations: tuple[str, ...]) -> None:
    run = run_of(data="hills", features=("x1", "x2", "sin_x1"), hidden=(4, 2), activations=activations, validation=0.2)
    sum_ = run.arithmetic({"layer": layer, "unit": 0, "point": 7, "epoch": run.trainer.epoch})
    assert sum_ is not None
    np.testing.assert_allclose(sum_.inputs @ sum_.weights + sum_.bias, sum_.z, rtol=1e-12)
    trainer, row = run.trainer, run.trainer.training_points[7]
    values = evaluate(
        trainer.network.steps(), {**trainer.params, "x": trainer.inputs(trainer.dataset.x[row : row + 1]), "y": np.zeros((1, 1))}
    )
    assert sum_.a == pytest.approx(values[f"a{layer}"][0, 0], rel=1e-12)
    assert sum_.target == trainer.dataset.y[row, 0]
    assert sum_.raw[0] == ("x1", trainer.dataset.x[row, 0])
    assert len(sum_.tex) == (4 if layer == 2 and len(activations) > 1 else 2)
    if layer == 3:
        assert sum_.output == pytest.approx(trainer.effect_scaling.undo(values["a3"])[0, 0])
        assert sum_.title.startswith("The output at data point 8 (x₁ −5.66, ")
    else:
        assert sum_.output is None
        assert sum_.title.startswith(f"Unit 1 of hidden layer {layer} at data point 8")
    assert sum_.names == (("x₁", "x₂", "sin x₁") if layer == 1 else ("unit 1", "unit 2", "unit 3", "unit 4")[: 4 if layer == 2 else 2])


def test_the_numbers_stand_in_the_formula() -> None:
    run = Run(Config(hidden=(1,), scale_dose="none", story=((0, (("w0", -0.5), ("w1", 3.0))),)))
    sum_ = run.arithmetic({"layer": 1, "unit": 0, "point": 10})
    assert sum_ is not None
    assert sum_.tex[0] == r"\begin{aligned} z &= 10\cdot (-0.5) + \underbrace{3}_{\text{bias}} \\ &= -2 \end{aligned}"
    assert sum_.tex[1] == r"a = f(z) = \text{tanh}(-2) = -0.96403"
    assert sum_.title == "Unit 1 of hidden layer 1 at data point 11 (dose (mg) 10), epoch 0"


def test_of_many_inputs_the_smaller_terms_are_added_up() -> None:
    run = run_of(hidden=(40, 1))
    sum_ = run.arithmetic({"layer": 2, "unit": 0, "point": 3})
    assert sum_ is not None
    assert r"\text{28 smaller terms}" in sum_.tex[0]
    assert sum_.tex[0].count(r"\cdot") == 12


@pytest.mark.parametrize(
    "wrong", [{"layer": 0}, {"layer": 9}, {"unit": 8}, {"unit": -1}, {"point": 101}, {"point": None}, {"layer": "1"}, {"unit": 1.0}]
)
def test_there_is_no_arithmetic_of_what_is_not_there(wrong: dict[str, Any]) -> None:
    assert run_of().arithmetic({"layer": 1, "unit": 0, "point": 0, **wrong}) is None
