"""Links: every run has one, and a broken one says what is wrong with it."""

from dataclasses import replace

import pytest

from dosegrade.errors import SpecError
from dosegrade.nn.training import PRESETS, Config
from dosegrade.web.link import from_query, preset_of, to_query

RUNS = [
    Config(hidden=()),
    Config(hidden=(8, 4, 2), activations=("tanh", "relu", "leaky_relu(0.2)")),
    Config(optimizer="momentum", hyper=(("momentum", 0.85),), learning_rate=1 / 3, batch=10),
    Config(data="two_peaks", points=50, noise=2.5, data_seed=9, validation=0.25, seed=2**32 - 1),
    Config(initializer="zeros", scale_dose="none", scale_effect="unit", dropout=0.1, loss="mean_absolute_error", output="sigmoid"),
    Config(optimizer="adam", hyper=(("beta_1", 0.5), ("epsilon", 1e-8))),
]


@pytest.mark.parametrize("config", [*RUNS, *(preset.config for preset in PRESETS.values())])
def test_a_link_gives_its_run_back(config: Config) -> None:
    assert from_query(to_query(config)) == config


def test_the_default_has_the_shortest_link() -> None:
    assert to_query(Config()) == {}


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "default"])
def test_a_preset_goes_by_its_name(name: str) -> None:
    assert to_query(PRESETS[name].config) == {"preset": name}
    assert preset_of(PRESETS[name].config) == name


def test_a_preset_can_be_varied() -> None:
    assert from_query({"preset": "monotone", "seed": "3"}) == replace(PRESETS["monotone"].config, seed=3)


BAD = [
    ({"learning_rate": "0"}, "learning rate 0"),
    ({"learning_rate": "nan"}, "nan"),
    ({"learning_rate": "inf"}, "inf"),
    ({"learning_rate": "fast"}, "expected a number"),
    ({"hidden": "0"}, "width"),
    ({"hidden": "-3,2"}, "-3"),
    ({"hidden": "8,,8"}, "units of each hidden layer"),
    ({"hidden": "9" * 5000}, "units of each hidden layer"),
    ({"hidden": "1,1,1,1,1,1,1,1"}, "at most"),
    ({"batch": "5000"}, "batch"),
    ({"batch": "1.5"}, "whole number"),
    ({"activations": "tanhh"}, "Did you mean 'tanh'"),
    ({"activations": "tanh,tanh,tanh"}, "name one for all"),
    ({"optimizer": "adan"}, "Did you mean 'adam'"),
    ({"optimizer": "sgd", "beta_1": "0.5"}, "beta_1"),
    ({"beta_1": "1.5"}, "beta_1"),
    ({"preset": "monoton"}, "Did you mean 'monotone'"),
    ({"data": "real"}, "data set"),
    ({"loss": "cross_entropy"}, "for classes"),
    ({"learningrate": "0.1"}, "Did you mean 'learning_rate'"),
    ({"<script>": "1"}, "does not exist"),
    ({"seed": "-1"}, "seed"),
    ({"scale_dose": ""}, "scale_dose"),
]


@pytest.mark.parametrize(("query", "words"), BAD)
def test_a_broken_link_says_why_in_a_sentence(query: dict[str, str], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_query(query)
    text = str(caught.value)
    assert words in text
    assert len(text) < 500
    assert "Traceback" not in text
