"""Links: every run has one, and a broken one says what is wrong with it."""

import base64
import zlib
from dataclasses import replace

import pytest

from dosegrade.data import make
from dosegrade.errors import SpecError
from dosegrade.nn.training import PRESETS, Config, Trainer
from dosegrade.web.link import from_query, preset_of, tellable, to_query

RUNS = [
    Config(hidden=()),
    Config(hidden=(8, 4, 2), activations=("tanh", "relu", "leaky_relu(0.2)")),
    Config(optimizer="momentum", hyper=(("momentum", 0.85),), learning_rate=1 / 3, batch=10),
    Config(data="two_peaks", points=50, noise=2.5, data_seed=9, validation=0.25, seed=2**32 - 1),
    Config(initializer="zeros", scale_dose="none", scale_effect="unit", dropout=0.1, loss="mean_absolute_error", output="sigmoid"),
    Config(optimizer="adam", hyper=(("beta_1", 0.5), ("epsilon", 1e-8))),
    Config(data="circle", features=("x1_squared", "x2_squared"), output="sigmoid", loss="binary_crossentropy"),
    Config(data="own", own="a;b\n1;2\n2;1,5\n3;1\n4;0,1\n5;0"),
    Config(data="own", own="1,2,0\n2,1,1\n3,1,0\n4,3,0\n5,-0.1,1", own_task="classification", output="tanh", loss="hinge"),
    Config(stop_epochs=500, stop_loss=1e-3, patience=40, clip="norm", clip_at=0.5, schedule="cosine", decay_steps=7),
    Config(
        story=(
            (0, (("w3", 1 / 3),)),
            (30, (("hyper", (("momentum", 0.8),)), ("learning_rate", 0.01), ("optimizer", "momentum"))),
            (30, (("hyper", ()), ("optimizer", "sgd"), ("w24", -2.0))),
            (99, (("batch", 5), ("clip", "value"), ("l2", 1e-4), ("schedule", "step"))),
        )
    ),
]


@pytest.mark.parametrize("config", [*RUNS, *(preset.config for preset in PRESETS.values())])
def test_a_link_gives_its_run_back(config: Config) -> None:
    assert from_query(to_query(config)) == config


def test_a_link_gives_a_run_back_to_the_last_bit_whatever_was_changed_under_way() -> None:
    lived = Trainer(Config(batch=10, dropout=0.1, data="moons"))
    lived.advance(20)
    lived.update_config(replace(lived.settings, optimizer="nadam", learning_rate=0.01))
    lived.set_weight(5, -1.25)
    lived.advance(20)
    lived.update_config(replace(lived.settings, schedule="cosine"))
    lived.advance(20)
    again = Trainer(from_query(to_query(lived.config)))
    again.advance(60)
    assert again.frame().loss.hex() == lived.frame().loss.hex()


def test_a_story_too_long_for_a_link_is_left_out() -> None:
    config = Config(story=(*((epoch, (("w0", 1.0),)) for epoch in range(200)), (200, (("learning_rate", 0.5),))))
    assert not tellable(config)
    assert to_query(config) == {"learning_rate": "0.5"}


def test_a_link_of_five_hundred_rows_is_short_enough_for_an_address() -> None:
    data = make("moons", 500, seed=1)
    rows = "\n".join(f"{a:.3f},{b:.3f},{y:.0f}" for (a, b), y in zip(data.x, data.y[:, 0], strict=True))
    assert len(to_query(Config(data="own", own=rows, own_task="classification"))["own"]) < 8000


def test_the_default_has_the_shortest_link() -> None:
    assert to_query(Config()) == {}


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "default"])
def test_a_preset_goes_by_its_name(name: str) -> None:
    assert to_query(PRESETS[name].config) == {"preset": name}
    assert preset_of(PRESETS[name].config) == name


def test_a_preset_can_be_varied() -> None:
    assert from_query({"preset": "monotone", "seed": "3"}) == replace(PRESETS["monotone"].config, seed=3)


BOMB = base64.urlsafe_b64encode(zlib.compress(b"1,2\n" * 10**6)).decode()
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
    ({"data": "own"}, "no rows of your own"),
    ({"data": "own", "own": "abc"}, "Copy the whole link"),
    ({"data": "own", "own": "!" * 5000}, "Copy the whole link"),
    ({"data": "own", "own": BOMB}, "Copy the whole link"),
    ({"features": "x2"}, "has one input"),
    ({"story": "30"}, "expected an epoch and changes"),
    ({"story": "a:w1=2"}, "whole number"),
    ({"story": "3:hidden=2"}, "expected a change such as"),
    ({"story": "3:w1=b"}, "expected a number"),
    ({"story": "3:w99=1"}, "the number of a weight"),
    ({"story": "9:w1=1;3:w1=1"}, "an epoch of the story"),
    ({"story": ";".join("1:w1=1" for _ in range(300))}, "at most 200"),
]


@pytest.mark.parametrize(("query", "words"), BAD)
def test_a_broken_link_says_why_in_a_sentence(query: dict[str, str], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_query(query)
    text = str(caught.value)
    assert words in text
    assert len(text) < 500
    assert "Traceback" not in text
