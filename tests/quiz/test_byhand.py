"""By hand, with follow-through: one slip loses its own step alone, a mistake made throughout is named."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from sweeps import many

from dosegrade.errors import SpecError
from dosegrade.grading.exercises.families import FAMILIES
from dosegrade.quiz.kinds import KINDS
from dosegrade.quiz.kinds.byhand import slip
from dosegrade.quiz.kinds.derivation import Derivation
from dosegrade.quiz.kinds.numbers import ArrayQuestion, Number, Numbers
from dosegrade.quiz.kinds.table import Table
from dosegrade.quiz.question import load
from dosegrade.quiz.tolerance import near
from dosegrade.quiz.ways import WAYS
from dosegrade.spec import build

NET = {"family": "network", "network": {"inputs": 2, "units": [2, 1], "activation": "relu", "output": "relu", "loss": "squared"}}
NAMES = {"a1": "u", "W2": "w2", "a2": "y_hat", "da2": "eps2", "dz2": "delta2", "da1": "eps1", "dz1": "delta1", "dW2": "dw2"}
ASK = ("z1", "u", "z2", "y_hat", "eps2", "delta2", "eps1", "delta1", "dW1", "db1", "dw2", "db2")
LECTURE = {"x": [1.0, 2.0], "W1": [[0.5, -0.4], [0.3, 0.2]], "b1": [0.1, -0.3], "w2": [0.8, 0.6], "b2": 0.2, "y": 0.5}


def lecture(**keys: Any) -> Derivation:
    table = {"ask": ASK, "exercise": {**NET, "names": NAMES}, "variables": LECTURE, "distance": 0.0, "points": 12}
    return Derivation(id="net", kind="derivation", text="?", **{**table, **keys})


@pytest.fixture(scope="module")
def net() -> tuple[Derivation, Any]:
    q = lecture()
    return q, q.variant(0)


def test_the_lectures_numbers(net: Any) -> None:
    q, variant = net
    right = q.right(variant)
    assert right["z1"] == pytest.approx([1.2, -0.3])
    assert right["y_hat"] == pytest.approx(0.8 * 1.2 + 0.2)
    assert right["eps2"] == pytest.approx(2 * (1.16 - 0.5))
    assert right["eps1"] == pytest.approx([1.32 * 0.8, 1.32 * 0.6])
    assert right["delta1"] == pytest.approx([1.32 * 0.8, 0])
    np.testing.assert_allclose(right["dW1"], [[1.056, 0], [2.112, 0]], atol=1e-6)


@pytest.mark.parametrize("step", [name for name in ASK if name not in ("delta1",)])
def test_one_slip_loses_that_step_alone(net: Any, step: str) -> None:
    q, variant = net
    answer = {name: value.tolist() for name, value in q.slip(variant, step, 0).items()}
    report = q.grade(variant, answer)
    lost = 1 / np.size(variant.key.hand.truth[step])
    assert report.score == pytest.approx(12 - lost)
    verdicts = {c.name: c.verdict for c in report.checks}
    assert verdicts[step] == "wrong"
    assert set(verdicts.values()) <= {"wrong", "correct", "follow-through"}
    assert list(verdicts.values()).count("wrong") == 1


def test_zeros_earn_no_follow_through(net: Any) -> None:
    q, variant = net
    answer = {name: np.zeros_like(value).tolist() for name, value in variant.key.hand.truth.items()}
    report = q.grade(variant, answer)
    assert not any(c.verdict == "follow-through" for c in report.checks)
    zeros = sum(float(np.mean(np.asarray(v) == 0)) for v in variant.key.hand.truth.values())
    assert report.score == pytest.approx(zeros)


def test_a_missing_step_is_missing_and_the_rest_counts(net: Any) -> None:
    q, variant = net
    answer = {name: value for name, value in q.right(variant).items() if name != "eps1"}
    report = q.grade(variant, answer)
    assert report.score == 11
    assert {c.name for c in report.checks if c.verdict == "missing"} == {"eps1"}


def test_a_mistake_made_throughout_is_named(net: Any) -> None:
    q, variant = net
    right = {name: np.asarray(value) for name, value in q.right(variant).items()}
    halved = {name: (right[name] / 2 if name[0] in "ed" else right[name]).tolist() for name in right}
    report = q.grade(variant, halved)
    assert [d.code for d in report.diagnoses] == ["G01"]


def test_messages_tell_no_number(net: Any) -> None:
    q, variant = net
    report = q.grade(variant, {"z1": [5, 6], "y_hat": 9})
    assert "1.2" not in str(report.to_dict())
    assert "1.16" not in str(report.to_dict())


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (3, "return", "an entry for each"),
        ({"delta3": 1}, "return", "Did you mean"),
        ({"z1": [1, 2, 3]}, "shape", "z1: Found 3 numbers"),
        ({"z1": ["a", 1]}, "return", "z1: Found 'a'"),
        ({"y_hat": "nan"}, "not-finite", "y_hat"),
    ],
)
def test_malformed(net: Any, raw: Any, kind: str, words: str) -> None:
    q, variant = net
    problem = q.grade(variant, raw).problem
    assert problem is not None
    assert problem.kind == kind
    assert words in problem.message


def test_the_author_is_told() -> None:
    with pytest.raises(SpecError, match="starts from 'y'"):
        lecture(variables={name: value for name, value in LECTURE.items() if name != "y"}).variant(0)
    with pytest.raises(SpecError, match="shape"):
        lecture(variables={**LECTURE, "W1": [1.0, 2.0, 3.0]}).variant(0)
    with pytest.raises(SpecError, match="Did you mean 'delta2'"):
        lecture(ask=("delta3",))
    with pytest.raises(SpecError, match="shows: T01"):
        lecture(shows=("T01",))


def trace() -> tuple[Table, Any]:
    q = next(q for q in load("lecture-10").typed if q.id == "q14")
    assert isinstance(q, Table)
    return q, q.variant(3)


@pytest.mark.parametrize(("row", "column"), [(0, 3), (1, 0), (1, 3), (2, 1), (2, 5), (3, 6)])
def test_one_slip_in_a_trace_table_loses_its_cell_alone(row: int, column: int) -> None:
    q, variant = trace()
    name, index = [("z", 0), ("z", 1), ("z", 2), ("delta", 0), ("w", 0), ("w", 1), ("w", 2)][column]
    size = np.shape(variant.key.hand.truth[name])
    place = row * (size[1] if len(size) > 1 else 1) + index
    grid = q.grid(variant, q.slip(variant, name, place))
    report = q.grade(variant, grid)
    assert report.score == pytest.approx(q.points - q.points / 28)
    assert [c.verdict for c in report.checks].count("wrong") == 1


def test_a_trace_table_names_the_trace() -> None:
    q, variant = trace()
    for code in ("T02", "T03", "T06", "T12"):
        values = next(m.values for m in variant.key.hand.mistaken if code in m.codes)
        report = q.grade(variant, q.grid(variant, values))
        assert code in {c for d in report.diagnoses for c in (d.code, *d.also)}
        assert report.score < q.points


def test_gaps_and_columns() -> None:
    q, variant = trace()
    right = q.right(variant)
    gap = [row[:] for row in right]
    gap[1][2] = ""
    report = q.grade(variant, gap)
    assert [c.name for c in report.checks if c.verdict == "missing"] == ["t = 1, z_C"]
    heads = [head for _, head in q.heads(variant)]
    by_column = {head: [row[k] for row in right] for k, head in enumerate(heads)}
    assert q.grade(variant, by_column).verdict == "correct"
    assert "turned" in str(q.grade(variant, np.transpose(right).tolist()).problem)


def columns(**keys: Any) -> Table:
    table: dict[str, Any] = {
        "variables": {"rewards": [1.0, 3.0, -2.0, 4.0], "gamma": 0.9, "w0": 0.5, "alpha": 0.1},
        "columns": {"G": {"formula": "rewards[3-t] + gamma*prev_G"}, "w": {"formula": "prev_w + alpha*(G - prev_w)", "start": "w0"}},
        "wrong": [{"code": "R01", "column": "G", "formula": "rewards[3-t] + prev_G"}],
        "count": 4,
        "kind": "table",
        "id": "returns",
        "text": "?",
    }
    return build(Table, {**table, **keys}, "here")


def test_a_table_of_formulas() -> None:
    q = columns()
    variant = q.variant(0)
    g = [4.0, -2 + 3.6, 3 + 0.9 * 1.6, 1 + 0.9 * (3 + 0.9 * 1.6)]
    w = [0.5]
    for value in g:
        w.append(w[-1] + 0.1 * (value - w[-1]))
    np.testing.assert_allclose(np.array(q.right(variant)), np.transpose([g, w[1:]]), atol=1e-5)
    slipped = q.grade(variant, q.grid(variant, q.slip(variant, "G", 1)))
    assert slipped.score == pytest.approx(7 / 8)
    undiscounted = next(m.values for m in variant.key.hand.mistaken if m.codes == ("R01",))
    assert [d.code for d in q.grade(variant, q.grid(variant, undiscounted)).diagnoses] == ["R01"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"count": 0}, "count"),
        ({"columns": {"G": {"formula": "prev_H"}}}, "Did you mean"),
        ({"columns": {"gamma": {"formula": "1"}}}, "variable's name"),
        ({"wrong": [{"code": "R99", "column": "G", "formula": "1"}]}, "R99"),
        ({"wrong": [{"code": "R01", "column": "H", "formula": "1"}]}, "no column 'H'"),
        ({"columns": {}}, "either"),
    ],
)
def test_tables_that_are_wrong(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        columns(**keys)
    assert words in str(error.value)


CHAIN = {"family": "network", "network": {"inputs": 1, "units": [1, 1, 1], "activation": "tanh", "loss": "squared"}}
POINT = {"x": 0.7, "y": 1.3, "W1": 0.6, "b1": -0.3, "W2": 0.9, "b2": 0.2, "W3": 1.5, "b3": 0.4}
EPISODE = {"path": "ABAC", "states": "ABC", "rewards": [1, -2, 3, 2], "w0": [0.3, -0.2, 0.4], "alpha": 0.35, "gamma": 0.9, "lam": 0.6}


def single(kind: str, ask: str, exercise: Any = CHAIN, variables: Any = POINT, **keys: Any) -> tuple[Any, Any]:
    q = build(KINDS[kind], {"id": "q", "kind": kind, "text": "?", "ask": ask, "exercise": exercise, "variables": variables, **keys}, "here")
    return q, q.variant(0)


def codes(report: Any) -> list[tuple[str, bool]]:
    return [(d.code, d.certain) for d in report.diagnoses]


def test_one_number_of_a_chain() -> None:
    """∂L/∂W2 = 2(ê−e)W3(1−h2²)h1 by hand; fixed numbers at which three mistakes lie within 1 % of the truth, and 33 give it."""
    q, variant = single("number", "dW2")
    h1 = np.tanh(0.12)
    h2 = np.tanh(0.9 * h1 + 0.2)
    truth = 2 * (1.5 * h2 + 0.4 - 1.3) * 1.5 * (1 - h2**2) * h1
    assert q.right(variant) == pytest.approx(truth, abs=5e-5)
    assert q.grade(variant, q.right(variant)).diagnoses == ()
    assert codes(q.grade(variant, round(truth / 2, 4))) == [("G01", True)]
    assert codes(q.grade(variant, truth / 2 * 1.007)) == [("G01", False)]
    assert codes(q.grade(variant, -truth)) == [("G04", False), ("G30", False)]
    assert codes(q.grade(variant, 0.5)) == []
    assert "digits" in q.grade(variant, -0.15).checks[0].message
    assert q.grade(variant, -0.1486).verdict == "wrong"


def test_a_questions_own_hint_and_credit_stay() -> None:
    own = {"code": "G01", "value": "0 - 0.0739012", "credit": 0.5, "hint": "My own hint."}
    q, variant = single("number", "dW2", lures=[own], shows=["G04"], points=2)
    report = q.grade(variant, -0.0739)
    assert (report.score, [d.hint for d in report.diagnoses]) == (1.0, ["My own hint."])


def test_what_a_question_is_about_is_named_where_too_many_mistakes_agree() -> None:
    """Five mistakes turn the sign at this seed; the question's own is named, as a possibility."""
    q = next(q for q in load("lecture-10").typed if q.id == "q60")
    variant = q.variant(47)
    assert isinstance(variant.key, Numbers)
    typed = -variant.key.answer
    assert variant.key.worked is not None
    assert variant.key.worked.explained({"dW2": typed}) == ()
    assert codes(q.grade(variant, float(typed))) == [("G04", False)]


