"""Laws over tables: each holds for every entry, so that a new entry is tested by being there."""

from dataclasses import replace

import numpy as np
import pytest
from sweeps import some

from dosegrade import data
from dosegrade.compare import compare
from dosegrade.errors import SpecError
from dosegrade.nn.activations import ACTIVATIONS, Activation, get
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.config import SUITED, losses_for
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.layers import Dense, Dropout
from dosegrade.nn.losses import LOSSES, Loss
from dosegrade.nn.network import Network
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import PRESETS, Config, Trainer
from dosegrade.steps import complex_step, evaluate, magnitudes

TABLES = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "initializers": INITIALIZERS,
    "clippings": CLIPPINGS,
    "schedules": SCHEDULES,
    "datasets": data.DATASETS,
    "features": data.FEATURES,
    "presets": PRESETS,
}
STEP = 1e-20
HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]
TASK_DATA = {"regression": "parabola", "classification": "circle"}
OUTPUTS = {"regression": tuple(ACTIVATIONS), "classification": ("softmax", "sigmoid"), "counts": ("softplus", "sigmoid")}


def relative(got: np.ndarray, exact: np.ndarray) -> float:
    """‖got − exact‖/‖exact‖."""
    return float(np.linalg.norm(got - exact) / max(np.linalg.norm(exact), 1e-300))


def pushed_off(z: np.ndarray, kinks: tuple[float, ...]) -> np.ndarray:
    """z with every entry at least 0.05 away from the kinks."""
    for kink in kinks:
        z = np.where(np.abs(z - kink) < 0.05, kink + 0.1, z)
    return z


def vjp_error(f: Activation, seed: int) -> float:
    """How far `vjp` is from the complex step of Σ v·f(z), relatively."""
    rng = np.random.default_rng(seed)
    z = pushed_off(rng.normal(scale=2.0, size=(4, 3 * f.pieces)), f.kinks)
    v = rng.normal(size=f(z).shape)
    exact = np.empty(z.shape)
    for index in np.ndindex(z.shape):
        shifted = z.astype(complex)
        shifted[index] += STEP * 1j
        exact[index] = (v * f(shifted)).sum().imag / STEP
    return relative(f.vjp(z, v), exact)


def targets(loss: Loss, rng: np.random.Generator, n: int) -> np.ndarray:
    """Probabilities (n, 3), or labels (n, 1) where a loss takes those."""
    return rng.integers(3, size=(n, 1)) if loss.labels else rng.dirichlet(np.ones(3), size=n)


def loss_error(loss: Loss, seed: int) -> float:
    """How far `gradient` is from the complex step of Σ value, relatively; predictions and targets are probabilities."""
    rng = np.random.default_rng(seed)
    t, p = targets(loss, rng, 5), rng.uniform(0.05, 0.95, size=(5, 3))
    exact = np.empty(p.shape)
    for index in np.ndindex(p.shape):
        shifted = p.astype(complex)
        shifted[index] += STEP * 1j
        exact[index] = loss.value(t, shifted).sum().imag / STEP
    return relative(loss.gradient(t, p), exact)


def network_case(network: Network, task: str, seed: int) -> dict[str, np.ndarray]:
    """Random parameters, data and dropout masks."""
    rng = np.random.default_rng(seed)
    inputs = {name: rng.normal(size=shape) for name, shape in network.shapes.items()}
    labels = rng.integers(network.outputs, size=5)
    y = np.eye(network.outputs)[labels] if task == "classification" else rng.normal(size=(5, network.outputs))
    if LOSSES[network.loss].labels:
        y = labels[:, None]
    masks = {f"mask{i}": (rng.random((5, network.dense[i - 1].units)) > 0.4).astype(float) for i in network.dropout}
    return {**inputs, **masks, "x": rng.normal(size=(5, 2)), "y": y}


def assert_certified(network: Network, inputs: dict[str, np.ndarray], training: bool) -> None:
    """Every gradient of the derivation equals the complex step to 1e-12 by the metric of DOMAIN D.4."""
    steps = network.steps(training)
    values = evaluate(steps, inputs)
    scales = magnitudes(steps, values)
    for name in network.shapes:
        exact = complex_step(steps, inputs, "loss", name)
        verdict = compare(values[f"d{name}"], exact, scales[f"d{name}"], rtol=1e-12)
        assert verdict.same, (network, name, verdict)


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_is_filed_under_its_name_and_has_a_formula(table: str) -> None:
    for name, entry in TABLES[table].items():
        assert entry.name == name
        assert getattr(entry, "formula", True)


