"""The trainer: same bits however it is cut into frames, warm changes, divergence that explains itself, presets that keep their word."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dosegrade.data import MONOTONE_R2, monotone_r2
from dosegrade.errors import SpecError
from dosegrade.nn.activations import get
from dosegrade.nn.plan import draw, sizes
from dosegrade.nn.training import DEAD, PRESETS, Config, Frame, Trainer, needs_reset, saturated
from dosegrade.steps import evaluate

CONFIGS = {
    "full batch": Config(hidden=(8, 8)),
    "mini-batch": Config(batch=10),
    "one by one": Config(points=21, batch=1, optimizer="sgd"),
    "dropout": Config(dropout=0.2, hidden=(6, 6), activations=("relu", "tanh")),
    "held out": Config(validation=0.2, noise=5.0, batch=7),
    "patient": Config(data="patient", optimizer="nesterov", learning_rate=0.01),
}
FOREVER = 1e9


def frames(trainer: Trainer, *counts: int, each: int = 1) -> list[Frame]:
    """Frames of several chunks in a row."""
    return [frame for count in counts for frame in trainer.frames(count, each, FOREVER)]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_bits_however_the_epochs_are_cut_into_frames(name: str) -> None:
    whole, parts = frames(Trainer(CONFIGS[name]), 12), frames(Trainer(CONFIGS[name]), 1, 4, 7)
    assert [frame.epoch for frame in whole] == list(range(1, 13))
    for one, other in zip(whole, parts, strict=True):
        assert one.loss == other.loss
        np.testing.assert_array_equal(one.theta, other.theta)
        np.testing.assert_allclose(one.curve, other.curve, rtol=1e-12)
    threes, plain = frames(Trainer(CONFIGS[name]), 4, each=3), Trainer(CONFIGS[name])
    assert [frame.loss for frame in threes] == [frame.loss for frame in whole[2::3]]
    plain.advance(12)
    np.testing.assert_array_equal(plain.frame().theta, whole[-1].theta)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_frame_shows_what_the_network_computes(name: str) -> None:
    trainer = Trainer(CONFIGS[name])
    frame = frames(trainer, 3)[-1]
    data, network, kept = trainer.dataset, trainer.network, trainer.training_points
    assert frame.epoch == trainer.epoch == 3

    def predict(x: np.ndarray) -> np.ndarray:
        return trainer.effect_scaling.undo(network.predict(trainer.params, trainer.dose_scaling.apply(x)))

    np.testing.assert_allclose(frame.curve, predict(data.curve_inputs)[:, 0], rtol=1e-10, atol=1e-10)
    assert frame.peak_dose == data.curve_x[frame.curve.argmax()]
    size = trainer.effect_scaling.size[0]
    assert frame.loss == pytest.approx(((predict(data.x[kept]) - data.y[kept]) ** 2).mean() / size**2, rel=1e-12)
    residual = ((predict(data.x[kept]) - data.y[kept]) ** 2).sum()
    assert frame.r2 == pytest.approx(1 - residual / ((data.y[kept] - data.y[kept].mean()) ** 2).sum(), abs=1e-12)
    held = trainer.validation_points
    if held.size:
        assert frame.validation_loss == pytest.approx(((predict(data.x[held]) - data.y[held]) ** 2).mean() / size**2, rel=1e-12)
    else:
        assert math.isnan(frame.validation_loss)
    flat = np.concatenate([trainer.params[key].ravel() for key in network.shapes])
    np.testing.assert_array_equal(frame.theta, flat)
    assert frame.gradient.shape == (len(network.dense),)
    assert frame.saturation.shape == (len(network.dense) - 1,)


def applied(trainer: Trainer, x: np.ndarray) -> np.ndarray:
    return trainer.effect_scaling.undo(trainer.network.predict(trainer.params, trainer.inputs(x)))[:, 0]


CLASSIFIERS = {
    "probability": ("sigmoid", "binary_crossentropy"),
    "margin": ("identity", "hinge"),
    "squared margin": ("tanh", "squared_hinge"),
    "squared": ("tanh", "mean_squared_error"),
    "squared with 0 and 1": ("sigmoid", "mean_squared_error"),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_learns_and_says_how_many_are_right(name: str) -> None:
    output, loss = CLASSIFIERS[name]
    trainer = Trainer(Config(data="circle", noise=8.0, validation=0.3, output=output, loss=loss, points=200))
    frame = frames(trainer, 80)[-1]
    data, kept, held = trainer.dataset, trainer.training_points, trainer.validation_points
    guessed = applied(trainer, data.x) > 0.5
    for rows, accuracy in ((kept, frame.accuracy), (held, frame.validation_accuracy)):
        assert accuracy == (guessed[rows] == (data.y[rows, 0] == 1)).mean() > 0.8
    assert math.isnan(frame.r2)
    assert math.isnan(frame.peak_dose)
    y = data.y * 2 - 1 if output in ("identity", "tanh") else data.y
    for rows, shown in ((kept, frame.loss), (held, frame.validation_loss)):
        values = evaluate(trainer.network.steps(), {**trainer.params, "x": trainer.inputs(data.x[rows]), "y": y[rows]})
        assert shown == pytest.approx(float(values["loss"]), rel=1e-10)
    margins = (1 - y[kept, 0] * trainer.network.predict(trainer.params, trainer.inputs(data.x[kept]))[:, 0]).clip(0)
    if "hinge" in loss:
        assert frame.loss == pytest.approx((margins ** (2 if loss == "squared_hinge" else 1)).mean(), rel=1e-10)


def test_the_loss_of_held_out_points_keeps_its_digits_where_the_sigmoid_is_full() -> None:
    trainer = Trainer(
        Config(data="xor", output="sigmoid", loss="binary_crossentropy", validation=0.5, learning_rate=100.0, optimizer="sgd")
    )
    trainer.advance(3)
    values = {**trainer.params, "x": trainer._x[trainer.validation_points], "y": trainer.dataset.y[trainer.validation_points]}
    expected = float(evaluate(trainer.network.steps(), values)["loss"])
    assert trainer.frame().validation_loss == pytest.approx(expected, rel=1e-12)


def test_surface_and_pictures_of_units_are_what_the_network_computes() -> None:
    trainer = Trainer(Config(data="hills", features=("x1", "x2", "x1_x2"), hidden=(4, 3), activations=("relu", "tanh")))
    frame = frames(trainer, 5)[-1]
    np.testing.assert_allclose(frame.surface, applied(trainer, trainer.dataset.grid(30)), atol=1e-5)
    steps = trainer.network.steps()
    values = evaluate(steps, {**trainer.params, "x": trainer.inputs(trainer.dataset.grid(12)), "y": np.zeros((144, 1))})
    outputs = np.concatenate([values[f"a{i}"].T for i in (1, 2, 3)])
    drawn = frame.units.reshape(8, 144).astype(float)
    np.testing.assert_allclose(drawn, 128 + 127 * outputs / np.abs(outputs).max(), atol=0.51)


def test_of_one_input_units_show_every_fourth_point_of_the_curve() -> None:
    trainer = Trainer(Config(hidden=(5,)))
    frame = frames(trainer, 3)[-1]
    assert frame.units.dtype == np.uint8
    output = trainer.effect_scaling.apply(frame.curve[::4])
    shown = frame.units.reshape(6, 26)[5].astype(float) - 128
    np.testing.assert_allclose(shown / np.abs(shown).max(), output / np.abs(output).max(), atol=0.02)


def test_units_are_alive_stuck_or_dead() -> None:
    trainer = Trainer(Config(hidden=(3,), activations=("relu",), points=100))
    params = trainer.params
    theta = np.concatenate([np.array([[1.0, 1.0, 1.0]]).ravel(), [0.0, -1.7, -9.0], params["W2"].ravel(), params["b2"]])
    trainer._now = replace(trainer._now, theta=theta)
    assert list(trainer.frame().state) == [0, 1, 2]  # of standardised doses up to 1.71, a bias of −1.7 leaves one point
    flat = Trainer(Config(hidden=(2,), scale_dose="none", points=100))
    far = np.concatenate([[1.0, 0.01], [5.0, 0.0], [1.0, 1.0], [0.0]])
    flat._now = replace(flat._now, theta=far)
    assert list(flat.frame().state) == [1, 0]  # tanh is flat, never without a slope


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        (Config(features=("x_squared",), scale_dose="none"), lambda x: (12 * x / 100 - 6) ** 2),
        (Config(features=("x", "sin_x"), scale_dose="none"), lambda x: np.column_stack([x, np.sin(12 * x / 100 - 6)])),
        (Config(data="sine", features=("x_cubed", "cos_x"), scale_dose="none"), lambda x: np.column_stack([x**3, np.cos(x)])),
        (Config(data="plane", features=("x2", "x1_x2"), scale_dose="none"), lambda x: np.column_stack([x[:, 1], x[:, 0] * x[:, 1]])),
        (
            Config(data="patient", features=("x_squared",), scale_dose="none"),
            lambda x: np.column_stack([(12 * x[:, 0] / 100 - 6) ** 2, x[:, 1:]]),
        ),
    ],
)
def test_features_are_functions_of_the_inputs(config: Config, columns: Callable) -> None:
    trainer = Trainer(config)
    np.testing.assert_allclose(trainer.inputs(trainer.dataset.x), columns(trainer.dataset.x), atol=1e-12)
    assert frames(trainer, 2)[-1].epoch == 2


def test_naming_the_inputs_is_the_same_as_naming_none() -> None:
    assert Config(features=("x",)) == Config()


def test_the_square_of_the_dose_makes_the_parabola_a_straight_line() -> None:
    trainer = Trainer(Config(hidden=(), features=("x_squared",), optimizer="sgd", learning_rate=0.3))
    frame = frames(trainer, 60)[-1]
    assert frame.r2 > 0.9999
    assert frame.peak_dose == 50


def test_the_gradient_of_a_frame_is_that_of_the_full_loss() -> None:
    trainer = Trainer(Config(scale_dose="none", scale_effect="none", batch=10))
    trainer.advance(2)
    inputs = {**trainer.params, "x": trainer.dataset.x, "y": trainer.dataset.y}
    values = evaluate(trainer.network.steps(), inputs)
    expected = [math.hypot(np.linalg.norm(values[f"dW{i}"]), np.linalg.norm(values[f"db{i}"])) for i in (1, 2)]
    np.testing.assert_allclose(trainer.frame().gradient, expected, rtol=1e-12)


@pytest.mark.parametrize(("points", "batch", "updates"), [(101, 10, 11), (50, 50, 1), (50, 0, 1), (101, 1, 101), (100, 32, 4)])
def test_an_epoch_updates_once_a_batch_the_last_one_smaller(points: int, batch: int, updates: int) -> None:
    trainer = Trainer(Config(points=points, batch=batch))
    trainer.advance(2)
    assert trainer.step_count == 2 * updates


def test_an_epoch_sees_every_training_point_once_in_a_new_order() -> None:
    trainer = Trainer(Config(points=23, batch=5, validation=0.2))
    orders = []
    for _ in range(2):
        order, _ = draw(trainer._plan, 1, trainer._order, trainer._masks)
        assert order is not None
        orders.append(order[0])
    assert sizes(trainer._plan) == [5, 5, 5, 3]
    np.testing.assert_array_equal(np.sort(orders[0]), np.arange(18))
    np.testing.assert_array_equal(np.sort(orders[0]), np.sort(orders[1]))
    assert (orders[0] != orders[1]).any()


def test_held_out_points_are_seeded_and_never_trained_on() -> None:
    trainer, again, other = (Trainer(Config(validation=0.25, data_seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(trainer.validation_points, again.validation_points)
    assert (trainer.validation_points != other.validation_points).any()
    assert len(trainer.validation_points) == 25
    assert not set(trainer.validation_points) & set(trainer.training_points)


def test_a_warm_change_keeps_the_weights() -> None:
    trainer = Trainer(Config())
    trainer.advance(5)
    before = trainer.params
    trainer.update_config(replace(trainer.config, learning_rate=0.01, batch=10, hyper=(("beta_1", 0.8),)))
    assert all((trainer.params[key] == before[key]).all() for key in before)
    assert trainer.epoch == 5
    trainer.advance()
    assert trainer.step_count == 5 + 11


def test_the_optimizers_memory_survives_all_but_a_change_of_its_name() -> None:
    straight, changed = Trainer(Config(optimizer="momentum")), Trainer(Config(optimizer="momentum"))
    straight.advance(4)
    changed.advance(2)
    changed.update_config(replace(changed.config, learning_rate=0.1))
    changed.update_config(replace(changed.config, learning_rate=0.05))
    changed.advance(2)
    np.testing.assert_array_equal(straight.frame().theta, changed.frame().theta)
    changed.update_config(replace(changed.config, optimizer="adam"))
    changed.advance(2)
    assert changed.diverged is None


def test_a_change_that_needs_new_weights_is_refused_and_changes_nothing() -> None:
    trainer = Trainer(Config())
    trainer.advance(2)
    wider = replace(trainer.config, hidden=(9,), seed=3)
    assert needs_reset(trainer.config, wider)
    assert not needs_reset(trainer.config, replace(trainer.config, optimizer="sgd", batch=3, learning_rate=1.0))
    with pytest.raises(SpecError, match="change of hidden, seed; start a new Trainer"):
        trainer.update_config(wider)
    assert trainer.config == Config()


STORIES = {
    "rate and weight": Config(story=((5, (("learning_rate", 0.2),)), (9, (("w3", -0.5),)))),
    "mini-batch": Config(
        batch=10, dropout=0.2, story=((4, (("batch", 7), ("optimizer", "sgd"))), (4, (("w0", 2.0),)), (8, (("l2", 0.01),)))
    ),
    "at once": Config(story=((0, (("w1", 3.0),)),)),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_gives_the_bits_of_the_run_that_it_tells(name: str) -> None:
    told = STORIES[name]
    lived = Trainer(replace(told, story=()))
    for epoch, changes in told.story:
        lived.advance(epoch - lived.epoch)
        weights = {name: value for name, value in changes if name.startswith("w")}
        lived.update_config(replace(lived.settings, **{name: value for name, value in changes if name not in weights}))
        for weight, value in weights.items():
            lived.set_weight(int(weight[1:]), value)
    assert lived.config == told
    lived.advance(15 - lived.epoch)
    for each in (1, 2, 15):
        followed = Trainer(told)
        seen = frames(followed, 15 // each, each=each)
        followed.advance(15 - followed.epoch)
        np.testing.assert_array_equal(followed.frame().theta, lived.frame().theta)
        assert followed.frame().loss == lived.frame().loss
        assert [frame.epoch for frame in seen] == list(range(each, 16, each))[: 15 // each]
    assert followed.settings == told.now == lived.settings


def test_a_weight_set_by_hand_leaves_the_others() -> None:
    trainer = Trainer(Config(hidden=(2,)))
    trainer.advance(3)
    before = trainer.frame().theta
    trainer.set_weight(4, 0.25)
    after = trainer.frame()
    assert list(np.flatnonzero(before != after.theta)) == [4]
    assert (after.epoch, after.theta[4]) == (3, 0.25)
    values = evaluate(trainer.network.steps(), {**trainer.params, "x": trainer.inputs(trainer.dataset.x), "y": trainer._y})
    assert after.loss == pytest.approx(float(values["loss"]), rel=1e-12)
    with pytest.raises(SpecError, match="number of a weight"):
        trainer.set_weight(7, 1.0)
    with pytest.raises(SpecError, match="the weight w0"):
        trainer.set_weight(0, math.inf)
    assert trainer.config.story == ((3, (("w4", 0.25),)),)


def test_when_to_stop_is_no_part_of_the_story() -> None:
    trainer = Trainer(Config(story=((8, (("learning_rate", 0.2),)),)))
    trainer.advance(4)
    trainer.update_config(replace(trainer.config.now, stop_epochs=100, patience=3))
    assert trainer.config == Config(story=((8, (("learning_rate", 0.2),)),), stop_epochs=100, patience=3)
    trainer.advance(4)
    assert trainer.settings.learning_rate == 0.2


def test_a_change_drops_what_the_story_had_in_store() -> None:
    trainer = Trainer(STORIES["rate and weight"])
    trainer.advance(6)
    trainer.update_config(replace(trainer.settings, learning_rate=0.01))
    assert trainer.config.story == ((5, (("learning_rate", 0.2),)), (6, (("learning_rate", 0.01),)))
    trainer.update_config(replace(trainer.settings, l1=0.5))
    assert trainer.config.story[-1] == (6, (("l1", 0.5), ("learning_rate", 0.01)))


@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([], "expected a tuple of"),
        (((3, "w1"),), "expected an epoch and a tuple"),
        (((-1, ()),), "an epoch of the story"),
        (((5, ()), (4, ())), "from 5 to"),
        (((5, (("hidden", (2,)),)),), "'hidden' changed under way"),
        (((5, (("stop_epochs", 9),)),), "'stop_epochs' changed under way"),
        (((5, (("w999", 1.0),)),), "from 0 to 24"),
        (((5, (("w1", math.nan),)),), "the weight w1"),
        (((5, (("learning_rate", 0.0),)),), "nothing is learned"),
        (((5, (("optimizer", "sgd"),)), (6, (("hyper", (("beta_1", 0.5),)),))), "beta_1"),
        (((5, ("w1", 2.0)),), "pair"),
    ],
)
def test_a_story_that_cannot_be_followed_says_why(story: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Config(story=story)  # type: ignore[arg-type]


def test_divergence_explains_itself_and_keeps_the_last_finite_frame() -> None:
    trainer = Trainer(Config(optimizer="sgd", learning_rate=5.0))
    seen = frames(trainer, 500)
    assert trainer.diverged is not None
    assert "learning rate 5 is too large" in trainer.diverged
    assert "Try 0.5" in trainer.diverged
    last = trainer.frame()
    assert last.epoch == trainer.epoch == seen[-1].epoch < 500
    assert all(np.isfinite([frame.loss, frame.r2, *frame.curve, *frame.theta, *frame.gradient]).all() for frame in seen)
    trainer.advance(10)
    assert trainer.frame().epoch == last.epoch
    assert [frame.epoch for frame in trainer.frames(5)] == [last.epoch]
    trainer.update_config(replace(trainer.config, learning_rate=1e-20))
    assert trainer.diverged is None
    trainer.advance()
    assert trainer.epoch == last.epoch + 1


@pytest.mark.parametrize("rate", [1e3, 1e6])
@pytest.mark.parametrize(
    "config", [Config(), Config(optimizer="momentum", batch=1, points=11), Config(activations=("relu",), scale_dose="none")]
)
def test_the_wildest_steps_neither_raise_nor_warn(config: Config, rate: float) -> None:
    trainer = Trainer(replace(config, learning_rate=rate))
    trainer.advance(20)
    assert np.isfinite(trainer.frame().theta).all()
    assert math.isfinite(trainer.frame().loss)


def test_a_chunk_stops_when_its_time_is_over_but_shows_something() -> None:
    trainer = Trainer(Config())
    assert len(trainer.frames(1000, 1, 0.0)) == 1
    assert 1 <= len(trainer.frames(10**6, 1, 0.05)) < 10**6
    assert trainer.frames(3, 10**6, 0.01)[-1].epoch == trainer.epoch < 10**6


def test_parameters_cannot_be_changed_from_outside() -> None:
    trainer = Trainer(Config())
    with pytest.raises(ValueError, match="read-only"):
        trainer.params["W1"][0, 0] = 1.0


def test_dropout_is_off_in_what_is_shown() -> None:
    trainer = Trainer(Config(dropout=0.5))
    first, again = trainer.frame(), trainer.frame()
    assert first.loss == again.loss
    trainer.advance()
    assert trainer.frame().loss != first.loss


@pytest.mark.parametrize(
    ("spec", "z", "expected"),
    [
        ("tanh", [-3.0, -2.6, 0.0, 2.6, 2.7], [True, False, False, False, True]),
        ("sigmoid", [-5.4, -5.2, 0.0, 5.2, 5.4], [True, False, False, False, True]),
        ("relu", [-1.0, -0.01, 0.0, 0.01], [True, True, True, False]),
        ("leaky_relu(0.01)", [-9.0, 9.0], [False, False]),
        ("elu(1)", [-5.0, -1.0, 1.0], [True, False, False]),
        ("identity", [-9.0, 9.0], [False, False]),
        ("maxout(2)", [-9.0, 9.0], [False, False]),
    ],
)
def test_saturated_is_within_a_hundredth_of_the_range_or_dead(spec: str, z: list[float], expected: list[bool]) -> None:
    np.testing.assert_array_equal(saturated(get(spec), np.array(z)), expected)
    if spec == "tanh":
        np.testing.assert_array_equal(np.abs(np.tanh(z)) > 0.99, expected)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "elu"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_chain_of_single_units_ever_beats_the_monotone_bound(activation: str, depth: int) -> None:
    for seed in range(3):
        trainer = Trainer(Config(hidden=(1,) * depth, activations=(activation,), seed=seed, learning_rate=0.1))
        assert max(frame.r2 for frame in frames(trainer, 100)) <= MONOTONE_R2 + 1e-9


def watched(name: str, epochs: int, each: int = 1) -> tuple[Trainer, list[Frame]]:
    """A preset after so many epochs, with a frame of every `each` of them."""
    trainer = Trainer(PRESETS[name].config)
    return trainer, [trainer.frame(), *frames(trainer, epochs // each, each=each)]


def test_preset_default_fits_within_300_epochs() -> None:
    _, seen = watched("default", 300)
    assert next(frame.epoch for frame in seen if frame.r2 > 0.99) < 80
    assert seen[-1].r2 > 0.999
    assert abs(seen[-1].peak_dose - 50) <= 1


def test_preset_monotone_never_beats_47_128_and_names_an_end_of_the_range() -> None:
    _, seen = watched("monotone", 600)
    assert max(frame.r2 for frame in seen) <= MONOTONE_R2 + 1e-9
    assert seen[-1].r2 > 0.36
    assert {frame.peak_dose for frame in seen} <= {0.0, 100.0}


def test_preset_two_units_is_one_unit_more_and_fits() -> None:
    _, seen = watched("two-units", 600)
    assert next(frame.epoch for frame in seen if frame.r2 > 0.99) < 100
    assert seen[-1].r2 > 0.998
    assert abs(seen[-1].peak_dose - 50) <= 1
    assert replace(PRESETS["two-units"].config, hidden=(1, 1)) == PRESETS["monotone"].config


def test_preset_raw_dose_is_saturated_and_stuck() -> None:
    _, seen = watched("raw-dose", 600)
    assert min(frame.saturation[0] for frame in seen) > 0.5
    assert seen[0].saturation[0] > 0.9
    assert seen[-1].r2 < 0.4
    assert replace(PRESETS["raw-dose"].config, scale_dose="standard") == PRESETS["default"].config


def test_preset_diverges_and_the_advice_helps() -> None:
    trainer, seen = watched("diverges", 100)
    assert trainer.diverged is not None
    assert 10 < seen[-1].epoch < 60
    assert "Try 0.08" in trainer.diverged
    calm = Trainer(replace(trainer.config, learning_rate=0.08))
    assert frames(calm, 300)[-1].r2 > 0.9


def first(seen: list[Frame], holds: Callable[[Frame], bool]) -> int:
    """The first epoch for which it holds."""
    return next(frame.epoch for frame in seen if holds(frame))


def test_preset_one_two_one_finds_the_peak_to_half_a_milligram() -> None:
    trainer, seen = watched("one-two-one", 700, 5)
    assert trainer.config.hidden == (2,)
    assert 400 < first(seen, lambda frame: frame.r2 > 0.999) < 600
    assert seen[-1].r2 > 0.999
    doses = np.linspace(0, 100, 10001)
    assert abs(doses[applied(trainer, doses[:, None]).argmax()] - 50) <= 0.5


def test_preset_ceiling_is_reached_and_not_passed() -> None:
    trainer, seen = watched("ceiling", 1000, 5)
    assert 250 < first(seen, lambda frame: frame.r2 > 0.3671) < 400
    assert max(frame.r2 for frame in seen) <= min(MONOTONE_R2, monotone_r2(trainer.dataset.y)) + 1e-9
    assert MONOTONE_R2 - seen[-1].r2 < 1e-4
    assert trainer.config.hidden == (1, 1)


def test_preset_dead_relu_dies_and_the_advice_helps() -> None:
    trainer, seen = watched("dead-relu", 300)
    assert first(seen, lambda frame: bool((frame.state == DEAD).all())) == 4
    assert abs(seen[-1].r2) < 1e-9
    assert np.ptp(seen[-1].curve) < 1e-9
    assert (seen[4].gradient[0], seen[-1].gradient[0]) == (0, 0)
    assert frames(Trainer(replace(trainer.config, learning_rate=0.08)), 500)[-1].r2 > 0.99


def test_preset_circle_takes_more_than_two_lines() -> None:
    trainer, seen = watched("circle", 300)
    assert first(seen, lambda frame: frame.accuracy == 1.0) < 90
    assert seen[-1].validation_accuracy > 0.95
    for seed in range(3):
        strip = Trainer(replace(trainer.config, hidden=(2,), seed=seed))
        assert max(frame.accuracy for frame in frames(strip, 200, each=5)) < 0.95


def test_preset_xor_needs_its_hidden_layer() -> None:
    trainer, seen = watched("xor", 300)
    assert first(seen, lambda frame: frame.accuracy == 1.0) < 70
    assert seen[-1].validation_accuracy > 0.95
    for seed in range(3):
        line = Trainer(replace(trainer.config, hidden=(), seed=seed))
        assert max(frame.accuracy for frame in frames(line, 300)) < 0.8


def test_preset_product_needs_none() -> None:
    trainer, seen = watched("product", 200)
    assert first(seen, lambda frame: frame.accuracy == 1.0) < 80
    assert (seen[-1].accuracy, seen[-1].validation_accuracy) == (1.0, 1.0)
    assert trainer.network.shapes["W1"] == (1, 1)


def test_preset_spirals_are_followed_by_a_wide_network_only() -> None:
    trainer, seen = watched("spirals", 400)
    assert 120 < first(seen, lambda frame: frame.accuracy == 1.0) < 200
    assert seen[-1].validation_accuracy >= 0.9
    narrow, crawled = watched("spirals-narrow", 4000, 10)
    assert max(frame.accuracy for frame in crawled) < 0.7
    assert replace(narrow.config, hidden=(16, 8)) == trainer.config


def test_preset_weight_decay_keeps_the_curve_nearer_to_the_truth() -> None:
    def off(trainer: Trainer) -> float:
        trainer.advance(2000)
        return float(np.sqrt(((trainer.frame().curve - trainer.dataset.curve_truth) ** 2).mean()))

    config = PRESETS["weight-decay"].config
    held = Trainer(config)
    assert 13 < off(held) < 16
    assert 23 < off(Trainer(replace(config, l2=0.0))) < 27
    assert sum(value.size for value in held.params.values()) == 321
    assert len(held.training_points) == 25


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_what_and_why(name: str) -> None:
    assert PRESETS[name].title
    assert len(PRESETS[name].why) > 40


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"data": "parabole"}, "Did you mean 'parabola'"),
        ({"optimizer": "adm"}, "Did you mean 'adam'"),
        ({"initializer": "glorot"}, "There are: glorot_uniform"),
        ({"activations": ("tahn",)}, "Did you mean 'tanh'"),
        ({"activations": ("softmax",)}, "belongs to the output"),
        ({"activations": ("tanh", "relu")}, "for 1 hidden layers"),
        ({"activations": "tanh"}, "one for all or one for each"),
        ({"activations": (None,)}, "one for all or one for each"),
        ({"output": None}, "an activation other than"),
        ({"hyper": {"beta_1": 0.9}}, "a tuple of"),
        ({"output": "softmax"}, "an activation other than softmax"),
        ({"loss": "categorical_crossentropy"}, "which is for classes"),
        ({"loss": "poisson"}, "which is for counts"),
        ({"scale_dose": "minmax"}, "none, unit, standard"),
        ({"hidden": (0,)}, "whole number from 1 to 64"),
        ({"hidden": (65,)}, "whole number from 1 to 64"),
        ({"hidden": (2.0,)}, "whole number from 1 to 64"),
        ({"hidden": (True,)}, "whole number from 1 to 64"),
        ({"hidden": [8]}, "a tuple of at most 6"),
        ({"hidden": (1,) * 7}, "a tuple of at most 6"),
        ({"learning_rate": 0.0}, "nothing is learned"),
        ({"learning_rate": -0.1}, "the learning rate"),
        ({"learning_rate": float("nan")}, "the learning rate"),
        ({"learning_rate": float("inf")}, "the learning rate"),
        ({"learning_rate": "fast"}, "the learning rate"),
        ({"batch": -1}, "the batch"),
        ({"batch": 102}, "from 0 to 101"),
        ({"batch": 90, "validation": 0.2}, "from 0 to 81"),
        ({"points": 3}, "the number of points"),
        ({"noise": -1.0}, "the noise"),
        ({"data": "circle", "loss": "binary_crossentropy"}, "Choose the output sigmoid"),
        ({"data": "circle", "loss": "hinge", "output": "sigmoid"}, "Choose the output identity or tanh"),
        (
            {"data": "circle", "loss": "categorical_hinge"},
            "one output for each class.* Choose one of binary_crossentropy, squared_hinge, hinge, ",
        ),
        ({"loss": "hinge"}, "the target is a number"),
        ({"features": ("x1",)}, "Inverted parabola has one input. Choose from x, x_squared"),
        ({"features": ("x", "x")}, "without repeats"),
        ({"features": ["x"]}, "expected a tuple"),
        ({"features": ("x_sqared",)}, "Did you mean 'x_squared'"),
        ({"own_task": "ranking"}, "regression or classification"),
        ({"data": "own"}, "Found no rows of your own"),
        ({"stop_epochs": -1}, "the epochs to stop after"),
        ({"stop_loss": float("nan")}, "the loss to stop at"),
        ({"patience": 1.5}, "the patience in epochs"),
        ({"validation": 0.9}, "for validation"),
        ({"dropout": 1.0}, "the dropout rate"),
        ({"seed": -1}, "the seed"),
        ({"data_seed": 0.5}, "the data seed"),
        ({"hyper": (("momentum", 0.9),)}, "it takes beta_1"),
        ({"hyper": (("beta_1", 1.5),)}, "up to but not including 1"),
    ],
)
def test_a_configuration_that_cannot_be_trained_says_what_to_do(wrong: dict, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Config(**wrong)


def test_a_network_without_hidden_layers_is_a_straight_line() -> None:
    trainer = Trainer(Config(hidden=(), learning_rate=0.1))
    frame = frames(trainer, 50)[-1]
    assert frame.saturation.shape == (0,)
    assert abs(np.diff(frame.curve, 2)).max() < 1e-9
    assert frame.r2 < 0.01


def test_a_weight_set_under_way_is_seen_at_its_epoch_when_the_story_is_told_again() -> None:
    live = Trainer(Config(), "numpy")
    live.advance(20)
    live.set_weight(3, 0.7)
    seen = live.frame().loss
    again = {frame.epoch: frame.loss for frame in Trainer(live.config, "numpy").frames(30, 1, 60.0)}
    assert again[20].hex() == seen.hex()
    live.advance(5)
    assert again[25].hex() == live.frame().loss.hex()


def test_a_story_told_before_with_a_number_is_still_refused_with_a_truth_value() -> None:
    told = lambda value: Config(story=((5, (("batch", value),)),))  # noqa: E731
    assert told(1).now.batch == 1
    with pytest.raises(SpecError, match="batch"):
        told(True)
