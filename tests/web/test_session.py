"""A run answers the browser, goes back to what is seen, and says why it stops."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegrade.nn.training import PRESETS, Config, Frame, Trainer
from dosegrade.web import session
from dosegrade.web.protocol import unpack
from dosegrade.web.session import Run, is_monotone


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


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"count": "x", "epochs": None},
        {"count": float("nan"), "epoch": -5},
        {"gen": [], "seq": {}},
        {"count": 1e999, "epochs": 10**999, "epoch": -1e999},
    ],
)
def test_nonsense_from_the_browser_does_no_harm(question: dict[str, Any]) -> None:
    run = Run(Config())
    run.answer({**need(run), **question})
    run.see(question)
    assert run.still().epoch >= 0


def test_another_learning_rate_keeps_the_weights() -> None:
    run = Run(Config())
    run.answer(need(run))
    before = run.trainer.frame().theta
    run.see({"gen": 0, "epoch": 30})
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
    run.see({"gen": 0, "epoch": 42})
    run.change(replace(config, learning_rate=0.01))
    plain = Trainer(config)
    plain.advance(42)
    plain.update_config(replace(config, learning_rate=0.01))
    assert run.trainer.epoch == 42
    run.answer(need(run))
    plain.advance(30)
    assert run.trainer.frame().loss == plain.frame().loss
    assert max(run.kept) == 72


def test_a_late_question_for_the_run_before_says_nothing_of_this_one() -> None:
    run = Run(Config())
    run.answer(need(run))
    other = run.change(replace(run.config, hidden=(4,)))
    other.answer(need(run, epoch=25))
    assert (other.playing, other.shown) == (False, 0)


def test_a_rate_tells_what_stands_on_the_screen_for_it_may_overtake_the_pause() -> None:
    run = Run(Config())
    run.answer(need(run))
    run.hear("rate", {"gen": 0, "rate": 0.01, "playing": False, "epoch": 12, "tip": True})
    header, _, frames = unpack(run.message)
    assert (header["playing"], [frame.epoch for frame in frames]) == (False, [12])
    assert run.config.story == ((12, (("learning_rate", 0.01),)),)


def test_after_a_change_the_still_pictures_are_of_its_epoch_wherever_one_looked() -> None:
    run = Run(Config())
    run.answer(need(run))
    run.hear("rate", {"gen": 0, "rate": 0.01, "playing": False, "epoch": 12, "tip": False})
    assert (run.still().epoch, unpack(run.message)[2][0].epoch) == (30, 30)


def test_a_rate_before_the_divergence_is_seen_goes_back_to_what_is_seen() -> None:
    run = finish(Run(PRESETS["diverges"].config))
    at = run.trainer.epoch // 2
    same = run.hear("rate", {"gen": 0, "rate": 0.001, "playing": False, "epoch": at, "tip": True})
    assert same is run
    assert (run.stop, run.trainer.epoch) == ("", at)


def test_a_change_while_playing_shows_the_new_settings_at_once() -> None:
    run = Run(Config())
    run.answer(need(run))
    run.change(replace(run.config, learning_rate=0.001, l2=0.01))
    header, _, frames = unpack(run.message)
    assert header["gen"] == 1
    assert [frame.epoch for frame in frames[:2]] == [30, 31]
    for frame in frames[:2]:  # the frame of the change, too, is that of the link
        assert frame.loss.hex() == frame_at(run.config, frame.epoch).loss.hex()


def edit(run: Run, **more: Any) -> dict[str, Any]:
    return {"gen": run.gen, "epoch": run.shown, "index": 2, "value": 0.5, **more}


def test_a_weight_is_set_at_the_epoch_that_is_seen() -> None:
    run = Run(Config(batch=10, dropout=0.1))
    for _ in range(3):
        run.answer(need(run))
    assert run.edit(edit(run, epoch=40)) is None
    header, _, frames = unpack(run.message)
    assert (header["gen"], header["fresh"], header["seq"]) == (1, False, 0)
    assert [frame.epoch for frame in frames] == [40]
    assert frames[0].theta[2] == 0.5
    assert (run.trainer.epoch, max(run.kept)) == (40, 40)
    run.answer(need(run))
    assert run.config == Config(batch=10, dropout=0.1, story=((40, (("w2", 0.5),)),))
    assert last(run).loss == frame_at(run.config, 70).loss


def frame_at(config: Config, epoch: int) -> Frame:
    trainer = Trainer(config)
    trainer.advance(epoch)
    return trainer.frame()


def test_a_weight_is_set_far_back_and_the_settings_of_now_hold_from_there() -> None:
    run = Run(Config())
    for _ in range(10):
        run.answer(need(run))
    run.change(replace(run.config, learning_rate=0.01))
    for _ in range(8):
        run.answer(need(run, epochs=3))
    run.edit(edit(run, epoch=7))
    assert (run.trainer.epoch, run.trainer.settings.learning_rate) == (7, 0.01)
    assert run.config.story == ((7, (("learning_rate", 0.01), ("w2", 0.5))),)
    assert last(run).theta[0] == frame_at(Config(), 7).theta[0]
    run.answer(need(run))
    assert last(run).loss == frame_at(run.config, 37).loss


def test_a_diverged_run_goes_on_from_a_weight_set_by_hand() -> None:
    run = finish(Run(replace(PRESETS["diverges"].config, batch=20)))
    at = run.trainer.epoch
    run.edit(edit(run, epoch=at))
    assert (run.stop, run.trainer.epoch) == ("", at)
    run.answer(need(run, count=1))
    assert run.stop == "diverged" or last(run).loss == frame_at(run.config, run.trainer.epoch).loss


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"index": 25}, "no weight number 25"),
        ({"index": -1}, "no weight number -1"),
        ({"index": "a" * 99}, "no weight number a"),
        ({"value": math.nan}, "Found 'nan'"),
        ({"value": 1e7}, "at most 1,000,000"),
        ({"value": "much"}, "Found 'much'"),
        ({"value": None}, "Found 'None'"),
    ],
)
def test_a_weight_that_cannot_be_set_is_told_and_nothing_changes(told: dict[str, Any], says: str) -> None:
    run = Run(Config())
    message = run.message
    assert says in str(run.edit(edit(run, **told)))
    assert run.edit(edit(run, gen=7)) is None
    assert run.message is message
    assert run.config == Config()


def test_a_run_with_a_story_is_followed_and_left_by_a_change() -> None:
    told = Config(story=((20, (("learning_rate", 0.3),)), (50, (("w0", 1.0),))))
    run = Run(told)
    assert unpack(run.message)[0]["learning_rate"] == 0.05
    run.answer(need(run))
    assert unpack(run.message)[0]["learning_rate"] == 0.3
    assert run.change(told) is run.change(told.now) is run
    assert run.change(replace(told, story=told.story[:1])) is not run
    run.change(replace(told.now, learning_rate=0.1))
    assert run.config.story == ((20, (("learning_rate", 0.3),)), (30, (("learning_rate", 0.1),)))
    assert run.restart().config == replace(told, learning_rate=0.1, story=())


def test_a_run_stops_after_the_epochs_that_were_asked_for_and_goes_on() -> None:
    run = Run(Config(stop_epochs=50))
    run.answer(need(run, epochs=20))
    run.answer(need(run, epochs=20))
    assert (run.stop, run.trainer.epoch, last(run).epoch) == ("epochs", 50, 50)
    assert "Stopped after 50 epochs" in run.note
    run.answer(need(run, more=True, epochs=20))
    assert (run.stop, run.trainer.epoch) == ("", 90)
    run.answer(need(run, epochs=20))
    assert (run.stop, run.trainer.epoch) == ("epochs", 100)


def test_a_run_stops_in_the_first_epoch_at_the_target() -> None:
    run = finish(Run(Config(stop_loss=0.01)))
    assert run.stop == "target"
    losses = [frame.loss for frame in Trainer(Config()).frames(last(run).epoch, 1, 1e9)]
    assert run.trainer.epoch % 5 == 0
    assert losses[-1] <= 0.01 < losses[-6]
    assert "the target 0.01 is reached" in run.note
    at = run.trainer.epoch
    run.answer(need(run, more=True))
    assert (run.stop, run.trainer.epoch) == ("", at + 30)


def test_a_run_stops_where_the_loss_no_longer_falls() -> None:
    run = finish(Run(Config(validation=0.3, noise=20.0, hidden=(16, 16), patience=60)))
    assert run.stop == "patience"
    best = int(run.note.rpartition("epoch ")[2].partition(".")[0].replace(",", ""))
    assert run.trainer.epoch - best in range(60, 65)
    assert "points held out" in run.note
    seen = Trainer(Config(validation=0.3, noise=20.0, hidden=(16, 16))).frames(run.trainer.epoch, 1, 1e9)
    assert min(seen[4::5], key=lambda frame: frame.validation_loss).epoch == best


def test_another_time_to_stop_is_learned_under_way() -> None:
    run = finish(Run(Config(stop_epochs=50)))
    same = run.change(replace(run.config, stop_epochs=100))
    assert same is run
    assert (run.stop, run.config.story) == ("", ())
    assert finish(run).trainer.epoch == 100


def test_a_classifier_stops_when_every_point_is_on_its_side() -> None:
    run = finish(Run(Config(data="gaussians", output="sigmoid", loss="binary_crossentropy")))
    assert run.stop == "fitted"
    assert last(run).accuracy == 1.0


def test_dead_units_are_named_as_the_reason() -> None:
    config = Config(hidden=(4,), activations=("relu",), optimizer="sgd", story=((0, tuple((f"w{i}", -9.0) for i in range(4, 8))),))
    assert "4 of 4 hidden units are dead" in finish(Run(config)).note


def test_kept_frames_hold_no_more_than_themselves() -> None:
    run = Run(Config(data="circle"))
    run.answer(need(run))
    assert all(getattr(frame, name).base is None for frame in run.kept.values() for name in ("surface", "units", "theta"))


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
    assert [frame.epoch for frame in unpack(run.message)[2]] == [run.trainer.epoch]  # for a view that is new
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
        (Config(hidden=(1,), features=("x_squared",)), False),
        (Config(hidden=(1,), data="plane"), False),
        (Config(hidden=(1,), activations=("silu",)), False),
        (Config(hidden=(1,), data="cubic", features=("x_cubed",)), True),
    ],
)
def test_which_networks_can_only_rise_or_fall(config: Config, expected: bool) -> None:
    assert is_monotone(config) is expected
