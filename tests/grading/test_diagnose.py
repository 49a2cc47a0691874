"""Pairs are named as pairs, fitted mistakes with their number, and what is no mistake of the catalogue gets no name."""

from typing import Any

import numpy as np
import pytest
from sweeps import many

from dosegrade.grading.cases import Bank
from dosegrade.grading.diagnose import diagnose
from dosegrade.quiz.question import load

CODES = {code.id: code for code in load("dose-response").questions}
BANK = CODES["gradients"].bank(0)
NAMES = [port.quantity for port in BANK.exercise.returns]
Array = Any


def named(bank: Bank, flat: Array) -> list[set[str]]:
    """The codes named, a set a group."""
    blocks = len(bank.starts)
    found = diagnose(bank, flat, np.ones(blocks, bool), np.full(blocks, 1e-6), np.full(blocks, 2.0**-53))
    groups: dict[int | None, set[str]] = {}
    for index, d in enumerate(found):
        groups.setdefault(d.group if d.group is not None else -index - 1, set()).add(d.code)
    return list(groups.values())


def test_what_is_right_up_to_a_convention_is_not_where_there_is_another_mistake() -> None:
    single = next(m for m in BANK.mutants if m.mistake.code == "G01")
    pair = next(pair for pair in BANK.pairs[0] if set(pair.codes) == {"G01", "G02"})
    blocks, exact = len(BANK.starts), (np.full(len(BANK.starts), 1e-6), np.full(len(BANK.starts), 2.0**-53))
    (alone,) = diagnose(BANK, single.flat, np.ones(blocks, bool), *exact)
    assert alone.hint == "Right up to the convention of ½ in the loss: what is the derivative of (something)²?"
    row = BANK.answers(pair.variant, together=True)
    assert row is not None
    hints = {d.code: d.hint for d in diagnose(BANK, row, np.ones(blocks, bool), *exact)}
    assert hints["G01"] == "What is the derivative of (something)²?"
    assert hints["G02"].startswith("The loss is an average over the samples; where")


def test_pairs_are_named_as_pairs_or_as_what_computes_the_same() -> None:
    pairs, _ = BANK.pairs
    chosen = np.random.default_rng(3).choice(len(pairs), many(300, 60), replace=False)
    judged = 0
    for pair in (pairs[k] for k in chosen):
        row = BANK.answers(pair.variant, together=True)
        if row is None or bool((BANK.errors(row) <= 1).all()):
            continue
        judged += 1
        groups = named(BANK, row)
        singles = [m for m in BANK.mutants if bool((BANK.errors(m.flat[None], row) <= 1).all())]
        assert set(pair.codes) in groups or (singles and {singles[0].mistake.code} in groups), pair.codes
    assert judged > len(chosen) * 250 / 300


def test_wrong_programs_that_are_no_mutant_get_no_name() -> None:
    rng = np.random.default_rng(5)
    for _ in range(many(1000, 150)):
        assert named(BANK, BANK.reference * rng.uniform(0.5, 1.5, BANK.reference.size)) == []


def test_random_linear_mixtures_get_no_name() -> None:
    """Wrong in the same way at every case, as real programs are: each gradient a fixed mixture of two others."""
    rng = np.random.default_rng(6)
    table = BANK.reference.reshape(len(BANK.calls), -1)
    for _ in range(100):
        mixture = rng.uniform(-2, 2, (table.shape[1], table.shape[1]))
        assert named(BANK, (table @ mixture).ravel()) == []


@pytest.mark.parametrize(("factor", "code"), [(0.1, "G15"), (-0.01, "G15"), (0.5, "G01"), (-1.0, "G04"), (2.0, "G84")])
def test_a_common_factor(factor: float, code: str) -> None:
    assert named(BANK, factor * BANK.reference) == [{code}]


@pytest.mark.parametrize(("parts", "coefficient"), [("W", 0.02), ("b", 0.3), ("Wb", 0.002)])
def test_a_penalty(parts: str, coefficient: float) -> None:
    rows = [
        values[name] + (coefficient * inputs[name[1:]] if name[1] in parts else 0.0)
        for values, inputs in zip(BANK.values, BANK.inputs, strict=True)
        for name in NAMES
    ]
    assert named(BANK, np.concatenate([np.ravel(r) for r in rows])) == [{"G17"}]


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_rounding(decimals: int) -> None:
    assert named(BANK, np.round(BANK.reference, decimals)) == [{"G18"}]


def test_the_new_weights() -> None:
    rows = [inputs[name[1:]] - 0.05 * values[name] for values, inputs in zip(BANK.values, BANK.inputs, strict=True) for name in NAMES]
    assert named(BANK, np.concatenate([np.ravel(r) for r in rows])) == [{"G15"}]


def test_at_least_forty_mistakes_and_no_twins() -> None:
    for seed in range(4):
        bank = CODES["gradients"].bank(seed)
        assert len(bank.exercise.mistakes) >= 40
        assert bank.twins() == []
        assert min(count for _, count in bank.seen_at()) >= 2