@pytest.mark.parametrize("name", ["q20", "q27", "q28"])
def test_what_a_question_must_show_is_listed_as_lures_are(name: str) -> None:
    q = next(q for q in load("lecture-10").typed if q.id == name)
    assert isinstance(q, Number | ArrayQuestion)
    key = q.variant(0).key
    assert {lure.code for lure in key.lures} == set(q.shows)
    for lure, other in combinations(key.lures, 2):
        assert lure.code != other.code or not near(lure.value, other.value, key.tolerance).all()


def test_an_array_of_the_lectures_network() -> None:
    q, variant = single("array", "dW1", {**NET, "names": {"W2": "w2"}}, LECTURE)
    right = variant.key.answer
    np.testing.assert_allclose(right, [[1.056, 0], [2.112, 0]])
    assert codes(q.grade(variant, (right / 2).tolist())) == [("G01", True)]
    assert codes(q.grade(variant, right.T.tolist())) == [("G45", True)]
    assert "transpose" in q.grade(variant, right.T.tolist()).notes[0]


def test_a_trace_at_a_step_and_the_weights_row_by_row() -> None:
    td = {"family": "td-lambda", "features": 3}
    q, variant = single("array", "z[2]", td, {k: v for k, v in EPISODE.items() if k not in ("rewards", "w0")})
    np.testing.assert_allclose(variant.key.answer, [1 + 0.54**2, 0.54, 0])
    assert codes(q.grade(variant, [1 + 0.6**2, 0.6, 0])) == [("T02", True)]
    q, variant = single("number", "delta[0]", td, EPISODE)
    assert float(variant.key.answer) == pytest.approx(1 + 0.9 * -0.2 - 0.3)
    assert codes(q.grade(variant, 1 - 0.2 - 0.3)) == [("T24", True)]
    q, variant = single("array", "z", td, EPISODE, points=12)
    answer = slip(variant.key.hand, "z", 3)["z"]
    report = q.grade(variant, answer.tolist())
    assert (report.score, [c.verdict for c in report.checks].count("wrong")) == (pytest.approx(11), 1)
    assert "follow-through" in {c.verdict for c in report.checks}


