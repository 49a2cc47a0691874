"""The playground's logic, without a browser."""

import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dosegrade.nn.training import PRESETS
from dosegrade.web import APP, SCRIPT, controls, serve_command
from dosegrade.web.protocol import unpack

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest
    from streamlit.web.server.app_discovery import discover_asgi_app

ROOT = Path(__file__).resolve().parents[2]


def visit(**query: str) -> AppTest:
    """The page after one run, with this address."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.query_params.update(query)
    return app.run()


def chosen(app: AppTest) -> Any:
    return app.session_state["config"]


def widget(app: AppTest, kind: str, field: str) -> Any:
    return getattr(app, kind)(key=f"set.{field}")


def press(app: AppTest, count: int = 30) -> AppTest:
    """Play, as the browser asks for it, for a chunk of frames."""
    run = app.session_state["run"]
    run.answer({"gen": run.gen, "seq": run.seq, "count": count, "epochs": 1, "playing": True})
    return app


def shown(app: AppTest) -> Any:
    letter = app.get("bidi_component")[0].proto.bytes
    return unpack(letter[1 + letter[0] :])


@pytest.mark.parametrize("path", [ROOT / "app.py", APP])
def test_streamlit_finds_the_app_of_a_checkout_and_of_the_package(path: Path) -> None:
    found = discover_asgi_app(path)
    assert (found.is_asgi_app, found.import_string) == (True, "app:app")


def test_the_first_visit() -> None:
    app = visit()
    assert not app.exception
    assert app.title[0].value == "Watch a small network learn"
    assert chosen(app) == PRESETS["default"].config
    assert shown(app)[0]["sizes"] == [1, 8, 1]
    assert any("not medical advice" in text.value or "medical advice" in text.value for text in app.caption)
    assert app.query_params == {}


@pytest.mark.parametrize("name", list(PRESETS))
def test_each_preset_can_be_taken_and_told(name: str) -> None:
    app = visit()
    row = next((n for n, names in enumerate(controls.groups().values()) if name in names), None)
    app.button_group(key="preset" if row is None else f"preset.{row}").set_value(name).run()
    assert not app.exception
    assert chosen(app) == PRESETS[name].config
    assert any(PRESETS[name].why in text.value for text in app.markdown)


def test_one_press_adds_a_unit() -> None:
    app = visit(preset="monotone")
    assert chosen(app).hidden == (1, 1)
    next(button for button in app.button if button.label == "Add a unit").click().run()
    assert chosen(app) == PRESETS["two-units"].config
    assert app.query_params["preset"] == "two-units"
    assert all(button.label != "Add a unit" for button in app.button)


def test_another_optimizer_keeps_the_weights() -> None:
    app = visit()
    press(app)
    before = app.session_state["run"]
    widget(app, "selectbox", "optimizer").set_value("sgd").run()
    assert app.session_state["run"] is before
    assert before.trainer.epoch >= 30
    assert app.query_params == {"story": "30:optimizer=sgd"}
    assert any("weights stayed" in text.value for text in app.caption)


def test_other_units_start_anew() -> None:
    app = visit()
    press(app)
    widget(app, "number_input", "width0").set_value(3).run()
    assert app.session_state["run"].trainer.epoch == 0
    assert shown(app)[0]["sizes"] == [1, 3, 1]
    assert app.query_params == {"hidden": "3"}
    assert app.button_group(key="preset").value is None


def test_more_layers_each_with_its_activation() -> None:
    app = visit()
    widget(app, "number_input", "depth").set_value(3).run()
    widget(app, "toggle", "each").set_value(True).run()
    widget(app, "selectbox", "activation1").set_value("relu").run()
    assert not app.exception
    assert chosen(app).hidden == (8, 8, 8)
    assert chosen(app).activations == ("tanh", "relu", "tanh")
    assert visit(**app.query_params).session_state["config"] == chosen(app)


def test_no_hidden_layer_at_all() -> None:
    app = visit()
    widget(app, "number_input", "depth").set_value(0).run()
    assert not app.exception
    assert shown(app)[0]["sizes"] == [1, 1]
    assert not [box for box in app.selectbox if box.label == "Activation"]
    assert visit(hidden="none").session_state["config"] == chosen(app)


def test_an_optimizer_brings_its_own_settings() -> None:
    app = visit()
    widget(app, "selectbox", "optimizer").set_value("momentum").run()
    widget(app, "number_input", "momentum").set_value(0.5).run()
    assert chosen(app).hyper == (("momentum", 0.5),)
    widget(app, "selectbox", "optimizer").set_value("sgd").run()
    assert not app.exception
    assert chosen(app).hyper == ()


def test_a_batch_larger_than_the_data_is_told_and_the_last_settings_stay() -> None:
    app = visit()
    widget(app, "number_input", "batch").set_value(300).run()
    assert not app.exception
    assert chosen(app).batch == 0
    (warning,) = app.warning
    assert "batch" in warning.value
    assert "keeps its last settings" in warning.value
    widget(app, "number_input", "batch").set_value(10).run()
    assert not app.warning
    assert chosen(app).batch == 10


@pytest.mark.parametrize(
    "query",
    [
        {"learning_rate": "nan"},
        {"learning_rate": "0"},
        {"hidden": "0,-1"},
        {"batch": "9999"},
        {"optimizer": "magic"},
        {"preset": "nonsense"},
        {"hidden": "1;DROP TABLE"},
        {"nonsense": "1"},
    ],
)
def test_a_broken_link_gives_one_sentence(query: dict[str, str]) -> None:
    app = visit(**query)
    assert not app.exception
    (warning,) = app.warning
    assert warning.value.startswith("This link cannot be used as it is.")
    assert chosen(app) == PRESETS["default"].config


def test_a_link_gives_the_same_losses() -> None:
    query = {"preset": "two-units", "batch": "10", "noise": "5.0", "seed": "4"}
    first, second = press(visit(**query)), press(visit(**query))
    assert first.session_state["run"].kept[20].loss.hex() == second.session_state["run"].kept[20].loss.hex()


def test_the_pictures_stand_under_a_run_that_stands_still() -> None:
    app = press(visit())
    assert not app.run().get("vega_lite_chart")
    run = app.session_state["run"]
    run.see({"gen": run.gen, "epoch": 12})
    app.run()
    assert len(app.get("vega_lite_chart")) == 2
    assert "Epoch 12 at leisure" in [heading.value for heading in app.subheader]


def test_the_server_is_started_with_the_packaged_app() -> None:
    command = serve_command(["--server.port", "8600"])
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert command[4:] == [str(APP), "--server.port", "8600"]


def test_theme_and_settings_are_the_same_from_the_source_tree_and_from_the_package() -> None:
    beside: Callable[[Path], dict[str, Any]] = lambda folder: tomllib.loads((folder / ".streamlit" / "config.toml").read_text())  # noqa: E731
    assert beside(ROOT) == beside(APP.parent)
    assert beside(ROOT)["runner"]["postScriptGC"] is False
    assert beside(ROOT)["browser"]["gatherUsageStats"] is False


def test_what_the_browser_told_the_run_by_the_short_way_stands_in_the_page_after_the_next_rerun() -> None:
    app = press(visit())
    line = app.session_state["line"]
    answer = unpack(line.hear("rate", {"gen": line.run.gen, "rate": 0.003}))[0]
    assert answer["learning_rate"] == 0.003
    assert chosen(app).learning_rate != 0.003
    app.run()
    assert chosen(app).now.learning_rate == 0.003
    assert app.session_state["run"] is line.run
    assert app.query_params


def test_a_rate_told_while_the_page_is_written_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    app = press(visit(story="10:learning_rate=0.01"))
    line, why = app.session_state["line"], controls.why

    def late(config: Any) -> str:
        line.hear("rate", {"gen": line.run.gen, "rate": 0.003, "playing": True, "epoch": 20})
        return why(config)

    monkeypatch.setattr(controls, "why", late)
    before = line.run
    app.run()
    assert line.run is before
    assert line.run.config.now.learning_rate == 0.003


def test_a_preset_pressed_after_that_wins() -> None:
    app = press(visit())
    line = app.session_state["line"]
    line.hear("rate", {"gen": line.run.gen, "rate": 0.003})
    app.button_group(key="preset").set_value("two-units").run()
    assert chosen(app) == PRESETS["two-units"].config
    assert line.run.config == PRESETS["two-units"].config
