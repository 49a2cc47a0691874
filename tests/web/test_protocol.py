"""The bytes that go to the browser."""

import math

import numpy as np
import pytest

from dosegrade.nn.training import Config, Frame
from dosegrade.web.protocol import ARRAYS, SCALARS, pack, unpack
from dosegrade.web.session import Run

SCENE = {"x": np.array([0.0, 50.0]), "y": np.array([1.0, 2.0]), "curve": np.array([0.0, 1.0, 2.0]), "truth": np.array([3.0, 4.0, 5.0])}
BYTES = [["units", 5, "u1"], ["state", 3, "u1"]]


def frame(epoch: int, loss: float = 0.1, large: float = 1.0) -> Frame:
    scalars = dict.fromkeys(SCALARS, math.nan) | {"epoch": epoch, "loss": loss, "r2": -0.5 * large, "peak_dose": 50.0}
    arrays = {"curve": large * (np.arange(3.0) + epoch), "surface": np.zeros(0), "theta": np.arange(4.0), "gradient": np.array([0.5, 0.25])}
    bytes_ = {"units": np.array([1, 128, 255, 7, 8], np.uint8), "state": np.array([0, 2, 1], np.uint8)}
    return Frame(**scalars, **arrays, saturation=np.array([1.0]), **bytes_)


def test_what_is_packed_comes_out_again() -> None:
    header, scene, frames = unpack(pack({"seq": 7, "note": "R² é"}, SCENE, [frame(1), frame(2, 1 / 3)], frame(0)))
    assert (header["seq"], header["note"], header["frames"]) == (7, "R² é", 2)
    assert header["scene"] == [["x", 2], ["y", 2], ["curve", 3], ["truth", 3]]
    assert header["arrays"] == [["curve", 3, "f4"], ["theta", 4, "f4"], ["gradient", 2, "f4"], ["saturation", 1, "f4"], *BYTES]
    for name, sent in SCENE.items():
        np.testing.assert_array_equal(scene[name], sent)
    for sent, got in zip([frame(1), frame(2, 1 / 3)], frames, strict=True):
        for name in SCALARS:
            np.testing.assert_equal(getattr(got, name), getattr(sent, name))
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(got, name), getattr(sent, name))


def test_losses_travel_bit_for_bit() -> None:
    loss = 0.1 + 0.2
    assert unpack(pack({}, SCENE, [frame(1, loss)], frame(0)))[2][0].loss.hex() == loss.hex()


@pytest.mark.parametrize("note", ["", "a", "ab", "é", "1234567"])
def test_numbers_begin_at_a_multiple_of_eight(note: str) -> None:
    message = pack({"note": note}, SCENE, [frame(1)], frame(0))
    assert int.from_bytes(message[4:8], "little") % 8 == 0


def test_a_message_without_frames() -> None:
    header, _, frames = unpack(pack({}, SCENE, [], frame(0)))
    assert header["frames"] == 0
    assert frames == []


def test_numbers_too_large_for_float32_become_infinite() -> None:
    large = frame(1, 1e300, 1e300)
    got = unpack(pack({}, SCENE, [large], frame(0)))[2][0]
    assert got.loss == 1e300
    assert np.isinf(got.curve).all()


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="DGL2"):
        unpack(b"JSON")


def test_a_run_packs_what_its_trainer_shows() -> None:
    run = Run(Config(hidden=(3, 2), validation=0.2, data="patient"))
    header, scene, (first,) = unpack(run.message)
    assert header["sizes"] == [4, 3, 2, 1]
    assert header["features"] == ["dose", "age", "weight", "clearance"]
    assert header["places"] == [
        {"weights": 0, "biases": 12, "wide": 3},
        {"weights": 15, "biases": 21, "wide": 2},
        {"weights": 23, "biases": 25, "wide": 1},
    ]
    assert (header["task"], header["dimensions"], header["optimum"]) == ("regression", 1, 50.0)
    assert header["validated"] is True
    assert len(scene["maps"]) == 4 * header["patch"] == 4 * 26
    assert len(first.units) == 6 * 26
    assert (len(scene["x"]), len(scene["held_x"])) == (81, 20)
    assert first.loss == run.trainer.frame().loss
    np.testing.assert_allclose(first.theta, run.trainer.frame().theta, rtol=1e-6)


def test_a_run_of_two_inputs_packs_a_surface_and_its_classes() -> None:
    run = Run(Config(data="circle", features=("x1", "x1_squared"), output="tanh", loss="hinge", hidden=(3,), validation=0.2))
    header, scene, (first,) = unpack(run.message)
    frame = run.trainer.frame()
    assert (header["task"], header["dimensions"], header["optimum"]) == ("classification", 2, None)
    assert header["features"] == ["x₁", "x₁²"]
    assert header["bounds"] == {"x1": [-6, 6], "x2": [-6, 6]}
    assert header["classes"] == ["outside", "inside"]
    assert [name for name, _ in header["scene"]] == ["x", "x2", "y", "held_x", "held_x2", "held_y", "maps"]
    assert (len(scene["x2"]), len(scene["held_x2"]), len(scene["maps"])) == (81, 20, 2 * 144)
    assert set(scene["y"]) == {0.0, 1.0}
    assert (len(first.surface), len(first.units), len(first.state), len(first.curve)) == (900, 4 * 144, 3, 0)
    np.testing.assert_array_equal(first.units, frame.units)
    assert first.accuracy == frame.accuracy
