"""The race: its link, lanes that keep step, one that leaves the track, the page, and a visit in Chromium."""

from __future__ import annotations

import json
import re
import struct
import warnings
from typing import Any

import numpy as np
import pytest

from dosegrade.errors import SpecError
from dosegrade.nn.training import Config, Trainer
from dosegrade.web import APP
from dosegrade.web.protocol import unpack
from dosegrade.web.race import DEFAULT, FIELDS, LETTERS, STARTS, Race, from_query, lanes_of, to_query
from dosegrade.web.race_controls import FIELDS as DRAWN
from dosegrade.web.race_run import LIMIT, RaceRun
from dosegrade.web.race_view import standing_rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

OWN = lanes_of(
    Config(data="moons", points=40, output="sigmoid", loss="binary_crossentropy", features=("x1", "x1_x2"), noise=3.0),
    hidden=((4,), (8, 8), ()),
    activations=(("tanh",), ("relu", "elu(0.5)"), ("tanh",)),
    learning_rate=(0.05, 1e-3, 0.1 + 0.2),
    features=((), ("x1", "x1_x2"), ("x2",)),
)


def parts(message: bytes) -> tuple[dict[str, Any], list[Any]]:
    """A message's header, and what `unpack` makes of each lane."""
    found, at = [], 0
    while at < len(message):
        (length,) = struct.unpack_from("<I", message, at)
        found.append(message[at + 4 : at + 4 + length])
        at += 4 + length
    return json.loads(found[0]), [unpack(part) for part in found[1:]]


def ask(run: RaceRun, count: int = 20, epochs: int = 1, **more: Any) -> list[Any]:
    run.answer({"gen": run.gen, "seq": run.seq, "count": count, "epochs": epochs, "playing": True, **more})
    return parts(run.message)[1]


@pytest.mark.parametrize("race", [*(start.race for start in STARTS.values()), OWN, Race((), (Config(), Config()))], ids=str)
def test_a_link_gives_the_race_back(race: Race) -> None:
    assert from_query(to_query(race)) == race


def test_the_first_page_has_an_empty_address() -> None:
    assert to_query(DEFAULT) == {}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"race": "rate"}, "expected one of optimizers, rates"),
        ({"differ": "seed"}, "Found 1 lanes; expected from 2 to 4."),
        ({"differ": "data", "lane2": "moons"}, "Found 'data' for what the lanes differ in"),
        ({"differ": "seed", "lane3": "1"}, "expected lane2, lane3, lane4 in order"),
        ({"differ": "seed,batch", "lane2": "1"}, "expected a value for each of seed, batch"),
        ({"differ": "optimizer", "lane2": "adams"}, "Did you mean 'adam'?"),
        ({"differ": "learning_rate", "lane2": "fast"}, "expected a number"),
        ({"lane2": "1"}, "expected a value for each of"),
        ({"speed": "1"}, "a setting called 'speed'"),
        ({"differ": "seed", "lane2": "1", "story": "3:learning_rate=0.1"}, "Found a story of changes under way"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=re.escape(sentence)):
        from_query(query)


def test_lanes_differ_in_what_is_named_only() -> None:
    with pytest.raises(SpecError, match="differ in more than seed"):
        Race(("seed",), (Config(), Config(seed=1, batch=5)))
    dropped = OWN.differing_in(("hidden", "activations"))
    assert {lane.learning_rate for lane in dropped.lanes} == {OWN.shared.learning_rate}
    assert set(DRAWN) <= set(FIELDS)


def test_losses_that_measure_otherwise_are_pointed_out() -> None:
    assert not DEFAULT.unlike
    assert lanes_of(Config(), loss=("mean_squared_error", "log_cosh")).unlike


def test_lanes_keep_step_and_are_the_runs_of_their_settings() -> None:
    run = RaceRun(OWN)
    first = parts(run.message)[1]
    assert [frames[0].epoch for _, _, frames in first] == [0, 0, 0]
    lanes = ask(run, count=3, epochs=5)
    epochs = [[frame.epoch for frame in frames] for _, _, frames in lanes]
    assert epochs[0][0] == 5
    assert epochs[0] == epochs[1] == epochs[2]
    for config, (header, scene, frames) in zip(OWN.lanes, lanes, strict=True):
        alone = Trainer(config, run.trainers[0].engine)
        alone.advance(frames[-1].epoch)
        np.testing.assert_allclose(frames[-1].loss, alone.frame().loss, rtol=1e-9)
        assert len(frames[-1].surface) == 900
        assert not len(frames[-1].theta)
        assert len(scene["x"]) == 40
        assert header["label"].startswith(f"{header['letter']} · ")