@pytest.mark.parametrize("table", TABLES)
def test_every_alias_means_an_entry_and_hides_none(table: str) -> None:
    registry = TABLES[table]
    assert all(target in registry for target in registry.aliases.values())
    assert not set(registry.aliases) & set(registry)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_every_vjp_equals_the_complex_step(name: str, seed: int) -> None:
    assert vjp_error(ACTIVATIONS[name], seed) < 1e-12


@pytest.mark.parametrize("spec", ["leaky_relu(0.3)", "elu(0.5)", "elu(2)", "maxout(4)"])
def test_every_parameter_of_an_activation_reaches_its_vjp(spec: str) -> None:
    assert vjp_error(get(spec), 1) < 1e-12


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_analytic_in_form(name: str) -> None:
    f, rng = ACTIVATIONS[name], np.random.default_rng(1)
    z = pushed_off(rng.normal(size=(4, 3 * f.pieces)), f.kinks)
    a = f(z.astype(complex))
    assert a.dtype == complex
    np.testing.assert_allclose(a.real, f(z), rtol=1e-14)
    assert (a.imag == 0).all()
    assert not np.iscomplexobj(f(z))


def lost_digits(f: Activation) -> float:
    """How far value and slope are from the same in long doubles, relatively: cancellation shows."""
    z = np.array([-40.0, -20.0, -6.0, -1.5, -1e-3, 1e-9, 0.5, 3.5, 6.0, 20.0, 40.0])
    pairs = [(part(z), part(z.astype(np.longdouble))) for part in (f, f.derivative)]
    return max(float(np.max(np.abs(short - long) / np.maximum(np.abs(long), 1e-300))) for short, long in pairs)


ENTRYWISE = [name for name, f in ACTIVATIONS.items() if f.slope is not None]


@pytest.mark.parametrize("name", ENTRYWISE)
def test_no_activation_loses_digits(name: str) -> None:
    assert lost_digits(ACTIVATIONS[name]) < 1e-14


@pytest.mark.parametrize("name", ENTRYWISE)
def test_no_slope_is_steeper_than_its_bound(name: str) -> None:
    f = ACTIVATIONS[name]
    z = np.linspace(-30, 30, 6001)
    slopes = np.abs(f.derivative(z))
    assert slopes.max() <= f.steepest * (1 + 1e-12)
    assert slopes.max() >= 0.99 * f.steepest


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", range(5))
def test_every_loss_gradient_equals_the_complex_step(name: str, seed: int) -> None:
    assert loss_error(LOSSES[name], seed) < 1e-12


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_bounds_its_gradient_and_is_a_number_a_row(name: str) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(1)
    t, p = targets(loss, rng, 50), rng.dirichlet(np.ones(3), size=50)
    assert loss.value(t, p).shape == (50,)
    assert loss.gradient(t, p).shape == p.shape
    assert (np.abs(loss.gradient(t, p)) <= loss.scale(t, p) * (1 + 1e-12)).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_network_gradient_equals_the_complex_step(hidden: str, loss: str) -> None:
    task = LOSSES[loss].task
    for seed, output in some(enumerate(OUTPUTS[task]), 3, HIDDEN.index(hidden) + list(LOSSES).index(loss)):
        network = Network(2, (Dense(3, hidden), Dense(4, hidden), Dense(3, output)), loss)
        assert_certified(network, network_case(network, task, seed), training=False)


@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.0), (0.0, 0.2), (0.1, 0.2)])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_penalised_gradient_equals_the_complex_step(loss: str, l1: float, l2: float) -> None:
    task = LOSSES[loss].task
    network = Network(2, (Dense(3, "tanh"), Dense(4, "tanh"), Dense(3, OUTPUTS[task][-1])), loss, l1, l2)
    assert_certified(network, network_case(network, task, 2), training=False)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_network_gradient_with_dropout_equals_the_complex_step(hidden: str) -> None:
    network = Network(2, (Dense(3, hidden), Dropout(0.3), Dense(4, hidden), Dropout(0.5), Dense(3)))
    assert_certified(network, network_case(network, "regression", 1), training=True)


