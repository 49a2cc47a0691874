"""The trainer and its engines: warm-up that nobody waits for, a swap that leaves no trace, settings that change under way, speed."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegrade.nn import engine as engines
from dosegrade.nn import training
from dosegrade.nn.activations import ACTIVATIONS
from dosegrade.nn.race import frames_together
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import Config, Frame, Trainer
from dosegrade.nn.warmup import OFF, WARMUP, Warmup

CONFIGS = {
    "full batch": Config(hidden=(8, 8)),
    "mini-batch": Config(batch=10, optimizer="nadam"),
    "dropout": Config(dropout=0.3, hidden=(6, 5), activations=("relu", "tanh"), batch=7),
    "scheduled": Config(schedule="cosine", decay_steps=20, decay_rate=0.1, clip="norm", clip_at=0.5, l1=1e-3, l2=1e-3, batch=20),
    "held out": Config(validation=0.2, noise=5.0, batch=9, optimizer="adamw"),
    "classes": Config(data="xor", features=("x1", "x1_x2"), output="tanh", loss="squared_hinge", batch=8, validation=0.2),
    "told": Config(
        data="hills", batch=25, story=((6, (("learning_rate", 0.1), ("w2", 0.5))), (6, (("optimizer", "sgd"),)), (13, (("l1", 0.01),)))
    ),
}
FOREVER = 1e9


@pytest.fixture(scope="module", autouse=True)
def ready(kernel: None) -> None:
    assert WARMUP.wait()


class Cold:
    """A warm-up that becomes ready when it is told to."""

    def __init__(self) -> None:
        self.is_ready = False

    def wait(self) -> bool:
        return self.is_ready

    def module(self) -> object:
        return WARMUP.module() if self.is_ready else None


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> Cold:
    """A process whose kernel is not ready yet."""
    fake = Cold()
    monkeypatch.setattr(engines, "WARMUP", fake)
    return fake


def bits(frames: list[Frame]) -> list[tuple[int, float, bytes]]:
    return [(frame.epoch, frame.loss, frame.theta.tobytes()) for frame in frames]


def run(trainer: Trainer, *counts: int, each: int = 1) -> list[Frame]:
    return [frame for count in counts for frame in trainer.frames(count, each, FOREVER)]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("engine", ["compiled", "numpy", "steps"])
def test_the_same_bits_however_a_run_is_cut(name: str, engine: str) -> None:
    whole, parts, plain = (Trainer(CONFIGS[name], engine) for _ in range(3))
    assert whole.engine == engine
    expected = bits(run(whole, 24))
    assert bits(run(parts, 1, 4, 7, 12)) == expected
    assert bits(run(Trainer(CONFIGS[name], engine), 3, 5, each=3)) == expected[2::3]
    plain.advance(5)
    plain.advance(19)
    assert bits([plain.frame()]) == expected[-1:]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_a_run_is_that_of_the_steps(name: str, engine: str) -> None:
    ours, truth = run(Trainer(CONFIGS[name], engine), 20), run(Trainer(CONFIGS[name], "steps"), 20)
    for one, other in zip(ours, truth, strict=True):
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-10, atol=1e-12)
        assert one.loss == pytest.approx(other.loss, rel=1e-11)
        assert one.accuracy == pytest.approx(other.accuracy, nan_ok=True)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-11, nan_ok=True)
        np.testing.assert_allclose(one.gradient, other.gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_after_the_swap_a_run_has_the_bits_of_a_run_that_never_needed_one(cold: Cold, name: str) -> None:
    swapped = Trainer(CONFIGS[name])
    before = run(swapped, 10)
    assert swapped.engine == "numpy"
    swapped.update_config(replace(CONFIGS[name], learning_rate=0.02, l2=0.01))
    before += run(swapped, 5)
    cold.is_ready = True
    after = run(swapped, 10)
    assert swapped.engine == "compiled"
    straight = Trainer(CONFIGS[name])
    early = run(straight, 10)
    straight.update_config(replace(CONFIGS[name], learning_rate=0.02, l2=0.01))
    early += run(straight, 5)
    assert bits(run(straight, 10)) == bits(after)
    np.testing.assert_allclose([frame.loss for frame in before], [frame.loss for frame in early], rtol=1e-9)


def test_a_copy_made_before_the_swap_trains_on_to_the_same_bits(cold: Cold) -> None:
    trainer = Trainer(CONFIGS["dropout"])
    trainer.advance(5)
    twin = copy.copy(trainer)
    twin._order, twin._masks = copy.deepcopy((trainer._order, trainer._masks))
    cold.is_ready = True
    trainer.advance(5)
    twin.advance(5)
    assert twin.engine == trainer.engine == "compiled"
    assert bits([twin.frame()]) == bits([trainer.frame()])


def test_large_networks_and_networks_the_kernel_has_no_code_for_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Trainer(Config(hidden=(64, 64))).engine == "numpy"
    assert Trainer(Config(hidden=(8,))).engine == "compiled"
    new = replace(ACTIVATIONS["tanh"], name="new")
    monkeypatch.setitem(ACTIVATIONS._entries, "new", new)
    trainer, truth = Trainer(Config(activations=("new",))), Trainer(Config(activations=("new",)), "steps")
    assert trainer.engine == "numpy"
    trainer.advance(10)
    truth.advance(10)
    np.testing.assert_allclose(trainer.frame().theta, truth.frame().theta, rtol=1e-10)


def test_without_numba_numpy_trains_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFF, "0")
    missing = Warmup()
    assert missing.module() is None
    assert missing.state == "missing"
    assert not missing.wait(1.0)
    monkeypatch.setattr(engines, "WARMUP", missing)
    assert Trainer(Config()).engine == "numpy"
    assert Trainer(Config(), "compiled").engine == "numpy"


@pytest.mark.parametrize("engine", ["compiled", "numpy", "steps"])
@pytest.mark.parametrize("each", [1, 3, 100])
def test_divergence_is_found_in_the_same_epoch_however_a_run_is_cut(engine: str, each: int) -> None:
    config = Config(optimizer="sgd", learning_rate=0.8, seed=2, batch=40)
    plain, cut = Trainer(config, engine), Trainer(config, engine)
    plain.advance(500)
    run(cut, 500, each=each)
    assert plain.diverged == cut.diverged is not None
    assert bits([plain.frame()]) == bits([cut.frame()])
    calm = replace(config, learning_rate=0.01)
    for trainer in (plain, cut):
        trainer.update_config(calm)
    assert bits(run(plain, 5)) == bits(run(cut, 5))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_follow_keras_and_go_on_over_a_warm_change(name: str) -> None:
    rates = SCHEDULES[name].rates(0.1, np.arange(0, 41, 10), 20, 0.5)
    expected = {
        "constant": [0.1] * 5,
        "exponential": [0.1, 0.1 * 0.5**0.5, 0.05, 0.05 * 0.5**0.5, 0.025],
        "step": [0.1, 0.1, 0.05, 0.05, 0.025],
        "cosine": [0.1, 0.075, 0.05, 0.05, 0.05],
        "inverse_time": [0.1, 0.08, 0.1 / 1.5, 0.1 / 1.75, 0.05],
    }
    np.testing.assert_allclose(rates, expected[name], rtol=1e-14)


def test_a_race_is_frame_by_frame_the_runs_themselves() -> None:
    configs = [Config(optimizer=name, batch=10, learning_rate=0.01) for name in ("sgd", "momentum", "rmsprop", "adam")]
    together = frames_together([Trainer(config) for config in configs], 12, 2, FOREVER)
    assert [bits(lane) for lane in together] == [bits(run(Trainer(config), 12, each=2)) for config in configs]


def test_a_race_goes_on_when_one_has_fallen() -> None:
    trainers = [Trainer(Config(optimizer="sgd", learning_rate=0.8, seed=2)), Trainer(Config())]
    lanes = frames_together(trainers, 100, 1, FOREVER)
    assert trainers[0].diverged is not None
    assert len(lanes[0]) < 100 == len(lanes[1])
    assert frames_together(trainers, 5, 1, FOREVER)[0] == []


def test_the_first_frames_wait_for_no_compiler(tmp_path: Path) -> None:
    program = (
        "import os\nfrom dosegrade.nn.training import Config, Trainer\nfrom dosegrade.nn.warmup import WARMUP\n"
        "trainer = Trainer(Config())\nframes = trainer.frames(30)\n"
        "print(WARMUP.state, trainer.engine, len(frames), flush=True)\nos._exit(0)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    state, engine, count = done.stdout.split()
    assert (state, engine) == ("warming", "numpy")  # there are frames, and the compiler is still at work
    assert int(count) >= 1


def test_bursts_are_bounded() -> None:
    trainer = Trainer(Config(dropout=0.5, hidden=(64, 64), points=500))
    assert trainer._most() * 500 * (1 + 128) <= training.MOST_DRAWN