def test_a_lane_that_diverges_says_so_and_the_others_go_on() -> None:
    run = RaceRun(STARTS["rates"].race)
    while not any(trainer.diverged for trainer in run.trainers):
        ask(run)
    lanes = ask(run)
    assert [bool(header["diverged"]) for header, _, _ in lanes] == [False, False, False, True]
    gone, (last,) = run.trainers[3].epoch, lanes[3][2]  # its last frame comes again, for a view that is new
    assert last.epoch == gone < lanes[0][2][0].epoch
    while run.epoch < 6000:
        ask(run, count=60)
    assert len(run.at) <= 2000
    run.see({"gen": run.gen, "epoch": run.epoch})
    epoch, rows = standing_rows(run)
    assert epoch == run.epoch
    assert rows[-1]["lane"] == "D · 1.5"
    assert rows[-1]["state"] == f"diverged after epoch {gone}"
    assert [float(row["loss"]) for row in rows[:3]] == sorted(float(row["loss"]) for row in rows[:3])


def test_a_race_of_losers_ends() -> None:
    run = RaceRun(lanes_of(Config(optimizer="sgd"), learning_rate=(30.0, 40.0)))
    for _ in range(5):
        ask(run)
    head, lanes = parts(run.message)
    assert head["stop"] == "diverged"
    assert [[frame.epoch for frame in frames] for _, _, frames in lanes] == [[trainer.epoch] for trainer in run.trainers]
    ask(run)
    assert parts(run.message)[0]["stop"] == "diverged"


def test_a_long_race_pauses_and_goes_on() -> None:
    run = RaceRun(lanes_of(Config(hidden=(1,)), seed=(0, 1)))
    while parts(run.message)[0]["stop"] != "limit":
        ask(run, count=60, epochs=100)
    assert run.epoch >= LIMIT
    ask(run, more=True)
    assert parts(run.message)[0]["stop"] == ""


def test_the_same_question_gets_the_same_answer_and_another_race_starts_anew() -> None:
    run = RaceRun(DEFAULT)
    asked = {"gen": 0, "seq": 0, "count": 3, "epochs": 1, "playing": True}
    run.answer(asked)
    before = run.message
    run.answer(asked)
    assert run.message is before
    assert run.change(DEFAULT) is run
    other = run.change(STARTS["rates"].race)
    assert (other.gen, other.epoch) == (1, 0)
    assert run.restart().epoch == 0


def open_page(**query: str) -> Any:
    at = AppTest.from_file(str(APP.parent / "app_pages" / "race.py"), default_timeout=60)
    at.query_params.update(query)
    return at.run()


def test_settings_go_into_the_address() -> None:
    at = open_page()
    assert not at.exception
    at.number_input(key="race.set.B.learning_rate").set_value(0.1).run()
    assert at.query_params["lane2"] == "momentum;0.1"
    assert at.button_group[0].value is None
    assert any("Your own race." in m.value for m in at.markdown)
    at.multiselect(key="race.differ").set_value(["optimizer"]).run()
    assert (at.query_params["differ"], at.query_params["lane2"]) == ("optimizer", "momentum")
    at.button(key="race.fewer").click().run()
    assert "lane4" not in at.query_params
    at.selectbox(key="race.set.data").set_value("spirals").run()
    assert not at.exception
    assert (at.query_params["data"], at.query_params["loss"]) == ("spirals", "binary_crossentropy")
    at.text_input(key="race.set.hidden").set_value("8, x").run()
    assert at.warning[0].value.startswith("Found the hidden units '8, x'; expected whole numbers")


def test_a_broken_link_is_told_and_the_page_works() -> None:
    at = open_page(race="rate")
    assert at.warning[0].value.startswith("This link cannot be used as it is. Found the race 'rate'")
    assert not at.exception


def test_every_lane_has_a_colour_on_light_and_on_dark() -> None:
    colours = re.findall(r"(?:light|dark): \[([^\]]+)\]", (APP.parent / "race.js").read_text())
    assert [len(set(found.split(","))) for found in colours] == [len(LETTERS)] * 2