def test_the_laws_reject_entries_that_are_wrong() -> None:
    assert vjp_error(replace(ACTIVATIONS["tanh"], slope=lambda z: 1 - z * z), 1) > 1e-3
    assert lost_digits(replace(ACTIVATIONS["tanh"], slope=lambda z: 1 - np.tanh(z) ** 2)) > 1e-12
    assert vjp_error(replace(ACTIVATIONS["softmax"], pullback=lambda z, da: da), 1) > 1e-3
    assert loss_error(replace(LOSSES["squared"], gradient=lambda t, p: p - t), 1) > 1e-3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_pure_and_goes_downhill_first(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    params, grads = {"W": np.array([[1.0, -2.0]]), "b": np.array([0.5])}, {"W": np.array([[0.3, -0.1]]), "b": np.array([-2.0])}
    for value in (*params.values(), *grads.values()):
        value.flags.writeable = False
    state = optimizer.init(params)
    first, later = optimizer.update(grads, state, params, 0.01, **optimizer.hyper)
    again, _ = optimizer.update(grads, state, params, 0.01, **optimizer.hyper)
    assert all((np.sign(params[key] - first[key]) == np.sign(grads[key])).all() for key in params)
    assert all((first[key] == again[key]).all() for key in params)
    assert optimizer.update(grads, later, first, 0.01, **optimizer.hyper)[0].keys() == params.keys()
    still, _ = optimizer.update({key: np.zeros_like(g) for key, g in grads.items()}, state, params, 0.01, **optimizer.hyper)
    kept = 1 - 0.01 * optimizer.hyper.get("weight_decay", 0.0)
    assert all(np.allclose(still[key], kept * params[key], rtol=1e-15) for key in params)


def trained(**config: object) -> Trainer:
    """A run of three epochs."""
    trainer = Trainer(Config(points=11, learning_rate=0.01, **config))  # type: ignore[arg-type]
    trainer.advance(3)
    return trainer


def assert_learned(trainer: Trainer) -> None:
    """Three epochs were trained, and the frame is whole and finite."""
    frame = trainer.frame()
    assert trainer.diverged is None
    assert frame.epoch == 3
    fit = frame.r2 if trainer.config.task == "regression" else frame.accuracy
    assert np.isfinite([frame.loss, fit, *frame.curve, *frame.surface, *frame.theta, *frame.gradient, *frame.saturation]).all()


@pytest.mark.parametrize("name", HIDDEN)
def test_every_activation_trains(name: str) -> None:
    assert_learned(trained(hidden=(3, 2), activations=(name,)))
    assert_learned(trained(output=name))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains(name: str) -> None:
    assert_learned(trained(optimizer=name, batch=4))


@pytest.mark.parametrize("clip", CLIPPINGS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_and_clipping_trains(schedule: str, clip: str) -> None:
    assert_learned(trained(schedule=schedule, decay_steps=5, clip=clip, clip_at=0.1, l1=0.01, l2=0.01))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_trains(name: str) -> None:
    assert_learned(trained(initializer=name))


@pytest.mark.parametrize("name", data.DATASETS)
@pytest.mark.parametrize("kind", data.SCALINGS)
def test_every_data_set_trains_under_every_scaling(name: str, kind: str) -> None:
    output, loss = SUITED[data.DATASETS[name].task]
    assert_learned(trained(data=name, scale_dose=kind, scale_effect=kind, validation=0.2, output=output, loss=loss))


@pytest.mark.parametrize("task", SUITED)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_for_a_task_trains_one_output(task: str, name: str) -> None:
    if name not in losses_for(task):
        with pytest.raises(SpecError, match="Choose one of"):
            Config(data=TASK_DATA[task], loss=name, output="sigmoid")
        return
    output = "sigmoid" if name in ("binary_crossentropy", "mean_squared_logarithmic_error") else "identity"
    assert_learned(trained(data=TASK_DATA[task], loss=name, output=output))


@pytest.mark.parametrize("name", data.FEATURES)
def test_every_feature_is_a_column_of_its_own(name: str) -> None:
    feature = data.FEATURES[name]
    for other in (source for source in data.DATASETS.values() if source.dimensions == feature.dimensions):
        trainer = Trainer(Config(data=other.name, features=(name,), points=11))
        fed = trainer.inputs(trainer.dataset.x)
        assert fed.shape == (11, 1 + len(other.others))
        assert np.isfinite(fed).all()
        assert abs(fed[:, 0].std() - 1.0) < 1e-9
