"""Three traces: by hand at a revisit, and refused where they are not defined."""

import numpy as np
import pytest

from dosegrade.rl.traces import TRACES, accumulating, dutch, replacing

SETTINGS = {"alpha": 0.5, "gamma": 0.9, "lam": 0.8}
Z, X = np.array([0.5, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])


def test_by_hand() -> None:
    np.testing.assert_allclose(accumulating(Z, X, **SETTINGS), [1.36, 0.72, 0.0], rtol=1e-15)
    np.testing.assert_allclose(replacing(Z, X, **SETTINGS), [1.0, 0.72, 0.0], rtol=1e-15)
    np.testing.assert_allclose(dutch(Z, X, **SETTINGS), [0.36 + 1 - 0.5 * 0.36, 0.72, 0.0], rtol=1e-15)


def test_replacing_refuses_features_that_are_not_binary() -> None:
    with pytest.raises(ValueError, match="binary"):
        replacing(Z, np.array([0.5, 0.0, 1.0]), **SETTINGS)


@pytest.mark.parametrize("name", TRACES)
def test_all_begin_with_the_features_and_leave_their_arguments_alone(name: str) -> None:
    z, x = np.zeros(3), X.copy()
    np.testing.assert_array_equal(TRACES[name].update(z, x, **SETTINGS), X)
    assert not z.any()
    np.testing.assert_array_equal(x, X)
    assert "z_{3}" in TRACES[name].formula.format(t=3, b=2) or "z_{3," in TRACES[name].formula.format(t=3, b=2)
