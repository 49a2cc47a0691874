"""Each exported file is run, and its losses are those of the run on the page."""

import contextlib
import io
import json
import os
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest

from dosegrade.data import DATASETS, FEATURES, SCALINGS
from dosegrade.errors import SpecError
from dosegrade.exports import CODE, keras_code, records
from dosegrade.nn.activations import ACTIVATIONS, Activation
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import PRESETS, Config, Trainer

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")
EPOCHS = 20
BASE = Config(data="asymmetric", points=24, hidden=(3, 2), noise=2.0, seed=3, learning_rate=0.02)
RICH = replace(BASE, validation=0.2, batch=7, dropout=0.25, l1=0.0005, l2=0.001, clip="norm", clip_at=0.5, schedule="cosine")

OWN_ROWS = "age,kg,ill\n30,60,0\n40,65.5,1\n35,80,1\n62,71,0\n28,90,1\n51,55,0"


def possible(**changes: Any) -> Config | None:
    """A configuration, or None where it cannot be trained with."""
    with contextlib.suppress(SpecError):
        return replace(BASE, **changes)
    return None


def spread() -> dict[str, Config]:
    """Every entry of every table at least once."""
    every: dict[str, Config | None] = {"everything at once": RICH}
    for name, entry in ACTIVATIONS.items():
        every[f"activation {name}"] = possible(activations=(name,))
        if entry.parameter_name == "alpha":
            every[f"activation {name} of 0.3"] = possible(activations=(f"{name}(0.3)",))
    for loss in LOSSES:
        tried = ((o, d) for o in ("identity", "sigmoid") for d in ("asymmetric", "moons"))
        every[f"loss {loss}"] = next((c for o, d in tried if (c := possible(loss=loss, output=o, data=d))), None)
    every |= {f"optimizer {name}": possible(optimizer=name, batch=5) for name in OPTIMIZERS}
    every |= {f"initializer {name}": possible(initializer=name, hidden=(12, 9)) for name in INITIALIZERS}
    every |= {f"clipping {name}": possible(clip=name, clip_at=0.1) for name in CLIPPINGS}
    every |= {f"schedule {name}": possible(schedule=name, decay_steps=20, batch=9) for name in SCHEDULES}
    every |= {f"data {name}": possible(data=name) for name in DATASETS}
    every |= {f"feature {f.name}": possible(data=("patient", "hills")[f.dimensions - 1], features=(f.name,)) for f in FEATURES.values()}
    every |= {
        f"own {task}": possible(data="own", own=OWN_ROWS, own_task=task, points=5, noise=1.0) for task in ("regression", "classification")
    }
    every["own features"] = possible(data="own", own=OWN_ROWS, own_task="regression", features=("x1_x2", "x2"))
    every |= {f"scaling {name}": possible(scale_dose=name, scale_effect=name, optimizer="sgd", learning_rate=1e-6) for name in SCALINGS}
    every |= {f"preset {name}": preset.config for name, preset in PRESETS.items()}
    return {name: config for name, config in every.items() if config is not None}


SPREAD = spread()


@cache
def losses(config: Config) -> np.ndarray:
    """The losses of the run, epoch 0 first."""
    trainer = Trainer(config, "steps")
    return np.array([trainer.frame().loss, *(moment.loss for moment in trainer.moments(EPOCHS))])


def executed(kind: str, config: Config) -> dict[str, Any]:
    """What an exported file leaves behind, and what it prints."""
    space: dict[str, Any] = {"__name__": "exported"}
    printed = io.StringIO()
    code = CODE[kind](config, EPOCHS)
    assert "dosegrade" not in code
    with contextlib.redirect_stdout(printed):
        exec(compile(code, f"{kind}.py", "exec"), space)  # noqa: S102
    return {**space, "printed": printed.getvalue()}


@pytest.mark.parametrize("name", SPREAD)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numpy_code_has_the_losses_of_the_run(name: str) -> None:
    config = SPREAD[name]
    ours, theirs = losses(config), np.array(executed("numpy", config)["losses"])
    np.testing.assert_allclose(theirs[: len(ours)], ours, rtol=1e-9)


STORY = (
    (4, (("batch", 7), ("l2", 0.01), ("learning_rate", 0.1))),
    (4, (("w3", 0.5),)),
    (9, (("clip", "norm"), ("optimizer", "nesterov"), ("schedule", "exponential"), ("decay_steps", 10))),
    (13, (("batch", 0), ("w0", -1.0), ("w12", 2.0))),
    (20, (("w1", 0.25),)),
)


@pytest.mark.parametrize("base", [BASE, replace(BASE, dropout=0.3, validation=0.2, batch=5)])
def test_numpy_code_follows_what_was_changed_under_way(base: Config) -> None:
    config = replace(base, story=STORY)
    trainer = Trainer(config, "steps")
    ours = [trainer.frame().loss]
    for _ in range(EPOCHS):
        trainer.advance()
        ours.append(trainer.frame().loss)
    made = executed("numpy", config)
    np.testing.assert_allclose(made["losses"], ours, rtol=1e-9)
    np.testing.assert_allclose(np.concatenate([w.ravel() for w in made["params"].values()]), trainer.frame().theta, rtol=1e-9)


@pytest.mark.parametrize("kind", ["keras", "torch"])
def test_the_other_files_say_that_they_do_not(kind: str) -> None:
    assert "was changed under way (epoch 4, 9, 13, 20)" in CODE[kind](replace(BASE, story=STORY), EPOCHS).replace("\n", " ")
    assert "under way" not in CODE[kind](BASE, EPOCHS)


