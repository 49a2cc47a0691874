"""The section that gives a run away: all buttons, each with the right file behind it."""

import ast
import json

import pytest
from streamlit.testing.v1 import AppTest

from dosegrade.nn.training import Config
from dosegrade.web import exporting
from dosegrade.web.session import Run


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of 30 epochs."""
    run = Run(Config(hidden=(3,), dropout=0.2, validation=0.2))
    run.answer({"gen": 0, "seq": 0, "count": 30, "epochs": 1, "playing": True})
    run.see({"gen": 0, "epoch": run.trainer.epoch})
    return run


def section() -> None:
    from dosegrade.nn.training import Config
    from dosegrade.web import exporting
    from dosegrade.web.session import Run

    exporting.show(Run(Config(hidden=(3,), dropout=0.2)))


def test_the_section_has_every_download_and_says_what_differs() -> None:
    at = AppTest.from_function(section, default_timeout=60).run()
    assert not at.exception
    assert [button.label for button in at.get("download_button")] == [
        *("NumPy code", "Keras code", "PyTorch code"),
        *("Weights, CSV", "Weights, JSON", "History, CSV", "History, JSON", "Loss plot, SVG", "Loss plot, PNG"),
    ]
    told = " ".join(caption.value for caption in at.caption)
    assert "Keras: " in told
    assert "PyTorch: " in told
    assert "dropout masks" in told


def test_the_code_is_python_for_the_epochs_on_the_screen(run: Run) -> None:
    for kind in exporting.LIBRARIES:
        code = exporting.CODE[kind](run.config, run.still().epoch)
        ast.parse(code)
        assert f"range(1, {run.trainer.epoch + 1})" in code


def test_weights_are_those_on_the_screen(run: Run) -> None:
    shown = exporting.shown_weights(run)
    assert {name: value.shape for name, value in shown.items()} == run.trainer.network.shapes
    written = json.loads(exporting.weights_json(run.config, run.still().epoch, shown))["weights"]
    assert written["W1"] == run.trainer.params["W1"].tolist()


def test_the_loss_plot_is_a_picture(run: Run) -> None:
    assert exporting.loss_plot(run.past(), "svg").startswith(b"<svg")
    assert exporting.loss_plot(run.past(), "png").startswith(b"\x89PNG")
