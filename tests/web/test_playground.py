"""What the playground makes of a run, beside its controls: still pictures, the way to the derivation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegrade.nn.training import PRESETS, Config
from dosegrade.web import charts
from dosegrade.web.playground import derivation_of
from dosegrade.web.session import Run
from dosegrade.web.working import from_query


def drawn(run: Run) -> list[list[dict[str, Any]]]:
    """The rows behind each layer of the still picture."""
    spec = charts.output(run.static, run.scene, run.still()).to_dict()
    return [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"]]


def test_a_surface_in_a_still_picture_with_points_and_words() -> None:
    run = Run(PRESETS["circle"].config)
    frame, (tiles, points) = run.still(), drawn(run)
    assert [tile["output"] for tile in tiles] == frame.surface.tolist()
    assert min(tile["x"] for tile in tiles) < -6 < 6 < max(tile["to_x"] for tile in tiles)
    assert len(points) == 200
    assert sum(point["of"] == "held out" for point in points) == 60
    curve = Run(Config())
    assert "the network's curve is highest at 0.0 mg" in charts.told(curve.static, curve.still())
    assert "the network's curve is level" in charts.told(curve.static, replace(curve.still(), curve=np.full(101, 66.7)))
    assert charts.told(run.static, frame).startswith("The network's class over x1 and x2 at epoch 0, with the data points; ")


@pytest.mark.parametrize(
    ("config", "lines"), [(Config(), {"true", "network"}), (Config(data="own", own="1,2\n2,3\n3,1\n4,5\n5,4"), {"network"})]
)
def test_a_curve_has_a_true_one_only_where_that_is_known(config: Config, lines: set[str]) -> None:
    assert {row["of"] for row in drawn(Run(config))[1]} == lines


def test_the_derivation_is_that_of_the_run_with_its_story() -> None:
    run = Run(PRESETS["two-units"].config)
    run.answer({"gen": 0, "seq": 0, "count": 8, "epochs": 1, "playing": False, "epoch": 0})
    run.see({"gen": 0, "epoch": 5})
    assert run.edit({"gen": 0, "epoch": 5, "index": 1, "value": 0.25}) is None
    address, note = derivation_of(run)
    sheet = from_query(address)
    assert note is None
    assert sheet.epoch == 5
    assert sheet.inputs["W1"][0, 1] == 0.25
    np.testing.assert_allclose(sheet.inputs["W2"], run.trainer.params["W2"], rtol=1e-12)  # another engine may have become ready


def test_a_network_too_wide_for_the_derivation_says_so() -> None:
    address, note = derivation_of(Run(Config(hidden=(20,))))
    assert address == {}
    assert note is not None
    assert "cannot write this network out" in note
    assert "20 units" in note
