"""A reader's own rows in the playground, without a browser."""

import warnings

import pytest

from dosegrade.nn.training import Config
from dosegrade.web import SCRIPT
from dosegrade.web.link import to_query

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

ROWS = "hours,passed\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n7,1"


@pytest.fixture
def app() -> AppTest:
    """The playground with the first rows that it offers."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.query_params.update(to_query(Config(data="own", own="x,y\n0,1\n1,2\n2,4\n3,3\n4,1")))
    return app.run()


def upload(app: AppTest, text: str, encoding: str = "utf-8") -> AppTest:
    return app.file_uploader(key="own.file").upload("rows.csv", text.encode(encoding), "text/csv").run()


def test_a_file_is_trained_on_and_stands_in_the_link(app: AppTest) -> None:
    upload(app, ROWS)
    assert not app.exception
    assert not app.warning
    run = app.session_state["run"]
    assert run.trainer.dataset.x[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (run.static["xLabel"], run.static["yLabel"]) == ("hours", "passed")
    again = AppTest.from_file(str(SCRIPT), default_timeout=60)
    again.query_params.update({key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()})
    again.run()
    assert again.session_state["config"] == app.session_state["config"]
    run.trainer.advance(20)
    again.session_state["run"].trainer.advance(20)
    assert run.trainer.frame().loss.hex() == again.session_state["run"].trainer.frame().loss.hex()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y\n1,2\n2,3\n3,four\n4,5\n5,6\n6,7", "Found 'four' in line 4"),
        ("1,2,3,4\n" * 6, "Found 4 columns in line 1"),
        ("x\n" + "1\n" * 6, "Found 1 column in line 2"),
        (",,,\n", "Found no rows of your own"),
        ("\x00\x01", "Found 0 rows"),
    ],
)
def test_bad_rows_are_told_and_the_last_ones_stay(app: AppTest, text: str, told: str) -> None:
    before = app.session_state["config"]
    upload(app, text)
    assert not app.exception
    (warning,) = app.warning
    assert told in warning.value
    assert "keeps its last rows" in warning.value
    assert app.session_state["config"] == before


def test_cells_are_changed_in_the_table(app: AppTest) -> None:
    app.session_state["set.rows.table"] = {"edited_rows": {"0": {"y": 9.5}}, "added_rows": [{"x": 5, "y": 2}], "deleted_rows": [2]}
    app.run()
    assert not app.exception
    assert app.session_state["run"].trainer.dataset.y[:, 0].tolist() == [9.5, 2, 3, 1, 2]
    app.session_state["set.rows.table"] = {"edited_rows": {"0": {"y": None}}, "added_rows": [], "deleted_rows": []}
    app.run()
    (warning,) = app.warning
    assert "Found nothing in line 2" in warning.value
    assert app.session_state["run"].trainer.dataset.y[0, 0] == 9.5


def test_two_kinds_of_target(app: AppTest) -> None:
    app.radio(key="set.own_task").set_value("classification").run()
    (warning,) = app.warning
    assert "classes are 0 and 1" in warning.value
    assert app.radio(key="set.own_task").value == "regression"
    upload(app, ROWS, "utf-16")
    app.radio(key="set.own_task").set_value("classification").run()
    assert not app.exception
    assert not app.warning
    config = app.session_state["config"]
    assert (config.task, config.output, config.loss) == ("classification", "sigmoid", "binary_crossentropy")