@pytest.mark.parametrize(
    ("kind", "ask", "keys", "words"),
    [
        ("number", "dW9", {}, "no quantity 'dW9'"),
        ("number", "z[9]", {"exercise": {"family": "td-lambda", "features": 3}, "variables": EPISODE}, "no 'z[9]' here"),
        ("number", "dW2", {"answer": 1.0}, "either 'answer', or 'ask'"),
        ("number", "", {}, "either 'answer', or 'ask'"),
        ("number", "dW2", {"integer": True}, "no whole numbers"),
        ("number", "dW2", {"shows": ["T01"]}, "shows: T01 is no mistake"),
        ("number", "dW2", {"shows": ["G02"]}, "G02 does not show"),
        ("array", "dW2", {}, 'use kind = "number"'),
        ("number", "dW2", {"exercise": {"family": "network", "network": {"inputs": 1, "units": [2, 1]}, "names": {}}}, "has shape"),
    ],
)
def test_a_quantity_that_cannot_be_asked(kind: str, ask: str, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        single(kind, ask, **keys)
    assert words in str(error.value)


def family(name: str, **keys: Any) -> dict[str, Any]:
    return {"family": name, **keys}


DESCENT = family("descent", network={"inputs": 1, "units": [1, 1]})
REWARDS = {"rewards": [1, -2, 3, 2], "gamma": 0.9}
VALUED = {**REWARDS, "values": [0.5, 1.5, 2.5, 3.5]}
TRANSITION = {"rewards": 2, "q_online_next": [1, 3, 2], "q_target_next": [2.5, 1.5, 4], "terminated": 0, "gamma": 0.9}
BATCH = {
    "rewards": [2, 1],
    "q_next": [[1, 3, 2], [2, 4, 1]],
    "policy_next": [[0.2, 0.5, 0.3], [0.1, 0.6, 0.3]],
    "terminated": [0, 1],
    "gamma": 0.9,
}
PUSHED = {"w": 0.5, "grads": [1.5, -0.7, 2.0], "learning_rate": 0.2, "momentum": 0.8}


def test_every_family_can_be_worked_by_hand() -> None:
    assert set(WAYS) == set(FAMILIES)


@pytest.mark.parametrize(
    ("kind", "ask", "exercise", "variables", "right", "mistaken", "code", "nameless"),
    [
        ("array", "G", family("value-targets", target="returns"), REWARDS, [3.088, 2.32, 4.8, 2], [4, 3, 5, 2], "R01", [3, 3, 4.8, 2]),
        ("number", "G[0]", family("value-targets", target="n-step"), {**VALUED, "n": 2}, 1.225, 1.45, "R05", 0.9),
        ("number", "G[2]", family("value-targets", target="lambda-returns"), {**VALUED, "lam": 0.6}, 5.34, 7.23, "R07", 6),
        ("number", "target", family("value-targets", target="double-dqn"), TRANSITION, 3.35, 4.7, "Q04", 3),
        ("array", "target", family("value-targets", target="expected-sarsa"), BATCH, [4.07, 1], [4.07, 3.61], "Q01", [4, 2]),
        ("number", "w", family("value-targets", target="linear-value"), {"x": [1, 2, 3], "returns": [2, 3, 7]}, 29 / 14, 2.5, "Q15", 2.3),
        ("array", "w", family("optimizer", optimizer="momentum"), PUSHED, [0.2, 0.1, -0.38], [0.8, 0.9, 1.38], "G75", [0.2, 0.3, -0.5]),
        ("number", "w2", family("optimizer", optimizer="momentum"), PUSHED, 0.1, 0.34, "G76", 0.7),
        ("number", "slope", family("activation", activation="tanh"), {"z": 0.7}, 1 - np.tanh(0.7) ** 2, 1 - 0.7**2, "G26", 0.8),
        ("array", "slope", family("activation", activation="leaky_relu"), {"z": [1, -2], "slope": 0.2}, [1, 0.2], [0.2, 1], "G63", [1, 0]),
        ("number", "new_W1", DESCENT, {"W1": 0.5, "dW1": 1.5, "learning_rate": 0.2}, 0.2, 0.8, "G75", 0.4),
    ],
)  # fmt: skip
def test_a_family_by_hand(kind: str, ask: str, exercise: Any, variables: Any, right: Any, mistaken: Any, code: str, nameless: Any) -> None:
    q, variant = single(kind, ask, exercise, variables)
    np.testing.assert_allclose(variant.key.answer, right)
    report = q.grade(variant, right)
    assert (report.verdict, report.diagnoses) == ("correct", ())
    report = q.grade(variant, mistaken)
    assert code in [c for c, _ in codes(report)]
    assert report.score < q.points
    assert codes(q.grade(variant, nameless)) == []


def test_an_optimizers_slip_loses_its_own_number_alone() -> None:
    q, variant = single("array", "w", family("optimizer", optimizer="momentum"), PUSHED, points=3)
    report = q.grade(variant, slip(variant.key.hand, "w", 0)["w"].tolist())
    assert [c.verdict for c in report.checks] == ["wrong", "follow-through", "follow-through"]
    settings = {"w": 0.5, "grads": [1.5, -0.7], "learning_rate": 0.2, "beta_1": 0.9, "beta_2": 0.95, "epsilon": 1e-7}
    asked: Any = ["m1", "v1", "w1", "m2", "v2", "w2"]
    q, variant = single("derivation", asked, family("optimizer", optimizer="adam"), settings, points=6)
    right = q.right(variant)
    assert right["m2"] == pytest.approx(0.9 * 0.15 - 0.1 * 0.7)
    assert right["w1"] == pytest.approx(0.3, abs=1e-5)
    report = q.grade(variant, {**right, "m1": 1.35, "w1": 0.35})
    assert [c.name for c in report.checks if c.verdict == "wrong"] == ["m1", "w1"]
    first = 0.5 - 0.2 * right["m1"] / right["v1"] ** 0.5
    second = first - 0.2 * right["m2"] / right["v2"] ** 0.5
    assert codes(q.grade(variant, {**right, "w1": first, "w2": second})) == [("G77", True)]


@pytest.mark.parametrize(
    ("ask", "exercise", "variables", "words"),
    [
        ("new_W9", DESCENT, {}, "no parameter 'W9'"),
        ("new_W1", DESCENT, {"W1": 0.5, "learning_rate": 0.2}, "starts from 'dW1'"),
        ("H", family("value-targets", target="returns"), REWARDS, "has no 'H' here; its steps are G"),
        ("G[9]", family("value-targets", target="returns"), REWARDS, "index 9 is out of bounds"),
        ("G[0]", family("value-targets", target="n-step"), {**VALUED, "values": [1, 2], "n": 2}, "'values' has shape (2,), expected (5,)"),
        ("G[0]", family("value-targets", target="n-step"), {**VALUED, "n": 2.5}, "'n' is 2.5, expected whole numbers"),
        ("w2", family("optimizer", optimizer="momentum"), {**PUSHED, "w": [1, 2]}, "'grads' has shape (3, 1), expected (3, 2)"),
    ],
)
def test_variables_that_do_not_fit_a_family(ask: str, exercise: Any, variables: Any, words: str) -> None:
    with pytest.raises(SpecError) as error:
        single("number", ask, exercise, variables)
    assert words in str(error.value)


@pytest.mark.parametrize("name", ["q49", "q14"])
def test_two_mistakes_together_are_named_and_slips_are_not(name: str) -> None:
    q = next(q for q in load("lecture-10").typed if q.id == name)
    variant = q.variant(1)
    hand = variant.key.hand
    pairs = list(hand.pairs({p.quantity for p in hand.ports}))
    named = 0
    for made in pairs[7 :: len(pairs) // many(9, 5)]:
        found = q.mark(variant, {name: np.round(value, 4) for name, value in made.values.items()}).diagnoses
        groups = {frozenset(d.code for d in found if d.group == group) for group in {d.group for d in found}}
        if found and found[0].group is not None:
            assert frozenset(made.codes) in groups
            named += 1
    assert named >= 2
    rng = np.random.default_rng(0)
    for _ in range(many(4, 2)):
        values, chosen = dict(hand.inputs), set(rng.choice([s.name for s in hand.steps if not s.rows], 2, replace=False))
        for step in hand.steps:
            value = np.asarray(step.compute(*[values[n] for n in step.needs]), dtype=float)
            values[step.name] = value * rng.uniform(0.2, 3) + 0.1 if step.name in chosen else value
        assert q.mark(variant, hand.shaped(values)).diagnoses == ()
