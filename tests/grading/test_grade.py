"""Marks, follow-through with its traps, problems and notes, on outcomes made by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from banks import record

from dosegrade.grading.cases import Bank
from dosegrade.grading.grade import grade
from dosegrade.grading.outcome import Answer, Outcome, Problem, Value
from dosegrade.grading.report import QuestionReport
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import load

QUIZ = load("dose-response")
CODES: dict[str, Code] = {code.id: code for code in QUIZ.questions}
BANKS: dict[str, Bank] = {name: code.bank(0) for name, code in CODES.items()}
Function = Callable[..., Any]


def value(x: Any) -> Value:
    array = np.asarray(x)
    return Value(array.astype(float), str(array.dtype), type(x).__name__)


def mark(question: str, function: Function, remember: bool = False, **extra: Any) -> QuestionReport:
    """Grades a Python function in process, on the bank's own calls."""
    bank = BANKS[question]
    answers = []
    for call in bank.calls:
        returned = function(*call.arguments)
        answers.append(Answer({name: value(v) for name, v in returned.items()}, type(returned).__name__, **extra))
    return CODES[question].grade(bank, Outcome(tuple(answers)))


def forward(d: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, Any]:
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    z3 = W3 * h2 + b3
    return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "z3": z3, "e_hat": z3}


def gradients(d: Any, e: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, Any]:
    v = forward(d, W1, b1, W2, b2, W3, b3)
    d3 = 2 * (v["e_hat"] - e) / len(d)
    d2 = d3 * W3 * (1 - v["h2"] ** 2)
    d1 = d2 * W2 * (1 - v["h1"] ** 2)
    return {"dW1": d1 @ d, "db1": d1.sum(), "dW2": d2 @ v["h1"], "db2": d2.sum(), "dW3": d3 @ v["h2"], "db3": d3.sum()}


def verdicts(report: QuestionReport) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks}


def test_right_answers_get_everything() -> None:
    for question, function in (("forward", forward), ("gradients", gradients)):
        report = mark(question, function)
        assert report.verdict == "correct"
        assert report.score == report.max_score == CODES[question].max_score
        assert report.problem is None
        assert not report.notes
        assert not report.diagnoses


def test_one_slip_costs_one_quantity() -> None:
    """A slip in z2 makes z2 wrong; h2, z3 and ê follow from it for half their points."""

    def slip(d: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, Any]:
        v = forward(d, W1, b1, W2, b2, W3, b3)
        z2 = v["z2"] + 0.01 * d
        h2 = np.tanh(z2)
        return v | {"z2": z2, "h2": h2, "z3": W3 * h2 + b3, "e_hat": W3 * h2 + b3}

    report = mark("forward", slip)
    assert verdicts(report) == {
        "z1": "correct", "h1": "correct", "z2": "wrong", "h2": "follow-through", "z3": "follow-through", "e_hat": "follow-through",
    }  # fmt: skip
    assert report.score == pytest.approx(0.5 * 2 + 0.25 * 3)


@pytest.mark.parametrize("constant", [0.0, 0.7])
def test_nothing_follows_from_or_for_a_constant(constant: float) -> None:
    """h1 = tanh(0) = 0 and z2 = W2·0 + b2 would follow for an all-zero z1."""

    def flat(d: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, Any]:
        z1 = np.full(len(d), constant)
        h1 = np.tanh(z1)
        z2 = W2 * h1 + b2
        h2 = np.tanh(z2)
        return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "z3": W3 * h2 + b3, "e_hat": W3 * h2 + b3}

    report = mark("forward", flat)
    assert set(verdicts(report).values()) == {"wrong"}
    assert report.score == 0


def test_follow_through_holds_on_every_case_or_not_at_all() -> None:
    def sometimes(d: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, Any]:
        v = forward(d, W1, b1, W2, b2, W3, b3)
        z1 = v["z1"] * 1.1
        h1 = np.tanh(z1) if len(d) != 5 else v["h1"] * 0.9
        return v | {"z1": z1, "h1": h1}

    assert verdicts(mark("forward", sometimes))["h1"] == "wrong"


def test_gradients_are_cut_only_at_what_is_returned() -> None:
    """dz2 is not returned, so a wrong dW3 cannot excuse a wrong dW2 (DESIGN 1, limit)."""

    def wrong(*args: Any) -> dict[str, Any]:
        g = gradients(*args)
        return g | {"dW3": g["dW3"] * 1.1, "dW2": g["dW2"] * 1.1}

    report = mark("gradients", wrong)
    assert verdicts(report)["dW2"] == "wrong"
    assert report.score == 4.0


def test_missing_keys_cost_themselves_only() -> None:
    report = mark("gradients", lambda *args: {k: v for k, v in gradients(*args).items() if k != "dW1"})
    assert verdicts(report)["dW1"] == "missing"
    assert report.score == 5.0
    assert report.problem is not None
    assert report.problem.kind == "return"
    assert "dW1" in report.problem.message


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (lambda g: np.array([g]), "shape", "(1,)"),
        (lambda g: np.array([[g]]), "shape", "(1, 1)"),
        (lambda g: np.nan, "not-finite", "nan"),
        (lambda g: np.inf, "not-finite", "inf"),
    ],
)
def test_form_before_value(given: Callable[[Any], Any], kind: str, words: str) -> None:
    report = mark("gradients", lambda *args: gradients(*args) | {"db2": given(gradients(*args)["db2"])})
    assert report.problem is not None
    assert report.problem.kind == kind
    assert words in report.problem.message
    assert verdicts(report)["db2"] == "wrong"
    assert report.score == 5.0


