"""The cost over a plane and the paths on it: the same numbers as the derivation's."""

from __future__ import annotations

import numpy as np
import pytest

from dosegrade.nn.landscape import WALKERS, Plane, batches, grid, kinked, random_directions, two_weights, walk
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import mlp
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import evaluate

RNG = np.random.default_rng(4)
X, Y = RNG.standard_normal((9, 2)), RNG.standard_normal((9, 1))
REGRESSION = [name for name, loss in LOSSES.items() if loss.task == "regression"]


def centre(network: object) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {name: rng.standard_normal(shape) for name, shape in network.shapes.items()}  # type: ignore[attr-defined]


def planes(loss: str = "squared", activation: str = "tanh") -> list[Plane]:
    network = mlp(2, (3, 1), activation, loss=loss)
    return [
        two_weights(network, X, Y, centre(network), ("W1", (1, 2)), ("b2", (0,))),
        random_directions(network, X, Y, centre(network), 3),
    ]


@pytest.mark.parametrize("loss", REGRESSION)
@pytest.mark.parametrize("kind", [0, 1])
def test_the_cost_is_the_derivations_loss_at_every_point(loss: str, kind: int) -> None:
    plane = planes(loss)[kind]
    u, v = np.array([-1.0, 0.3, 2.0]), np.array([0.5, -2.0, 0.0])
    expected = [evaluate(plane.steps, {"x": X, "y": Y, **plane.at(a, b)})["loss"] for a, b in zip(u, v, strict=True)]
    assert plane.cost(u, v) == pytest.approx(expected, rel=1e-13)


def test_two_weights_are_the_weights_themselves() -> None:
    plane = planes()[0]
    assert plane.at(0.25, -4.0)["W1"][1, 2] == 0.25
    assert plane.at(0.25, -4.0)["b2"][0] == -4.0


def test_random_directions_are_as_long_as_the_parameters_and_seeded() -> None:
    one, again, other = (random_directions(planes()[0].network, X, Y, centre(planes()[0].network), seed) for seed in (3, 3, 4))
    for name, value in one.centre.items():
        assert np.linalg.norm(one.first[name]) == pytest.approx(np.linalg.norm(value))
        assert (one.second[name] == again.second[name]).all()
    assert (one.first["W1"] != other.first["W1"]).any()


@pytest.mark.parametrize("kind", [0, 1])
def test_the_slope_in_the_plane_is_that_of_the_cost(kind: int) -> None:
    plane, h = planes()[kind], 1e-6
    cost, slope = plane.slope(0.4, -0.7, np.arange(9))
    assert cost == pytest.approx(plane.cost(np.array([0.4]), np.array([-0.7]))[0], rel=1e-13)
    ends = plane.cost(np.array([0.4 + h, 0.4 - h, 0.4, 0.4]), np.array([-0.7, -0.7, -0.7 + h, -0.7 - h]))
    assert slope == pytest.approx([(ends[0] - ends[1]) / (2 * h), (ends[2] - ends[3]) / (2 * h)], rel=1e-6)


def test_gradient_descent_by_hand() -> None:
    """DOMAIN B.7: y ≈ wx, one step from 0 with 0.1 gives 0.7; SGD in any order sees each example once an epoch."""
    network = mlp(1, (1,))
    x, y = np.array([[1.0], [2.0], [-1.0]]), np.array([[2.0], [3.0], [-2.5]])
    start = {"W1": np.zeros((1, 1)), "b1": np.zeros(1)}
    plane = two_weights(network, x, y, start, ("W1", (0, 0)), ("b1", (0,)))
    frozen = Plane(network, x, y, plane.centre, plane.first, {name: np.zeros_like(w) for name, w in start.items()})
    assert walk(frozen, WALKERS["gd"], (0.0, 0.0), 0.1, 1, 1, 0)[1, 0] == pytest.approx(0.7)


@pytest.mark.parametrize("size", [1, 4, 9, 25])
def test_batches_show_every_example_once_an_epoch(size: int) -> None:
    drawn, seen = batches(9, size, 5), []
    while len(seen) < 9:
        seen += list(next(drawn))
    assert sorted(seen) == list(range(9))


@pytest.mark.parametrize("name", WALKERS)
def test_paths_are_repeatable_and_begin_at_the_start(name: str) -> None:
    plane = planes()[0]
    first, again = (walk(plane, WALKERS[name], (0.5, 0.5), 0.05, 20, 4, 2) for _ in range(2))
    assert (first == again).all()
    assert first.shape == (21, 2)
    assert tuple(first[0]) == (0.5, 0.5)
    assert WALKERS[name].optimizer in OPTIMIZERS


def test_a_walker_that_runs_away_stays_finite() -> None:
    points = walk(planes()[1], WALKERS["gd"], (1.0, 1.0), 50.0, 60, 4, 0)
    assert np.isfinite(points).all()


def test_kinks_are_found_where_they_are() -> None:
    """|w·1 − 0.5| has its only kink at 0.5."""
    network = mlp(1, (1,), loss="mean_absolute_error")
    start = {"W1": np.zeros((1, 1)), "b1": np.zeros(1)}
    plane = two_weights(network, np.array([[1.0]]), np.array([[0.5]]), start, ("W1", (0, 0)), ("b1", (0,)))
    u = np.linspace(-1.01, 2.0, 300)
    found = plane.kinks(u, np.zeros(300))
    assert len(found) == 1
    assert u[found[0]] <= 0.5 <= u[found[0] + 1]


@pytest.mark.parametrize(
    ("activation", "loss", "folds"), [("tanh", "squared", False), ("relu", "squared", True), ("tanh", "absolute", True)]
)
def test_what_can_fold(activation: str, loss: str, folds: bool) -> None:
    plane = planes(loss, activation)[1]
    assert kinked(plane.network) is folds
    line = np.linspace(-2.0, 2.0, 200)
    assert bool(len(plane.kinks(line, line))) is folds


def test_a_grid_has_the_cost_of_its_corners() -> None:
    plane = planes()[1]
    z = grid(plane, (-1.0, 1.0), (-2.0, 2.0), 60)
    assert z[0, 59] == pytest.approx(plane.cost(np.array([1.0]), np.array([-2.0]))[0])
