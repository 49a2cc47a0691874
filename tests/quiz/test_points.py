"""The points that ship are those that would be drawn, and serve only the exercise that they were drawn for."""

import json

import numpy as np
import pytest

from dosegrade.quiz.kinds import Code
from dosegrade.quiz.points import SEED, places, ready, table
from dosegrade.quiz.question import load, shipped

CODES = {code.id: code for name in shipped() for code in load(name).codes}
FOLDER = places()[-1] / "points"


def test_every_code_question_that_ships_has_its_points_and_nothing_else_has() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CODES)


@pytest.mark.parametrize("code", CODES.values(), ids=list(CODES))
def test_the_points_are_those_of_the_seed(code: Code) -> None:
    drawn, kept = code.drawn(SEED), code.bank(SEED)
    file = json.loads((FOLDER / f"{code.id}.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(table(code.exercise, code.built, drawn))) == file
    np.testing.assert_array_equal(kept.reference, drawn.reference)
    assert [str(case.arguments) for case in kept.calls] == [str(case.arguments) for case in drawn.calls]
    assert [(m.code, len(m.variants)) for m in kept.exercise.mistakes] == [(m.code, len(m.variants)) for m in drawn.exercise.mistakes]


def test_another_exercise_under_the_same_id_is_drawn() -> None:
    code = CODES["relu"]
    assert ready("relu", code.exercise, code.built) is not None
    assert ready("relu", {**code.exercise, "shapes": [[3]]}, code.built) is None
    assert ready("relu", code.exercise, CODES["gradients"].built) is None
    assert ready("no-such-question", code.exercise, code.built) is None
