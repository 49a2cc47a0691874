"""Parameter counts of the lecture, and of capacity_and_gradcheck.json (counted by Keras 3.15)."""

import pytest
from oracles import golden

from dosegrade.nn.initializers import initialize
from dosegrade.nn.layers import Dense, Dropout
from dosegrade.nn.network import Network, mlp
from dosegrade.nn.summary import count, summary, table

HIDDEN = (Dense(512, "relu"), Dropout(0.2), Dense(512, "relu"), Dropout(0.2))
LECTURE = Network(784, (*HIDDEN, Dense(10, "softmax")), "categorical_crossentropy")


@pytest.mark.parametrize("case", golden("capacity_and_gradcheck")["param_counts"], ids=lambda case: str(case["sizes"]))
def test_counts_equal_keras(case) -> None:
    first, *units = case["sizes"]
    network = mlp(first, tuple(units))
    assert [row.parameters for row in summary(network)] == case["per_layer"]
    assert count(network) == case["total"]


def test_the_numbers_of_the_lecture() -> None:
    assert [row.parameters for row in summary(mlp(900, (16, 1)))] == [14416, 17]
    assert [row.parameters for row in summary(mlp(900, (16, 2)))] == [14416, 34]
    assert count(mlp(900, (16, 2))) == 14450
    assert [row.parameters for row in summary(LECTURE)] == [401920, 0, 262656, 0, 5130]
    assert count(LECTURE) == 669706


def test_a_count_is_the_number_of_entries() -> None:
    network = mlp(3, (4, 2), "maxout(3)")
    assert count(network) == sum(value.size for value in initialize(network, "zeros", 0).values())


def test_the_table_as_text() -> None:
    assert table(LECTURE).splitlines() == [
        "Layer             Output shape  Parameters",
        "------------------------------------------",
        "1 Dense, relu     (None, 512)      401,920",
        "2 Dropout, 0.2    (None, 512)            0",
        "3 Dense, relu     (None, 512)      262,656",
        "4 Dropout, 0.2    (None, 512)            0",
        "5 Dense, softmax  (None, 10)         5,130",
        "------------------------------------------",
        "Total parameters: 669,706",
    ]
