"""The file format: strict, with errors that name file, question, key and remedy; draws that keep their constraints."""

import copy
import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import many

from dosegrade.errors import SpecError
from dosegrade.quiz.question import load, parse, shipped
from dosegrade.quiz.seeds import seed_for
from dosegrade.quiz.texts import fill, show
from dosegrade.quiz.validate import findings
from dosegrade.quiz.variables import Redraw, drawn, variables

CHOICE = {"id": "q1", "kind": "choice", "text": "?", "answer": "A", "options": {"A": {"text": "a"}, "B": {"text": "b"}}}
NUMBER = {"id": "n", "kind": "number", "text": "{a}", "variables": {"a": {"integers": [2, 9]}}, "answer": "2*a"}


def quiz(*questions: dict[str, Any], **top: Any) -> Any:
    table = {"title": "t", "questions": list(questions), **top}
    source = tomli_w.dumps(table)
    return parse("mine", tomllib.loads(source), source, "mine.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"anser": "A"}, "question 'q1': the key 'anser' is not known. Did you mean 'answer'?"),
        ({"answer": "C"}, "expected one of the options A, B"),
        ({"kind": "choise"}, "Did you mean 'choice'?"),
        ({"points": 0}, "points: found 0"),
        ({"points": "4"}, "expected a number"),
        ({"text": "{gama}", "variables": {"gamma": 0.9}}, "Did you mean 'gamma'?"),
        ({"options": {"A": {"text": "a"}, "B": {"text": "b", "code": "G999"}}}, "'G999' is neither in the catalogue"),
        ({"options": {"A": {"text": "a"}, "B": {"text": "b", "cod": "G01"}}}, "Did you mean 'code'?"),
        ({"options": {"A": {"text": "a"}}}, "two or more"),
        ({"variables": {"a": {"integers": [3, 1]}}}, "variables: a: integers: found [3, 1]"),
        ({"variables": {"a": {"integers": [1, 3], "choice": [1]}}}, "exactly one"),
        ({"variables": {"a": {"value": "b + 1"}}}, "stands for nothing here"),
        ({"variables": {"a": {"value": {"solver": "retuns"}}}}, "Did you mean 'returns'?"),
        ({"variables": {"a": {"value": {"solver": "returns"}}}}, "needs 'rewards'"),
        ({"variables": {"a": {"uniform": [0, 1], "size": 10_000}}}, "expected 1 to 400"),
        ({"difficulty": 9}, "difficulty"),
        ({"mistakes": {"G01": {"name": "x", "hint": "y"}}}, "the catalogue's"),
        ({"id": "score"}, "cannot be used"),
    ],
)
def test_errors_name_what_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        quiz({**CHOICE, **change})
    assert str(error.value).startswith("mine.toml: ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answer": "2*b"}, "answer: Found the name 'b'"),
        ({"lures": [{"code": "G01", "value": "a", "credit": 1}]}, "credit"),
        ({"lures": [{"code": "Q999", "value": "a"}]}, "Q999"),
        ({"rtol": 2}, "rtol"),
    ],
)
def test_numbers_that_are_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        quiz({**NUMBER, **change})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lures": [{"code": "G01", "value": "2*a + 0*a"}]}, "too near"),
        ({"answer": "a/0"}, "not finite"),
        ({"answer": ["a", "a"]}, "array"),
        ({"variables": {"a": {"integers": [2, 3], "not_equal": [2, 3]}}}, "cannot meet"),
    ],
)
def test_variants_that_cannot_be(change: dict[str, Any], words: str) -> None:
    made = quiz({**NUMBER, **change})
    with pytest.raises(SpecError) as error:
        made.typed[0].variant(0)
    assert words in str(error.value)
    assert "question 'n'" in str(error.value)


def test_validate_tells_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    never = {**NUMBER, "id": "m", "lures": [{"code": "G01", "value": "2*a"}]}
    path.write_text(tomli_w.dumps({"title": "t", "questions": [NUMBER, never, CHOICE]}))
    found = findings(path)
    assert [f.split(": ")[1] for f in found] == ["n", "n", "m", "q1"]
    assert "no worked solution" in found[0]
    assert "tested seeds" in found[1]
    assert "too near" in found[2]


def test_validate_goes_on_after_a_question_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps({"title": "t", "questions": [{**CHOICE, "anser": 1}, NUMBER, {**NUMBER, "id": "m", "answer": "2*b"}]}))
    found = findings(path)
    assert len(found) == 2
    assert "Did you mean 'answer'" in found[0]
    assert "the name 'b'" in found[1]
    path.write_text(tomli_w.dumps({"title": "t", "questions": [NUMBER, NUMBER]}))
    assert "used twice" in findings(path)[0]
    path.write_text(tomli_w.dumps({"titel": "t", "questions": [NUMBER]}))
    assert "Did you mean 'title'" in findings(path)[0]
    path.write_text("title =")
    with pytest.raises(SpecError, match="TOML"):
        findings(path)


def test_a_quizs_own_mistakes() -> None:
    own = {"L01": {"name": "own", "hint": "look"}}
    made = quiz({**CHOICE, "options": {"A": {"text": "a"}, "B": {"text": "b", "code": "L01"}}}, mistakes=own)
    q = made.typed[0]
    assert [(d.code, d.name, d.hint) for d in q.grade(q.variant(0), "b").diagnoses] == [("L01", "own", "look")]


TEXTS = st.text("abcdefgh_[]{}=\"'\n .0123456789-#", max_size=200)


