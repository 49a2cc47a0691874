"""Two threads over one network: every parameter belongs to one of them, and none waits for one that has failed."""

import numpy as np
import pytest

from dosegrade.nn.layers import Dense
from dosegrade.nn.network import Network
from dosegrade.nn.plan import Plan
from dosegrade.nn.wide import Share, Table


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