def test_a_flaw_is_a_return_problem() -> None:
    bank = BANKS["update"]
    flawed = Value(None, "bool", "bool", "bool")
    answers = tuple(Answer({p: flawed for p in bank.exercise.promised}, "dict") for _ in bank.calls)
    report = CODES["update"].grade(bank, Outcome(answers))
    assert report.problem is not None
    assert report.problem.kind == "return"
    assert report.verdict == "wrong"


def test_a_tuple_for_a_dict_says_what_was_expected() -> None:
    bank = BANKS["gradients"]
    answers = tuple(Answer({"result": value([1.0] * 6)}, "tuple") for _ in bank.calls)
    report = CODES["gradients"].grade(bank, Outcome(answers))
    assert report.problem is not None
    assert report.problem.kind == "return"
    assert "a tuple" in report.problem.message
    assert "dW1" in report.problem.message
    assert set(verdicts(report).values()) == {"missing"}


def test_a_function_that_remembers_is_wrong() -> None:
    calls = {"n": 0}

    def counts(*args: Any) -> dict[str, Any]:
        calls["n"] += 1
        g = gradients(*args)
        return g if calls["n"] <= len(BANKS["gradients"].cases) else {k: v * 2 for k, v in g.items()}

    report = mark("gradients", counts)
    assert report.verdict == "wrong"
    assert "remembers" in report.checks[0].message


def test_single_precision_passes_with_a_note() -> None:
    report = mark("gradients", lambda *args: {k: np.float32(v) for k, v in gradients(*args).items()})
    assert report.verdict == "correct"
    assert any("float32" in note for note in report.notes)


def test_central_differences_pass_with_a_note() -> None:
    def numeric(d: Any, e: Any, *theta: float) -> dict[str, Any]:
        def loss(t: Any) -> Any:
            return ((forward(d, *t)["e_hat"] - e) ** 2).mean()

        out = {}
        for k, name in enumerate(("dW1", "db1", "dW2", "db2", "dW3", "db3")):
            up, down = list(theta), list(theta)
            up[k] += 6e-6
            down[k] -= 6e-6
            out[name] = (loss(up) - loss(down)) / 1.2e-5
        return out

    report = mark("gradients", numeric)
    assert report.verdict == "correct"
    assert any("fewer digits" in note for note in report.notes)


def test_mutation_of_arguments_costs_nothing() -> None:
    report = mark("gradients", gradients, mutated=True)
    assert report.verdict == "correct"
    assert any("in place" in note for note in report.notes)


@pytest.mark.parametrize(
    ("flawed", "words"),
    [
        (Value(None, "object", "Decimal", "object"), "dW1 is a Decimal; expected a float."),
        (Value(None, "object", "NoneType", "none"), "dW1 is None; expected a float."),
        (Value(None, "str", "list", "str"), "dW1 is a list with text in it; expected a float."),
    ],
)
def test_what_is_no_number_is_told_in_words(flawed: Value, words: str) -> None:
    bank = BANKS["gradients"]
    right = [{name: value(v) for name, v in gradients(*call.arguments).items()} for call in bank.calls]
    report = CODES["gradients"].grade(bank, Outcome(tuple(Answer({**values, "dW1": flawed}, "dict") for values in right)))
    assert report.problem is not None
    assert report.problem.message == words


def test_what_is_nearly_right_is_not_called_once_the_expected() -> None:
    report = mark("gradients", lambda *args: {k: v * (1 + 1e-5) for k, v in gradients(*args).items()})
    assert report.verdict == "wrong"
    assert not any("times" in c.message for c in report.checks)


def test_steady_ratio_is_said_where_no_mistake_fits() -> None:
    report = mark("gradients", lambda *args: gradients(*args) | {"dW2": 3 * gradients(*args)["dW2"]})
    assert not report.diagnoses
    message = next(c.message for c in report.checks if c.name == "dW2")
    assert "3 times the expected at every point" in message


@pytest.mark.parametrize(
    ("kind", "verdict", "check"),
    [("timeout", "wrong", "wrong"), ("sandbox", "not-checked", "not-checked"), ("missing-function", "missing", "missing")],
)
def test_problems_stop_a_question(kind: str, verdict: str, check: str) -> None:
    report = CODES["gradients"].grade(BANKS["gradients"], Outcome(problem=Problem(kind, "…")))
    assert (report.verdict, report.score) == (verdict, 0.0)
    assert set(verdicts(report).values()) == {check}


def test_messages_hold_no_expected_number() -> None:
    bank = BANKS["gradients"]
    report = mark("gradients", lambda *args: {k: v + 0.5 for k, v in gradients(*args).items()})
    said = " ".join(check.message for check in report.checks)
    for truth in np.ravel(bank.reference):
        assert f"{truth:.4f}"[:-1] not in said


def test_the_same_seed_gives_the_same_cases_and_another_seed_others() -> None:
    code = CODES["gradients"]
    first, again, other = code.bank(7), code.bank(7), code.bank(8)
    assert np.array_equal(first.reference, again.reference)
    assert not np.array_equal(first.reference, other.reference)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("further", [False, True])
def test_answers_in_any_order_and_with_further_keys_are_the_same_answers(turned: bool, further: bool) -> None:
    """By their numbers alone (a record), or one by one."""
    bank = BANKS["gradients"]
    for function in (gradients, lambda *a: {**gradients(*a), "dW2": 2 * gradients(*a)["dW2"]}):
        returned = [{**function(*call.arguments), **({"loss": 1.0} if further else {})} for call in bank.calls]
        answers = tuple(Answer({name: value(v) for name, v in each.items()}, "dict") for each in returned)
        one, other = (grade(CODES["gradients"].marking, bank, Outcome(given)) for given in (answers, record(answers, turned)))
        assert one == other
        assert (one.verdict == "correct") == (function is gradients)
        assert bank.fit(record(answers, turned).layouts) is not None
