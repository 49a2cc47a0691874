"""The exercises on returns, targets and least squares: golden mutants, every mistake named, real files."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutants import mistaken, noise, outcome
from sweeps import many

from dosegrade.checking import check
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises.families import exercise
from dosegrade.grading.exercises.targets import KINDS
from dosegrade.grading.exercises.targets_mistakes import EXTRA_COLUMN, LAMBDA, LEAST_SQUARES, NEXT, RETURNS, TARGET
from dosegrade.grading.vetting import draw
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import load
from dosegrade.quiz.validate import findings
from dosegrade.rl.returns import lambda_returns, mixed_lambda_returns, n_step_returns, returns
from dosegrade.rl.values import fit_linear_value
from dosegrade.steps import evaluate

CODES: dict[str, Any] = {code.id: code for code in load("value-targets").questions}
EXPECTED = {
    "returns": "R01 R02 R03 T26",
    "n_step": "R01 R02 R04 R05 R06 T22 T23 T24 T26",
    "lambda_returns": "R01 R02 R06 R07 R08 R09 R10 T01 T23 T24 T26",
    "q_learning": "Q01 Q02 Q03 Q09 Q10 T22 T24 T25",
    "expected_sarsa": "Q01 Q02 Q03 Q07 Q08 Q10 T22 T24 T25",
    "double_dqn": "Q01 Q02 Q03 Q04 Q05 Q06 Q09 Q10 T22 T24 T25",
    "linear_value": "Q14 Q15",
}
SUBMISSIONS = Path(__file__).parent.parent / "submissions" / "value-targets"
GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "returns_targets.json").read_text())


@cache
def bank(name: str, seed: int) -> Bank:
    code: Code = CODES[name]
    return code.bank(seed)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("seed", [0, 1, 2, 17])
def test_every_mistake_is_named_for_certain(name: str, seed: int) -> None:
    codes = set()
    for code, made in mistaken(bank(name, seed)):
        report = CODES[name].grade(bank(name, seed), made)
        assert [(d.code, d.certain) for d in report.diagnoses] == [(code, True)]
        assert report.score == 0
        codes.add(code)
    assert sorted(codes) == EXPECTED[name].split()


@pytest.mark.parametrize("name", EXPECTED)
def test_no_two_mistakes_are_alike(name: str) -> None:
    for seed in range(many(21, 6)):
        assert bank(name, seed).twins() == []
        assert min(count for _, count in bank(name, seed).seen_at()) >= 2


@pytest.mark.parametrize("name", EXPECTED)
def test_right_answers_get_everything_and_random_ones_no_name(name: str) -> None:
    rng = np.random.default_rng(1)
    right = CODES[name].grade(bank(name, 0), outcome(bank(name, 0), bank(name, 0).values))
    assert right.score == right.max_score
    for _ in range(many(100, 25)):
        report = CODES[name].grade(bank(name, 0), noise(bank(name, 0), rng))
        assert report.diagnoses == ()
        assert report.score == 0


def test_validate_finds_nothing() -> None:
    assert findings("value-targets") == []


def test_synonyms_stand_in_also() -> None:
    for name, code, also in (("n_step", "R06", ("R11", "T21")), ("lambda_returns", "R06", ("R11", "T21")), ("double_dqn", "Q04", ("Q06",))):
        made = next(m for c, m in mistaken(bank(name, 0)) if c == code)
        assert CODES[name].grade(bank(name, 0), made).diagnoses[0].also == also


def test_golden_mutants_of_returns() -> None:
    """`mutants` of returns_targets.json, made by plain loops, at λ = 0.8."""
    r, v, gamma = np.array(GOLDEN["rewards_R1_to_RT"]), np.array(GOLDEN["values_S0_to_ST"]), GOLDEN["gamma"]
    named = {"forgot_discount_mc": "R01", "discount_off_by_one_mc": "R02", "uses_R_t_instead_of_R_t_plus_1_mc": "T26"}
    for mutant, code in named.items():
        assert any(np.allclose(change(returns, r, gamma), GOLDEN["mutants"][mutant], rtol=1e-12) for change in RETURNS[code]), mutant
    lam = {
        "missing_1_minus_lambda": "R07", "missing_tail": "R08", "renormalised_tail": "R08",
    }  # fmt: skip
    found = {f"lambda_return_{name}": code for name, code in lam.items()}
    for mutant, code in (found | {"lambda_powers_off_by_one": "R09", "gamma_lambda_swapped_lambda_return": "T01"}).items():
        assert any(
            np.allclose(change(lambda_returns, r, v, gamma, 0.8), GOLDEN["mutants"][mutant], rtol=1e-12) for change in LAMBDA[code]
        ), mutant


def test_golden_mutants_of_targets() -> None:
    """`mutant_targets` of returns_targets.json, made by plain loops."""
    c = GOLDEN["control"]
    inputs = {
        "rewards": np.array(c["r"]),
        "terminated": np.array(c["terminated"]),
        "gamma": c["gamma"],
        "policy_next": np.array(c["pi_next"]),
    }
    inputs |= {"q_next": np.array(c["q_next_online"]), "actions_next": np.array(c["a_next"])}
    inputs |= {"q_online_next": np.array(c["q_next_online"]), "q_target_next": np.array(c["q_next_target"])}
    named = {
        "no_terminal_mask_dqn": ("dqn", "Q01"), "mask_applied_to_reward": ("dqn", "Q02"), "done_inverted": ("dqn", "Q03"),
        "no_gamma": ("dqn", "T24"), "gamma_multiplies_reward": ("dqn", "T25"), "double_dqn_roles_swapped": ("double-dqn", "Q05"),
        "double_dqn_online_both": ("double-dqn", "Q04"), "double_dqn_target_both": ("double-dqn", "Q06"),
        "max_over_batch": ("dqn", "Q10"), "argmax_index_used_as_value": ("dqn", "Q09"), "sarsa_uses_max": ("sarsa", "Q07"),
        "expected_sarsa_uniform": ("expected-sarsa", "Q08"), "expected_sarsa_forgot_probs": ("expected-sarsa", "Q08"),
    }  # fmt: skip
    for mutant, (target, code) in named.items():
        steps = KINDS[target].steps(False)
        built = exercise({"family": "value-targets", "target": target}, ("result",), "here")
        variants = next(m.variants for m in built.mistakes if m.code == code)
        made = [evaluate(v.rewrite(steps), inputs)["target"] for v in variants if v.rewrite and fits(v.rewrite, steps, inputs)]
        assert any(np.allclose(m, c["mutant_targets"][mutant], rtol=1e-12) for m in made), mutant


def fits(rewrite: Any, steps: Any, inputs: Any) -> bool:
    try:
        evaluate(rewrite(steps), inputs)
    except ValueError:
        return False
    return True


def test_least_squares_mistakes_by_hand() -> None:
    """One state twice with returns 1 and 3, another once with 5: first visits give 1 and 5, every visit 2 and 5."""
    x, g = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 5.0, 3.0])
    np.testing.assert_allclose(LEAST_SQUARES["Q14"][0](fit_linear_value, x, g), [1.0, 5.0])
    np.testing.assert_allclose(LEAST_SQUARES["Q15"][1](fit_linear_value, x, g), [1.0, 5.0])
    np.testing.assert_allclose(LEAST_SQUARES["Q15"][2](fit_linear_value, x, g), [3.0, 5.0])
    np.testing.assert_allclose(LEAST_SQUARES["Q15"][3](fit_linear_value, x, g), [0.5, 5.0])


def test_a_terminal_row_by_hand() -> None:
    """A state seen three times with returns 2, and the end with 0: a column of ones gives the end 0 and the state 0 + 2."""
    x, g = np.array([[1.0], [1.0], [1.0]]), np.array([2.0, 2.0, 2.0])
    np.testing.assert_allclose(LEAST_SQUARES["Q15"][4](fit_linear_value, x, g), [2.0])
    np.testing.assert_allclose(EXTRA_COLUMN[2](fit_linear_value, x, g), [0.0, 2.0], atol=1e-14)
    np.testing.assert_allclose(EXTRA_COLUMN[3](fit_linear_value, x, g), [2.0, 0.0], atol=1e-14)


def test_a_column_of_ones_is_a_shape_problem_and_named() -> None:
    made = [m for code, m in mistaken(bank("linear_value", 0)) if code == "Q15"]
    problems = [CODES["linear_value"].grade(bank("linear_value", 0), m).problem for m in made]
    assert [p.kind if p else None for p in problems] == [None] * 5 + ["shape"] * 4


def test_mistaken_rules_without_a_mistake_are_the_reference() -> None:
    """The general forms that mistakes are made of give the right answer where nothing is changed."""
    from dosegrade.grading.exercises import targets_mistakes as m

    r, v = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.3, -0.7, 1.1, 0.4, 9.0])
    for n in (1, 2, 6):
        right, beyond = n_step_returns(r, v, 0.9, n), m.beyond(lambda n, left: left)
        np.testing.assert_allclose(m.bootstrap(lambda G, *given: G(*given))(n_step_returns, r, v, 0.9, n), right, rtol=1e-14)
        np.testing.assert_allclose(m.rewarded(lambda G, *given: G(*given))(n_step_returns, r, v, 0.9, n), right, rtol=1e-14)
        np.testing.assert_allclose(beyond(n_step_returns, r, v, 0.9, n), n_step_returns(r, v, 0.9, n, True), rtol=1e-14)
    np.testing.assert_allclose(m.going_on(0.0, 0.0)(lambda_returns, r, v, 0.9, 0.6), lambda_returns(r, v, 0.9, 0.6), rtol=1e-14)
    ends = m.going_on(1.0, 1.0)(lambda_returns, r, v, 0.9, 0.6)
    np.testing.assert_allclose(ends, lambda_returns(r, v, 0.9, 0.6, True), rtol=1e-14)
    rules = m.weights(lambda_returns, 4, 0.6)
    np.testing.assert_allclose(rules[1], [0.0, 0.4, 0.4 * 0.6, 0.36], atol=1e-15)
    mixed = m.parts(m.as_it_is, m.as_it_is)
    np.testing.assert_allclose(mixed(lambda_returns, r, v, 0.9, 0.6), mixed_lambda_returns(r, v, 0.9, 0.6), rtol=1e-14)


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("truncated", [False, True])
def test_every_kind_can_be_asked_for(target: str, truncated: bool) -> None:
    table = {"family": "value-targets", "target": target, "sizes": [6, 5, 4], "actions": 4, "truncated": truncated}
    if truncated and target not in ("n-step", "lambda-returns"):
        with pytest.raises(SpecError, match="truncated"):
            exercise(table, ("result",), "here")
        return
    made = draw(exercise(table, ("result",), "here"), (0,))
    assert made.exercise.single
    assert made.twins() == []
    assert len(made.mutants) >= 3
    assert not truncated or "R11" in {m.code for m in made.exercise.mistakes}


@pytest.mark.parametrize("target", [name for name in NEXT if name != "td"])
def test_no_accidents_in_a_batch(target: str) -> None:
    """Some transitions end an episode, some do not; no ties; each network's greedy action is in between for the other."""
    built = exercise({"family": "value-targets", "target": target, "actions": 4}, ("result",), "here")
    for k in range(6):
        inputs = built.draw(np.random.default_rng(k), k).inputs
        assert inputs["terminated"].sum() == 2
        if target == "double-dqn":
            q, other = inputs["q_online_next"], inputs["q_target_next"]
            picked = other[np.arange(len(q)), q.argmax(axis=1)]
            assert ((other.min(axis=1) < picked) & (picked < other.max(axis=1))).all()
        if target == "expected-sarsa":
            np.testing.assert_allclose(inputs["policy_next"].sum(axis=1), 1.0, rtol=1e-12)
    assert set(TARGET) <= {m.code for m in built.mistakes}