@given(TEXTS)
@settings(max_examples=many(150, 50), deadline=None)
def test_any_file_is_read_or_refused(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    with pytest.raises(SpecError):
        parse("mine", table, text, "mine.toml")


VALUES = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.sampled_from(["A", "a", "2*a", "G01", "", "x" * 500, "choice"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "text", "code", "value", "solver", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("base", [CHOICE, NUMBER], ids=["choice", "number"])
@given(
    key=st.sampled_from(["answer", "options", "variables", "points", "lures", "hints", "seeds", "text", "kind", "id", "rtol"]), value=VALUES
)
@settings(max_examples=many(150, 50), deadline=None)
def test_any_key_is_taken_or_refused(base: dict[str, Any], key: str, value: Any) -> None:
    try:
        made = parse("mine", {"title": "t", "questions": [{**base, key: value}]}, "", "mine.toml")
        for q in made.typed:
            q.grade(q.variant(0), q.right(q.variant(0)))
    except SpecError:
        pass


def draws(table: dict[str, Any], seed: int) -> dict[str, Any]:
    return drawn(variables(table), np.random.default_rng(seed))


@given(st.integers(0, 10_000))
@settings(max_examples=many(100, 33), deadline=None)
def test_draws_keep_their_constraints(seed: int) -> None:
    values = draws(
        {
            "a": {"integers": [-2, 2], "size": 4, "distinct": True},
            "b": {"uniform": [-1, 1], "decimals": 1, "nonzero": True, "size": [2, 3]},
            "c": {"choice": [0.1, 0.2, 0.3], "not_equal": ["0.1", 0.2]},
            "d": {"integers": [0, 9], "low": 3, "high": 5},
            "e": {"value": "sum(a) + c"},
            "f": [1, 2],
        },
        seed,
    )
    assert len(set(values["a"].tolist())) == 4
    assert values["b"].shape == (2, 3)
    assert (values["b"] != 0).all()
    np.testing.assert_allclose(values["b"], np.round(values["b"], 1))
    assert values["c"] == 0.3
    assert 3 <= values["d"] <= 5
    assert values["e"] == pytest.approx(values["a"].sum() + 0.3)


def test_constraints_that_nothing_meets() -> None:
    with pytest.raises(Redraw, match="'a'"):
        draws({"a": {"choice": [1], "not_equal": [1]}}, 0)
    with pytest.raises(SpecError, match="cannot differ"):
        draws({"a": {"choice": [1, 2], "size": 3, "distinct": True}}, 0)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{n} and $x = {x}$", "5 and $x = -0.5$"),
        ("$w - {x}$ and $w \\cdot {x}$", "$w - (-0.5)$ and $w \\cdot (-0.5)$"),
        ("$\\frac{n}{x}$, $a_{n}$, $\\hat{x}$, $x^{n}$", "$\\frac{n}{x}$, $a_{n}$, $\\hat{x}$, $x^{n}$"),
        ("$x^{{n}}$", "$x^{5}$"),
        ("{v} {m}", "(1, 2.5) [(1, 0), (0, 1)]"),
    ],
)
def test_placeholders_and_latex(text: str, filled: str) -> None:
    values = {"n": 5, "x": -0.5, "v": np.array([1, 2.5]), "m": np.eye(2)}
    assert fill(text, values) == filled


def test_numbers_in_words() -> None:
    assert [show(x) for x in (3.0, -0.0, 0.1 + 0.2, 1234567.0, 1e-7, True)] == ["3", "0", "0.3", "1234567", "1e-07", "true"]


def test_seeds_of_a_class() -> None:
    seeds = {seed_for("secret", f"student{i}") for i in range(500)}
    assert len(seeds) == 500
    assert seed_for("secret", "a") == seed_for("secret", "a") != seed_for("other", "a")
    assert all(0 <= seed < 2**32 for seed in seeds)
    q = load("lecture-10").typed[1]
    assert q.variant(seed_for("secret", "a")).text != q.variant(seed_for("secret", "b")).text


JUNK = (
    True, 0, -1, 1e308, float("nan"), "", "x", "2*a", "'a'", "{a}", "(1", [], [1], [[1], [1, 2]], ["a"], {}, {"value": "1"},
    {"solver": "returns"}, 10**30, "argmax(x)[3]", "x[99]", "1/0", "ABAC", "max()", -0.5, "transpose(x)", "G01",
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside a table."""
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in inside] + [place for _, item in inside for place in places(item)]


def test_a_damaged_template_is_taken_or_refused() -> None:
    table = tomllib.loads(next(p for p in shipped().values() if p.stem == "lecture-10").read_text())
    rng, refused = random.Random(3), 0
    tries = many(500, 120)
    for _ in range(tries):
        damaged = copy.deepcopy(rng.choice(table["questions"]))
        container, key = rng.choice(places(damaged))
        container[key] = copy.deepcopy(rng.choice(JUNK))
        try:
            made = parse("mine", {**table, "questions": [damaged]}, "", "mine.toml")
            for q in made.typed:
                q.grade(q.variant(0), q.right(q.variant(0)))
        except SpecError:
            refused += 1
    assert refused > tries / 5


@pytest.mark.parametrize("mistakes", [3, "G01", ["G01"]])
def test_mistakes_that_are_no_table_are_told(mistakes: object) -> None:
    table = {"title": "t", "questions": [{"id": "q", "kind": "number", "text": "?", "answer": 3, "mistakes": mistakes}]}
    with pytest.raises(SpecError, match=r"x.toml: question 'q': mistakes: found .*, expected a table"):
        parse("x", table, "", "x.toml")
