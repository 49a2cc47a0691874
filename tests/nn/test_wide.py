"""Two threads over one network: every parameter belongs to one of them, and none waits for one that has failed."""

import threading
import time

import numpy as np
import pytest

from dosegrade.nn import plan as plans
from dosegrade.nn.blas import Blas
from dosegrade.nn.layers import Dense, Dropout
from dosegrade.nn.network import Network
from dosegrade.nn.plan import Plan, Stretch, draw_masks
from dosegrade.nn.wide import Share, Table, Wide


def plan_of(*widths: int) -> Plan:
    return Plan(Network(2, (*(Dense(width, "relu") for width in widths), Dense(3, "softmax"))), np.ones((5, 2)), np.ones((5, 3)))


@pytest.mark.parametrize("widths", [(1,), (2,), (16, 15), (64, 33, 1), (100, 200)])
def test_each_parameter_belongs_to_one_side(widths: tuple[int, ...]) -> None:
    plan = plan_of(*widths)
    theta, again = np.random.default_rng(3).normal(size=plan.parameters), np.full(plan.parameters, np.nan)
    shares = Share(plan, 0), Share(plan, 1)
    assert sum(share.length for share in shares) == plan.parameters
    for share in shares:
        share.put(share.take(theta, np.empty(share.length)), again)
    assert np.array_equal(theta, again)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_side_that_fails_is_not_waited_for(failing: int) -> None:
    table = Table(plan_of(4), np.float64)

    def job(side: int) -> None:
        table.meet(side)
        if side == failing:
            raise MemoryError("no room")
        table.meet(side)

    with pytest.raises((MemoryError, RuntimeError)) as caught:
        table.both(job)
    assert isinstance(caught.value, MemoryError) or isinstance(caught.value.__cause__, MemoryError)
    assert table.both(lambda side: table.meet(side, side)) == (1, 0)


@pytest.mark.parametrize("slow", [0, 1])
def test_a_side_that_is_behind_still_finds_what_it_needs(slow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    network = Network(3, (Dense(40, "relu"), Dense(35, "relu"), Dense(2, "identity")), "mse")
    plan = Plan(network, rng.normal(size=(12, 3)), rng.normal(size=(12, 2)), batch=4)
    theta, epochs = rng.normal(size=plan.parameters), 2
    order = np.array([rng.permutation(12) for _ in range(epochs)])
    stretch = Stretch(epochs, np.full(epochs * plan.steps, 0.01), order, None, epochs + 1, False)
    product, waits = np.matmul, [0]

    def late(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The gradient of W2, long after the other side has its own and has gone on."""
        if a.shape == (40, 4) and (threading.current_thread() is not threading.main_thread()) == bool(slow):
            waits[0] += 1
            time.sleep(0.03)
        return np.asarray(product(a, b, out=out))

    monkeypatch.setattr(np, "matmul", late)
    found = Wide(plan).run(theta, plan.start(theta), stretch).theta
    assert waits[0] == epochs * plan.steps
    assert np.allclose(found, Blas(plan).run(theta, plan.start(theta), stretch).theta, rtol=1e-12, atol=1e-14)


def test_masks_drawn_in_two_threads_are_those_drawn_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(2, (Dense(5, "relu"), Dropout(0.3), Dense(3, "relu"), Dropout(0.3), Dense(1)))
    plan = Plan(network, np.ones((7, 2)), np.ones((7, 1)), batch=4)
    for epochs in (4, 5):
        one, two = (np.random.Generator(np.random.PCG64(8)) for _ in range(2))
        drawn: list[np.ndarray] = []
        for generator, at_once in ((one, 1 << 20), (two, 1)):
            generator.random(dtype=np.float32)  # leaves half a word over
            monkeypatch.setattr(plans, "MASKS_AT_ONCE", at_once)
            drawn.append(draw_masks(plan, epochs, generator))
        assert np.array_equal(drawn[0], drawn[1])
        assert one.bit_generator.state == two.bit_generator.state
