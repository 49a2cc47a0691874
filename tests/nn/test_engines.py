"""Every engine against the derivation: the same order, masks and learning rates give the same parameters, losses and gradients to 1e-12.

Laws over the tables: a new entry is trained by the kernel where it has a code for it, else by NumPy, and is tested here either way.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import many, some

from dosegrade.nn.activations import ACTIVATIONS
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.engine import engine
from dosegrade.nn.layers import Dense, Dropout
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.plan import Plan, Stretch, Trained, draw
from dosegrade.nn.warmup import WARMUP

ENGINES = ("numpy", "compiled")
HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]
OUTPUTS = {"regression": ("identity", "sigmoid"), "classification": ("softmax", "sigmoid"), "counts": ("softplus",)}
PENALTIES = ((0.0, 0.0), (0.01, 0.0), (0.0, 0.02), (0.01, 0.02))
N, M = 11, 3


@pytest.fixture(scope="module", autouse=True)
def ready(kernel: None) -> None:
    """The kernel, compiled or from the cache."""
    assert WARMUP.wait(), "numba is there, so the kernel compiles"


def targets(loss: str, rng: np.random.Generator) -> np.ndarray:
    """Targets that suit a loss."""
    if LOSSES[loss].labels:
        return rng.integers(M, size=(N, 1)).astype(float)
    if LOSSES[loss].task == "classification":
        return np.eye(M)[rng.integers(M, size=N)]
    return rng.uniform(0.2, 2.0, size=(N, M))


def plan_of(hidden: str, output: str, loss: str, optimizer: str, penalty: tuple[float, float], clip: str, rate: float, batch: int) -> Plan:
    """A 2-3-4-M network on 11 random points."""
    rng = np.random.default_rng(len(hidden) + 31 * len(loss))
    first = [Dense(3, hidden), *([Dropout(rate)] if rate else [])]
    second = [Dense(4, hidden), *([Dropout(rate / 2)] if rate else [])]
    network = Network(2, (*first, *second, Dense(M, output)), loss, *penalty)
    return Plan(network, rng.normal(size=(N, 2)), targets(loss, rng), optimizer, None, batch, clip, 0.3)


def stretch_of(plan: Plan, epochs: int, seed: int, every: int = 1) -> Stretch:
    """Seeded order, masks and falling learning rates."""
    order, masks = draw(plan, epochs, np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2]))
    return Stretch(epochs, np.linspace(0.01, 0.002, epochs * plan.steps), order, masks, every)


def trained(plan: Plan, name: str, stretch: Stretch) -> Trained:
    """From random parameters and an empty memory, in two stretches' worth of one."""
    theta = np.random.default_rng(5).normal(scale=0.7, size=plan.parameters)
    return engine(plan, name).run(theta, plan.start(theta), stretch)


def assert_same(got: Trained, truth: Trained) -> None:
    assert got.epochs == truth.epochs
    for name in ("thetas", "losses", "gradients", "theta"):
        ours, exact = getattr(got, name), getattr(truth, name)
        assert ours.shape == exact.shape
        error = np.linalg.norm(ours - exact) / max(np.linalg.norm(exact), 1e-3)
        assert error <= 1e-12, (name, error)
    assert got.state.keys() == truth.state.keys()


def check(plan: Plan, seed: int = 3, engines: Sequence[str] = ENGINES) -> None:
    stretch = stretch_of(plan, 2, seed)
    truth = trained(plan, "steps", stretch)
    assert truth.epochs == 2
    for name in engines:
        assert_same(trained(plan, name, stretch), truth)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_activation_with_every_loss(hidden: str, loss: str) -> None:
    kinds = itertools.cycle(OPTIMIZERS)
    for output, batch in some(itertools.product(OUTPUTS[LOSSES[loss].task], (0, 4)), 3, HIDDEN.index(hidden) + list(LOSSES).index(loss)):
        check(plan_of(hidden, output, loss, next(kinds), (0.0, 0.0), "none", 0.0, batch))


@pytest.mark.parametrize("loss", [name for name in LOSSES if "entropy" not in name and name not in ("poisson", "kl_divergence")])
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_every_output_with_every_loss_that_can_take_it(output: str, loss: str) -> None:
    check(plan_of("tanh", output, loss, "adam", (0.0, 0.0), "none", 0.0, 4))


@pytest.mark.parametrize("clip", CLIPPINGS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_every_clipping_penalty_and_dropout(optimizer: str, clip: str) -> None:
    for penalty, rate, batch in some(itertools.product(PENALTIES, (0.0, 0.4), (0, 4)), 3, list(OPTIMIZERS).index(optimizer)):
        check(plan_of("tanh", "identity", "mean_squared_error", optimizer, penalty, clip, rate, batch))


def test_the_engine_for_wide_networks_with_every_optimizer_loss_clipping_penalty_and_dropout() -> None:
    clips, penalties, rates = itertools.cycle(CLIPPINGS), itertools.cycle(PENALTIES), itertools.cycle((0.4, 0.0, 0.2))
    for optimizer in OPTIMIZERS:
        check(plan_of("relu", "identity", "squared", optimizer, next(penalties), next(clips), next(rates), 4), engines=("wide",))
    for loss in LOSSES:
        for output in OUTPUTS[LOSSES[loss].task]:
            check(plan_of("relu", output, loss, "adam", next(penalties), next(clips), next(rates), 4), engines=("wide",))


@pytest.mark.parametrize("widths", [(1,), (33,), (5, 33, 40), (2, 1, 3)])
def test_the_engine_for_wide_networks_of_any_depth(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(widths))
    layers = [layer for width in widths for layer in (Dense(width, "relu"), Dropout(0.3))]
    network = Network(2, (*layers, Dense(M, "softmax")), "categorical_crossentropy")
    plan = Plan(network, rng.normal(size=(N, 2)), targets("categorical_crossentropy", rng), "adam", None, 4, "global_norm", 0.3)
    check(plan, engines=("wide",))
    falling = dataclasses.replace(plan, optimizer="sgd", clip="none", limit=0.0)
    assert trained(falling, "wide", stretch_of(falling, 2, 3)).epochs == 0


@settings(max_examples=many(150, 50), deadline=None)
@given(st.data())
def test_everything_with_everything(data: Any) -> None:
    def one(options: Any) -> Any:
        return data.draw(st.sampled_from(list(options)))

    loss = one(LOSSES)
    output = one(OUTPUTS[LOSSES[loss].task])
    choice = one(HIDDEN), output, loss, one(OPTIMIZERS), one(PENALTIES), one(CLIPPINGS), one((0.0, 0.5)), one((0, 1, 4, 8))
    check(plan_of(*choice), data.draw(st.integers(0, 99)))
