"""Rows of one's own: read from what people paste, refused in a sentence, the same again from their own text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegrade.data import own
from dosegrade.errors import SpecError
from dosegrade.nn.training import Config, Trainer

FIVE = "1,2\n2,3\n3,5\n4,4\n5,1"


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        (FIVE, ("x", "y"), [1, 2]),
        ("a,b\n" + FIVE, ("a", "b"), [1, 2]),
        ("\ufeffdose (mg);effect\r\n1,5;2\r\n2;3\r\n3;4\r\n4;4\r\n5;0,25\r\n", ("dose (mg)", "effect"), [1.5, 2]),
        ("x1\tx2\tt\n1\t2\t0\n2\t2\t1\n3\t1\t0\n\n4\t1\t1\n−5\t1e-3\t1\n", ("x1", "x2", "t"), [1, 2, 0]),
        ('"u","u"\n' + FIVE, ("x", "y"), [1, 2]),
        ('"a;b",<i>\n' + FIVE.replace(",", " , "), ("ab", "i"), [1, 2]),
    ],
)
def test_tables_are_read_as_people_write_them(text: str, names: tuple[str, ...], first: list[float]) -> None:
    table = own.read(text)
    assert table.names == names
    assert table.rows[0].tolist() == first
    assert len(table.rows) == 5
    assert own.read(table.text).text == table.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Found no rows of your own. Give a row of numbers"),
        (",,;;\n\t", "Found no rows"),
        ("1,2\n2,3", "Found 2 rows of numbers; expected from 5 to 500"),
        ("\n".join(f"{i},{i % 7}" for i in range(501)), "Found 501 rows"),
        ("1\n2\n3\n4\n5", "Found 1 column in line 1; expected two or three"),
        (FIVE + "\n6,7,8", "Found 3 columns in line 6; expected 2"),
        (FIVE + "\n6,", "Found nothing in line 6; expected a number"),
        (FIVE + "\n6,many", "Found 'many' in line 6"),
        (FIVE + "\n6,nan", "Found 'nan' in line 6"),
        (FIVE + "\n6,1e10", "at most 1e+09"),
        ("1,2\n2,2\n3,2\n4,2\n5,2", "same value 2 in every row of 'y'"),
        ("7,1\n7,2\n7,2\n7,2\n7,2", "same value 7 in every row of 'x'"),
        ("x" * 100_001, "Found 100,001 characters"),
    ],
)
def test_a_table_that_cannot_be_used_says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        own.read(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(alphabet="0123456789.,;\t\n-e xy\"'{}", max_size=80) | st.text(max_size=40))
def test_any_text_is_a_table_or_a_sentence(text: str) -> None:
    try:
        table = own.read(text)
    except SpecError:
        return
    assert np.isfinite(table.rows).all()
    assert own.read(table.text).text == table.text


def test_a_run_is_trained_on_the_rows_themselves() -> None:
    config = Config(data="own", own="dose (mg);effect (%)\n0;0\n20;64\n40;96\n60;96\n80;64\n100;0", validation=0.34, learning_rate=0.1)
    assert config.points == 6
    assert config.own.splitlines()[:2] == ["dose (mg),effect (%)", "0,0"]
    trainer = Trainer(config)
    assert (len(trainer.training_points), len(trainer.validation_points)) == (4, 2)
    np.testing.assert_array_equal(trainer.dataset.x[:, 0], [0, 20, 40, 60, 80, 100])
    trainer.advance(300)
    frame = trainer.frame()
    assert frame.r2 > 0.99
    assert np.isnan(frame.peak_dose)
    assert np.isnan(trainer.dataset.curve_truth).all()
    assert len(frame.curve) == 101


@pytest.mark.parametrize("inputs", [1, 2])
def test_rows_with_a_class_are_told_apart(inputs: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, inputs))
    text = "\n".join(",".join(map(repr, row)) + f",{int(abs(row[0]) > 0.6)}" for row in x.tolist())
    trainer = Trainer(Config(data="own", own=text, own_task="classification", output="sigmoid", loss="binary_crossentropy"))
    trainer.advance(300)
    frame = trainer.frame()
    assert frame.accuracy > 0.95
    assert len(frame.surface) == (900 if inputs == 2 else 0)
    noisy = Config(data="own", own=text, own_task="classification", output="tanh", noise=10.0).dataset
    np.testing.assert_array_equal(noisy.y, trainer.dataset.y)
    assert (noisy.x != trainer.dataset.x).all()


def test_classes_are_0_and_1_or_a_number_to_be_learned() -> None:
    with pytest.raises(SpecError, match="Found 2 in the target 'y'; classes are 0 and 1"):
        Config(data="own", own=FIVE.replace(",1", ",0").replace(",5", ",1"), own_task="classification", output="tanh")


def test_rows_are_left_aside_where_other_data_are_chosen() -> None:
    assert Config(own=FIVE, own_task="classification") == Config()