def test_an_instructor_chooses_notation() -> None:
    table = {"family": "value-targets", "target": "n-step", "names": {"rewards": "r", "gamma": "discount"}}
    assert [p.name for p in exercise(table, ("result",), "here").arguments] == ["r", "values", "discount", "n"]


@pytest.mark.parametrize(
    ("keys", "points", "words"),
    [
        ({"target": "return"}, ("result",), "Did you mean 'returns'"),
        ({"target": "returns"}, ("G",), "one entry, result"),
        ({"target": "returns", "sizes": [2, 5]}, ("result",), "from 4 to 50"),
        ({"target": "q-learning", "actions": 2}, ("result",), "by accident"),
        ({"target": "n-step", "steps": [0]}, ("result",), "from 1"),
        ({"target": "returns", "names": {"lam": "l"}}, ("result",), "no argument 'lam'"),
    ],
)
def test_tables_that_are_wrong_say_what_to_do(keys: dict[str, Any], points: tuple[str, ...], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        exercise({"family": "value-targets", **keys}, points, "here")


@pytest.mark.parametrize("path", sorted(SUBMISSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_real_files(path: Path) -> None:
    """The first line of each file says what the report must say of each question: its score, then the codes."""
    words = path.read_text().splitlines()[0].removeprefix("# ").split("; ")
    expected = {question: said.split(",") for question, said in (word.split(" ") for word in words)}
    report = check("value-targets", path)
    found = {q.id: [f"{q.score:g}", *(d.code for d in q.diagnoses)] for q in report.questions}
    assert found == expected
