"""Which engine trains a plan: the compiled kernel for small networks once it is ready, NumPy and BLAS for large ones and until then.

Engines differ in the last digits only, but they do differ. A run therefore belongs to the engine that `home` names: what NumPy has trained
while the kernel was warming up is trained again by the kernel from epoch 0 when it is ready, and from there on the run has the same bits as
every other run of that configuration on this machine.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from dosegrade.nn.blas import Blas
from dosegrade.nn.plan import Engine, Plan
from dosegrade.nn.reference import Reference
from dosegrade.nn.warmup import WARMUP
from dosegrade.nn.wide import Wide, suits

SMALL = 1100


def small(plan: Plan) -> bool:
    """Whether the kernel is faster than BLAS on it (TRAINING.md: up to about 1,100 parameters)."""
    return plan.parameters <= SMALL


def engine(plan: Plan, name: str | None = None) -> Engine:
    """The engine for a plan; `compiled`, `numpy`, `wide` or `steps` where a name asks for one: `compiled` waits for the compiler."""
    if name == "steps":
        return Reference(plan)
    if name == "wide" or (name is None and suits(plan) and importlib.util.find_spec("numba") is not None):
        return Wide(plan)
    if name == "numpy" or (name is None and not small(plan)):
        return Blas(plan)
    if name == "compiled":
        WARMUP.wait()
    module = WARMUP.module()
    return Blas(plan) if module is None or not module.covers(plan) else _compiled(module, plan)


def better(current: Engine, plan: Plan) -> bool:
    """Whether the kernel has become ready for a plan that NumPy trains."""
    module = WARMUP.module() if current.name == "numpy" and small(plan) else None
    return module is not None and bool(module.covers(plan))


def _compiled(module: Any, plan: Plan) -> Engine:
    made: Engine = module.Compiled(plan)
    return made


@cache
def pool() -> ThreadPoolExecutor:
    """A thread for each core; the kernel runs in them side by side."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="training")


def side_by_side(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """All results in order, computed on all cores."""
    return [call() for call in calls] if len(calls) < 2 else list(pool().map(lambda call: call(), calls))