def test_the_code_prints_the_loss_by_epoch_and_that_of_the_held_out_points() -> None:
    trainer = Trainer(RICH, "steps")
    trainer.advance(EPOCHS)
    frame = trainer.frame()
    last = executed("numpy", RICH)["printed"].splitlines()[-1]
    assert last == f"epoch {EPOCHS} loss {frame.loss:.6g} held out {frame.validation_loss:.6g}"


def test_a_diverging_run_ends_with_a_word() -> None:
    config = replace(PRESETS["diverges"].config, learning_rate=3.0)
    assert executed("numpy", config)["printed"].splitlines()[-1].startswith("diverged")


def test_few_weights_are_written_out_and_many_drawn() -> None:
    assert "uniform(rng" not in CODE["numpy"](BASE, 1)
    assert "uniform(rng" in CODE["numpy"](replace(BASE, hidden=(12, 9)), 1)


def test_every_entry_that_cannot_be_written_out_for_keras_has_its_name_there() -> None:
    code = import_module(keras_code.__module__)
    assert (set(code.OPTIMIZERS), set(code.CLIPPINGS), set(code.SCHEDULES)) == (set(OPTIMIZERS), set(CLIPPINGS), set(SCHEDULES))


@pytest.mark.parametrize("kind", CODE)
@pytest.mark.filterwarnings("ignore")
def test_a_new_entry_is_exported_without_more(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    new = Activation("wave", r"z + \sin z", lambda z: z + np.sin(z), lambda z: 1.0 + np.cos(z), steepest=2.0)
    cubes = replace(LOSSES["squared"], name="cubes", value=lambda t, p: cubed(p - t).sum(axis=-1), gradient=lambda t, p: 3 * (p - t) ** 2)
    monkeypatch.setitem(ACTIVATIONS._entries, "wave", new)
    monkeypatch.setitem(LOSSES._entries, "cubes", cubes)
    monkeypatch.setitem(OPTIMIZERS._entries, "own", replace(OPTIMIZERS["adamax"], name="own"))
    config = replace(BASE, activations=("wave",), loss="cubes", optimizer="sgd" if kind == "keras" else "own", learning_rate=1e-3)
    assert "wave(" in CODE[kind](config, EPOCHS)
    assert "cubed(" in CODE[kind](config, EPOCHS)
    if kind != "numpy":
        pytest.importorskip(kind, reason=f"{kind} is not installed")
    np.testing.assert_allclose(executed(kind, config)["losses"], losses(config), rtol=2e-5 if kind == "keras" else 1e-9)


def cubed(d: np.ndarray) -> np.ndarray:
    """d³."""
    return d**3


def library_cases() -> list[Config]:
    """Each activation, loss, optimizer, clipping and schedule at least once, several of them a run."""
    kinds = [
        [c for name, c in SPREAD.items() if name.startswith(f"{kind} ")]
        for kind in ("activation", "loss", "optimizer", "clipping", "schedule")
    ]
    cases = [RICH, replace(BASE, activations=("leaky_relu(0.1)", "leaky_relu(0.3)")), replace(BASE, activations=("maxout(2)", "maxout(3)"))]
    for activation, loss, optimizer, clipping, schedule in zip_longest(*kinds, fillvalue=BASE):
        changed = {"activations": activation.activations, "loss": loss.loss, "output": loss.output, "optimizer": optimizer.optimizer}
        changed |= {
            "batch": optimizer.batch,
            "clip": clipping.clip,
            "schedule": schedule.schedule,
            "decay_steps": schedule.decay_steps,
            "data": loss.data,
        }
        cases.append(replace(BASE, **changed))
    return cases


@pytest.mark.parametrize("number", range(len(library_cases())))
@pytest.mark.filterwarnings("ignore")
def test_torch_code_has_the_losses_of_the_run(number: int) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    config = library_cases()[number]
    np.testing.assert_allclose(executed("torch", config)["losses"], losses(config), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", range(len(library_cases())))
@pytest.mark.filterwarnings("ignore")
def test_keras_code_has_the_losses_of_the_run(number: int) -> None:
    pytest.importorskip("keras", reason="keras is not installed")
    pytest.importorskip("jax", reason="jax is not installed")
    config = library_cases()[number]
    np.testing.assert_allclose(executed("keras", config)["losses"], losses(config), rtol=2e-5, atol=1e-6)


def test_weights_and_history_read_back() -> None:
    trainer = Trainer(RICH, "steps")
    frames = [trainer.frame()]
    trainer.advance(3)
    frames.append(trainer.frame())
    weights = json.loads(records.weights_json(RICH, 3, trainer.params))
    assert weights["epoch"] == 3
    for name, value in trainer.params.items():
        np.testing.assert_array_equal(weights["weights"][name], value)
    rows = [line.split(",") for line in records.weights_csv(trainer.params).splitlines()[1:]]
    assert [float(row[3]) for row in rows] == frames[-1].theta.tolist()
    history = json.loads(records.history_json(RICH, frames))["history"]
    assert [row["loss"] for row in history] == [frame.loss for frame in frames]
    lines = records.history_csv(frames).splitlines()
    assert lines[0].startswith("epoch,loss,validation_loss,r2")
    assert float(lines[2].split(",")[1]) == frames[1].loss


def test_a_number_that_is_none_is_null() -> None:
    frames = [Trainer(BASE, "steps").frame()]
    assert json.loads(records.history_json(BASE, frames))["history"][0]["validation_loss"] is None
    assert records.history_csv(frames).splitlines()[1].split(",")[2] == ""
