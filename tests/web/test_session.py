"""A run answers the browser, goes back to what is seen, and says why it stops."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegrade.nn.training import PRESETS, Config, Frame, Trainer
from dosegrade.web import session
from dosegrade.web.protocol import unpack
from dosegrade.web.session import Run, is_monotone


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks as long as they are asked for, however slow the machine."""
    monkeypatch.setattr(session, "BUDGET", 60.0)


def need(run: Run, **more: Any) -> dict[str, Any]:
    return {"gen": run.gen, "seq": run.seq, "count": 30, "epochs": 1, "playing": True, "epoch": 0, **more}


def finish(run: Run) -> Run:
    while not run.stop:
        run.answer(need(run, count=60, epochs=5))
    return run


def last(run: Run) -> Frame:
    return run.kept[run.trainer.epoch]


def test_a_question_brings_the_next_frames() -> None:
    run = Run(Config())
    run.answer(need(run))
    header, _, frames = unpack(run.message)
    assert [frame.epoch for frame in frames] == list(range(1, 31))
    assert (header["seq"], header["gen"]) == (1, 0)


def test_a_question_asked_twice_gets_the_same_answer() -> None:
    run = Run(Config())
    question = need(run)
    run.answer(question)
    first = run.message
    run.answer(question)
    assert run.message is first
    assert run.trainer.epoch == 30


def test_frames_are_those_of_a_plain_trainer() -> None:
    run, plain = Run(Config(batch=10, dropout=0.1)), Trainer(Config(batch=10, dropout=0.1))
    run.answer(need(run, epochs=3))
    plain.advance(90)
    assert unpack(run.message)[2][-1].loss == plain.frame().loss


@pytest.mark.parametrize("question", [{}, {"count": "x", "epochs": None}, {"count": float("nan"), "epoch": -5}, {"gen": [], "seq": {}}])
def test_nonsense_from_the_browser_does_no_harm(question: dict[str, Any]) -> None:
    run = Run(Config())
    run.answer({**need(run), **question})
    run.pause(question)
    assert run.still().epoch >= 0


def test_another_learning_rate_keeps_the_weights() -> None:
    run = Run(Config())
    run.answer(need(run))
    before = run.trainer.frame().theta
    run.pause({"gen": 0, "epoch": 30})
    same = run.change(replace(run.config, learning_rate=0.001))
    assert same is run
    np.testing.assert_array_equal(run.trainer.frame().theta, before)
    header, _, frames = unpack(run.message)
    assert (header["gen"], header["fresh"], frames[0].epoch, header["learning_rate"]) == (1, False, 30, 0.001)


def test_a_change_while_paused_goes_back_to_the_epoch_on_the_screen() -> None:
    config = Config(batch=10, dropout=0.2)
    run = Run(config)
    for _ in range(2):
        run.answer(need(run))
    run.pause({"gen": 0, "epoch": 42})
    run.change(replace(config, learning_rate=0.01))
    plain = Trainer(config)
    plain.advance(42)
    plain.update_config(replace(config, learning_rate=0.01))
    assert run.trainer.epoch == 42
    run.answer(need(run))
    plain.advance(30)
    assert run.trainer.frame().loss == plain.frame().loss
    assert max(run.kept) == 72


def test_a_change_while_playing_shows_the_new_settings_at_once() -> None:
    run = Run(Config())
    run.answer(need(run))
    run.change(replace(run.config, learning_rate=0.001))
    header, _, frames = unpack(run.message)
    assert header["gen"] == 1
    assert frames[0].epoch == 31


def test_another_network_starts_anew() -> None:
    run = Run(Config())
    run.answer(need(run))
    other = run.change(replace(run.config, hidden=(4,)))
    assert other.trainer.epoch == 0
    assert unpack(other.message)[0]["fresh"] is True
    assert other.gen == run.gen + 1


def test_the_same_settings_change_nothing() -> None:
    run = Run(Config())
    message = run.message
    assert run.change(Config()) is run
    assert run.message is message


def test_reset_starts_the_same_run_again() -> None:
    run = Run(Config())
    run.answer(need(run))
    again = run.restart()
    again.answer(need(again))
    assert unpack(again.message)[2][-1].loss == unpack(run.message)[2][-1].loss


def test_the_chain_of_single_units_stops_with_its_reason() -> None:
    run = finish(Run(PRESETS["monotone"].config))
    assert run.stop == "settled"
    assert "only rise or only fall" in run.note
    assert 0.36 < last(run).r2 <= 47 / 128
    assert is_monotone(run.config)


def test_one_unit_more_fits() -> None:
    run = finish(Run(replace(PRESETS["monotone"].config, hidden=(2, 1))))
    assert last(run).r2 > 0.99
    assert not is_monotone(run.config)


def test_saturation_is_named_as_the_reason() -> None:
    assert "saturated" in finish(Run(PRESETS["raw-dose"].config)).note


def test_divergence_is_told_and_mended_by_a_smaller_learning_rate() -> None:
    run = finish(Run(PRESETS["diverges"].config))
    assert run.stop == "diverged"
    assert "learning rate" in run.note
    run.answer(need(run))
    assert unpack(run.message)[2] == []
    mended = run.change(replace(run.config, learning_rate=0.08))
    assert (mended.trainer.epoch, mended.stop, mended.gen) == (0, "", run.gen + 1)
    assert last(finish(mended)).r2 > 0.9


def test_play_goes_on_after_a_stop() -> None:
    run = finish(Run(PRESETS["monotone"].config))
    at = run.trainer.epoch
    run.answer(need(run, more=True))
    assert run.stop == ""
    assert run.trainer.epoch == at + 30


def test_memory_is_bounded() -> None:
    run = Run(Config(hidden=(16, 16)))
    for _ in range(40):
        run.answer(need(run))
    assert len(run.kept) <= session.KEPT_FRAMES
    assert min(run.kept) == 0
    assert set(range(1201 - session.RECENT, 1201)) <= set(run.kept)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Config(hidden=(1, 1, 1)), True),
        (Config(hidden=(1, 2)), False),
        (Config(hidden=()), False),
        (Config(hidden=(1,), activations=("maxout",)), False),
        (Config(hidden=(1,), data="patient"), False),
    ],
)
def test_which_networks_can_only_rise_or_fall(config: Config, expected: bool) -> None:
    assert is_monotone(config) is expected
