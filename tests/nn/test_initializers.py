"""Initializers by variance and bounds, never by exact draws (DOMAIN B.5); comparison_statistics.json has Keras's limits."""

import math

import numpy as np
import pytest
from oracles import golden

from dosegrade.nn.initializers import INITIALIZERS, initialize
from dosegrade.nn.network import mlp

KERAS = golden("comparison_statistics")["initialisers"]
NAMES = {name: "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_") for name in KERAS}


@pytest.mark.parametrize("keras", KERAS)
def test_variance_and_bounds_are_keras_s(keras: str) -> None:
    case, initializer = KERAS[keras], INITIALIZERS[NAMES[keras]]
    shape = (case["fan_in"], case["fan_out"])
    draws = initializer(np.random.default_rng(7), shape)
    assert initializer.variance(*shape) == pytest.approx(case["theoretical_var"], rel=1e-12)
    assert abs(draws.var() / case["theoretical_var"] - 1) < 5 * math.sqrt(2 / draws.size)
    assert abs(draws.mean()) < 5 * math.sqrt(case["theoretical_var"] / draws.size)
    limit = case["uniform_limit"] or case["truncation_limit"]
    assert 0.99 * limit < np.abs(draws).max() <= limit * (1 + 1e-8)


def test_every_random_initializer_has_golden_bounds() -> None:
    assert {*NAMES.values(), "zeros"} == set(INITIALIZERS)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_first_parameters_have_their_shapes_and_follow_the_seed(name: str) -> None:
    network = mlp(3, (4, 5, 2), "maxout(3)")
    first, again, other = (initialize(network, name, seed) for seed in (1, 1, 2))
    assert {key: value.shape for key, value in first.items()} == network.shapes
    assert all((first[key] == again[key]).all() for key in first)
    assert all((first[key] == 0).all() for key in first if key.startswith("b"))
    assert name == "zeros" or (first["W1"] != other["W1"]).all()
