"""The first look: pairs put together from what each mistake changes are the two made in turn, and the search misses no row."""

import numpy as np
import pytest
from banks import bank

from dosegrade.grading.cases import together
from dosegrade.grading.openings import Asked, Rows

LOOKED_AT = [("dose-response", "gradients"), ("backpropagation", "classifier"), ("td-lambda", "td_lambda"), ("value-targets", "n_step")]


@pytest.mark.parametrize(("quiz", "name"), LOOKED_AT)
def test_every_pair_is_the_second_mistake_made_on_top_of_the_first(quiz: str, name: str) -> None:
    cases = bank(quiz, name)
    pairs, rows = cases.pairs
    chosen = np.random.default_rng(2).choice(len(pairs), min(200, len(pairs)), replace=False)
    checked = 0
    for k in chosen:
        if any(variant.answers for variant in pairs[k].variants):
            continue  # what is done to the finished answers may rest on all calls
        whole = cases.answers(together(*pairs[k].variants), together=True)
        if whole is not None:
            np.testing.assert_allclose(rows.rows[k], whole[: cases.opening.width], rtol=1e-12, atol=1e-300)
            checked += 1
    assert checked > 100


def test_the_search_finds_the_rows_that_a_comparison_of_all_finds() -> None:
    rng = np.random.default_rng(4)
    starts, width = np.array([0, 1, 4]), 9
    table = rng.normal(size=(400, width)) * 10.0 ** rng.integers(-6, 6, size=(400, 1))
    table[200:, :4] = table[:200, :4]
    rows = Rows(table, np.ones(width), starts)
    found = 0
    for k in range(0, 400, 10):
        for judged in ([True, True, True], [True, True, False], [False, False, True], [False, False, False]):
            for rtol, roundoff in ((1e-6, 2.0**-53), (1e-4, 2.0**-24), (0.1, 2.0**-53)):
                off = table[k] * (1 + rtol * rng.uniform(-1, 1, width))
                flat = np.where(np.repeat(judged, [1, 3, 5]), off, np.nan)
                asked = Asked(flat, np.array(judged), np.full(3, rtol), np.full(3, roundoff))
                everywhere = np.flatnonzero(asked.matched_by(table, rows.scale, starts)) if any(judged) else []
                assert rows.like(asked).tolist() == list(everywhere)
                found += len(everywhere)
    assert found > 200
