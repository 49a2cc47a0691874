"""Networks as exercises: golden points and mutants, the lecture's 2-2-1 net, any architecture by TOML alone, real programs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from banks import SUBMISSIONS, bank, code, outcome, run, says, textbook
from sweeps import many

from dosegrade.checking import check
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import Case
from dosegrade.grading.exercises.families import exercise
from dosegrade.grading.vetting import draw
from dosegrade.steps import complex_step, evaluate, magnitudes

GOLDEN = Path(__file__).parents[1] / "golden"

# The golden file's 63 mutants by our codes; G15 and G17 have a free number, G18 is fitted, G54 needs a learning rate.
MUTANTS = {
    "forgot_factor_2": "G01", "forgot_1_over_n": "G02", "divided_by_n_twice": "G03", "sign_flipped": "G04",
    "loss_value_as_gradient": "G05", "sign_of_error_mae": "G06", "keras_mean_over_outputs": "G07", "rmse_gradient": "G08",
    "scalar_sum_broadcast": "G10", "scalar_sum_broadcast_then_mean": "G10", "no_loss_gradient": "G13", "target_sign_plus": "G14",
    "factor_4": "G84", "forward_without_bias": "G55", "forgot_fprime_all": "G23", "forgot_fprime_last_hidden": "G24",
    "forgot_fprime_first_hidden": "G25", "one_minus_z2": "G26", "tanhprime_of_h": "G27", "one_minus_h": "G28",
    "sigmoid_derivative": "G29", "h2_minus_1": "G30", "one_plus_h2": "G31", "activation_value_as_derivative": "G32",
    "fprime_squared": "G33", "fprime_wrong_layer": "G34", "fprime_mean_over_batch": "G35", "fprime_on_linear_output": "G20",
    "relu_gate_on_gradient_sign": "G60", "uses_z_instead_of_h": "G36", "uses_input_for_every_layer": "G37",
    "uses_next_activation": "G38", "uses_previous_activation": "G36", "first_layer_missing_input": "G40",
    "all_layers_missing_activation": "G39", "mean_err_times_mean_act": "G09", "outer_product_first_sample_only": "G11",
    "last_sample_only": "G11", "bias_zero": "G42", "bias_mean_again": "G44", "bias_sum_not_mean": "G44", "bias_first_sample": "G43",
    "bias_times_activation": "G41", "dW_transposed": "G45", "dW_abs_activation": "G85", "post_update_weights": "G54",
    "wrong_layer_weight": "G47", "missing_weight": "G48", "missing_weight_last": "G48", "weight_transposed": "G46",
    "abs_weight": "G49", "inverse_weight": "G49", "downstream_mean_not_sum": "G50", "only_first_downstream_unit": "G51",
    "detached_after_last_layer": "G53", "negative_gradient_times_alpha": "G15", "averaged_over_layers": "G03", "clipped_to_1": "G16",
    "norm_normalised": "G16", "layers_reversed_order": "G56", "l2_regularisation_added": "G17", "rounded_4_decimals": "G18",
    "epsilon_as_delta": "G22",
}  # fmt: skip
ELSEWHERE = {"G15", "G17", "G18", "G54"}


@cache
def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def network(
    inputs: int, units: tuple[int, ...], activation: Any = "tanh", output: str = "identity", loss: str = "squared"
) -> dict[str, Any]:
    return {"inputs": inputs, "units": list(units), "activation": activation, "output": output, "loss": loss}


def made(table: dict[str, Any], returns: tuple[str, ...] = (), arguments: tuple[str, ...] = (), **keys: Any) -> Any:
    """The exercise on all gradients of a network."""
    layers = range(1, len(table["units"]) + 1)
    given = ["x", "y", *(f"{p}{i}" for i in layers for p in "Wb"), *arguments]
    wanted = returns or tuple(f"d{p}{i}" for i in layers for p in "Wb")
    return exercise({"family": "network", "network": table, "arguments": given, **keys}, wanted, "question")


def point_bank(point: dict[str, Any]) -> Bank:
    """One golden point as a bank of a single case."""
    sizes, layers = point["sizes"], enumerate(point["params"], 1)
    inputs = {f"{p}{i}": np.array(given[p]) for i, given in layers for p in "Wb"}
    inputs |= {"x": np.array(point["X"]), "y": np.array(point["Y"])}
    made_of = made(network(sizes[0], tuple(sizes[1:]), point["activation"]))
    return Bank(made_of, [Case(inputs, (), point["n"])])


@cache
def points() -> tuple[Bank, ...]:
    return tuple(point_bank(point) for point in golden("grading_points")["points"])


def test_golden_points_have_our_gradients_and_scales() -> None:
    for point, cases in zip(golden("grading_points")["points"], points(), strict=True):
        names = [f"d{p}{i}" for i in range(1, len(point["sizes"])) for p in "Wb"]
        ours = np.concatenate([cases.values[0][name].ravel() for name in names])
        scale = np.concatenate([cases.scales[0][name].ravel() for name in names])
        np.testing.assert_allclose(ours, point["gradient_flat"], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(scale, point["abs_scale_flat"], rtol=1e-12)


def detections() -> dict[str, int]:
    """At how many golden points some variant of each code shows."""
    seen: dict[str, int] = {}
    for cases in points():
        for mistake in {mutant.mistake.code for mutant, count in cases.seen_at() if count}:
            seen[mistake] = seen.get(mistake, 0) + 1
    return seen


def test_every_golden_mutant_is_one_of_ours_and_shows_at_three_points() -> None:
    names, seen = golden("gradient_mutants")["mutants"], detections()
    assert sorted(MUTANTS) == sorted(names)
    for name, mistake in MUTANTS.items():
        assert mistake in ELSEWHERE or seen[mistake] >= 3, (name, mistake)


def test_structural_mutants_show_at_as_many_points_as_the_golden_file_says() -> None:
    counts, seen = golden("grading_points")["points_detecting_each_mutant"], detections()
    for name in (
        "keras_mean_over_outputs", "tanhprime_of_h", "fprime_squared", "uses_input_for_every_layer", "bias_times_activation",
        "dW_transposed", "wrong_layer_weight", "weight_transposed", "downstream_mean_not_sum", "only_first_downstream_unit",
        "layers_reversed_order", "epsilon_as_delta", "fprime_mean_over_batch", "uses_next_activation",
    ):  # fmt: skip
        assert seen[MUTANTS[name]] == counts[name], name


def test_no_two_codes_are_alike_over_the_golden_points() -> None:
    """At every point where both apply, some pair may agree; over all points none does."""
    apart: dict[tuple[str, str], bool] = {}
    for cases in points():
        alike = set(cases.twins())
        codes = sorted({mutant.mistake.code for mutant in cases.mutants})
        for pair in ((a, b) for i, a in enumerate(codes) for b in codes[i + 1 :]):
            apart[pair] = apart.get(pair, False) or not alike & {pair, pair[::-1]}
    assert [pair for pair, separated in apart.items() if not separated] == []


def seed_point(dose: float) -> Bank:
    """The worked example's parameters at a dose, n = 1."""
    given = golden("dose_response")["cases"][0]["params"]
    inputs = {name: np.full((1, 1) if name[0] == "W" else (1,), number) for name, number in given.items()}
    inputs |= {"x": np.array([[dose]]), "y": np.array([[1.7]])}
    return Bank(made(network(1, (1, 1, 1))), [Case(inputs, (), 1)])


@pytest.mark.parametrize(("dose", "key"), [(30.0, "seed_point_saturated(n=1)"), (0.3, "seed_params_d=0.3(n=1)")])
def test_the_worked_example_hides_what_the_golden_file_says(dose: float, key: str) -> None:
    cases, expected = seed_point(dose), golden("gradient_mutants")["sets"][key]
    values = cases.values[0]
    ours = [values[f"d{p}{i}"].item() for i in (1, 2, 3) for p in "Wb"]
    np.testing.assert_allclose(ours, expected["reference_gradient"], rtol=1e-12)
    same = {m.mistake.code for m in cases.mutants if (cases.errors(m.flat) <= 1).all()}
    shown = {m.mistake.code for m in cases.mutants}
    hidden = {MUTANTS[name] for name in expected["indistinguishable_from_correct"]} - ELSEWHERE
    assert hidden & shown <= same
    assert len(same) >= 12


def lecture(case: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A golden case of the 2-2-1 net: its exercise, and the inputs in our arrangement."""
    flat = case["w_flat"]
    names = {"leaky_relu_0.01": "leaky_relu(0.01)", "elu_1": "elu(1)"}
    f, out = (names.get(case[key], case[key]) for key in ("activation", "output_activation"))
    inputs = {"W1": np.array([flat[1:3], flat[4:6]]).T, "b1": np.array([flat[0], flat[3]]), "W2": np.array([flat[7:9]]).T}
    inputs |= {"b2": np.array([flat[6]]), "x": np.array([case["x"]]), "y": np.array([[case["y"]]])}
    return made(network(2, (2, 1), f, out), samples=[1]), inputs


@pytest.mark.parametrize("case", golden("relu_2_2_1")["cases"], ids=lambda case: case["name"])
def test_the_lectures_network_equals_the_golden_file(case: dict[str, Any]) -> None:
    built, inputs = lecture(case)
    v = evaluate(built.derive(inputs), inputs)
    dw1, db1 = v["dW1"], v["db1"]
    flat = [db1[0], *dw1[:, 0], db1[1], *dw1[:, 1], v["db2"][0], *v["dW2"][:, 0]]
    np.testing.assert_allclose(flat, case["grad_flat"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(v["a2"].item(), case["y_hat"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(v["da2"].item(), case["epsilon2_dL_dyhat"], rtol=1e-12)
    np.testing.assert_allclose(v["da1"].ravel(), case["epsilon1_dL_du"], rtol=1e-12, atol=1e-15)


def test_the_lectures_cases_show_gates_and_a_dead_output() -> None:
    for seed in range(5):
        cases = bank("backpropagation", "relu_2_2_1", seed)
        dead = [case for case, values in zip(cases.cases, cases.values, strict=False) if values["z2"].item() < 0]
        assert len(dead) == 2
        for values in cases.values:
            assert (values["z1"] > 0).sum() == 1
            assert np.abs(values["z1"]).min() >= 0.05
            assert abs(values["z2"].item()) >= 0.05
        assert {"G21", "G22"} <= {mutant.mistake.code for mutant in cases.mutants}


def test_only_a_dead_output_shows_the_missing_slope_of_the_output() -> None:
    cases = bank("backpropagation", "relu_2_2_1")
    alive = [case for case, values in zip(cases.cases, cases.values, strict=False) if values["z2"].item() > 0]
    counts = {mutant.mistake.code: count for mutant, count in Bank(cases.exercise, alive).seen_at()}
    assert counts["G21"] == 0


ODD = {
    "one sigmoid": (network(2, (3, 1), "sigmoid", "sigmoid", "binary_crossentropy"), {"G19", "G21", "G66", "G67", "G68", "G69"}),
    "three sigmoids": (network(2, (3, 3), "sigmoid", "sigmoid", "binary_crossentropy"), {"G07", "G69"}),
    "leaky ReLU": (network(3, (4, 3), "leaky_relu(0.2)"), {"G63", "G24"}),
    "ELU": (network(2, (3, 3), "elu(0.5)"), {"G64", "G32"}),
    "maxout": (network(2, (3, 1), "maxout"), {"G55", "G48", "G52"}),
    "one hidden layer": (network(1, (3, 1)), {"G24", "G39"}),
    "four layers": (network(2, (3, 3, 3, 1)), {"G23", "G24", "G25", "G34", "G47"}),
    "absolute, one output": (network(2, (3, 1), loss="absolute"), {"G02", "G13"}),
    "absolute, three outputs": (network(2, (3, 3), loss="absolute"), {"G70"}),
    "mean absolute": (network(2, (3, 3), loss="mean_absolute_error"), {"G70"}),
    "Keras's squared error": (network(2, (3, 3), loss="mse"), {"G01", "G07"}),
    "softmax and squared error": (network(2, (3, 3), output="softmax"), {"G21", "G65"}),
    "reversed divergence": (network(2, (3, 3), output="softmax", loss="kl_divergence"), {"G19", "G71"}),
    "hinge": (network(2, (3, 1), "relu", loss="hinge"), {"G72"}),
    "cosine": (network(2, (3, 3), loss="cosine_similarity"), {"G73"}),
    "hard sigmoid": (network(2, (3, 3), "hard_sigmoid"), {"G33", "G35"}),
    "one sample": (network(2, (3, 3)), {"G01", "G06", "G08"}),
    "mixed": (network(2, (3, 3, 3), ["relu", "tanh"]), {"G59", "G61", "G25"}),
    "sigmoid output": (network(2, (3, 1), "sigmoid", "sigmoid"), {"G21", "G22", "G29"}),
    "no hidden layer": (network(3, (3,), output="softmax", loss="categorical_crossentropy"), {"G40", "G65"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_any_network_has_a_bank_that_tells_its_mistakes_apart(name: str) -> None:
    table, expected = ODD[name]
    built = made(table, **({"samples": [1]} if name == "one sample" else {}))
    for seed in range(many(2, 1)):
        cases = draw(built, (seed, 1))
        assert expected <= {mutant.mistake.code for mutant in cases.mutants}
        assert cases.twins() == []
        assert min(count for _, count in cases.seen_at()) >= 2
        gradients = [port.quantity for port in cases.exercise.returns]
        for steps, case, values in zip(cases.derived, cases.cases, cases.values, strict=False):
            exact = complex_step(steps, case.inputs, "loss", "W1")
            assert np.linalg.norm(values["dW1"] - exact) <= 1e-12 * np.linalg.norm(magnitudes(steps, values)["dW1"])
        assert all(np.isfinite(values[q]).all() for values in cases.values for q in gradients)


@pytest.mark.parametrize(
    ("table", "keys", "alike"),
    [
        (network(2, (3, 3, 2)), {}, [("G01", "G07")]),
        (network(2, (3, 3)), {"samples": [2]}, [("G01", "G03"), ("G02", "G84")]),
    ],
)
def test_cases_that_cannot_tell_mistakes_apart_are_said(table: Any, keys: Any, alike: Any) -> None:
    assert draw(made(table, **keys), (0, 1)).twins() == alike


def test_a_mean_error_of_the_square_is_also_its_sign_for_one_number() -> None:
    cases = draw(made(network(2, (3, 1)), samples=[1]), (0, 1))
    assert {"G02", "G03", "G09", "G10", "G11", "G35", "G43", "G44"}.isdisjoint({mutant.mistake.code for mutant in cases.mutants})
    also = {mistake.code: mistake.also for mistake in cases.exercise.mistakes}
    assert also["G06"] == ("G08",)
    assert set(also["G24"]) == {"G22", "G23", "G25"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"samples": [0]}, "samples: each case has at least one sample"),
        ({"std": 1.0}, "std: give the standard deviation"),
        ({"names": {"a9": "h"}}, "has no quantity 'a9'"),
        ({"names": {"W1": "W", "W2": "W"}}, "'W' stands for both W1 and W2"),
        ({"names": {"a1": "z1"}}, "'z1' stands for both z1 and a1"),
        ({"names": {"x": "in"}, "arguments": ["in", "y", "W1", "b1", "W2", "b2"]}, "'in' cannot be the name of a Python argument"),
        ({"names": {"x": "x 0"}, "arguments": ["x 0", "y", "W1", "b1", "W2", "b2"]}, "for example 'x0_'"),
        ({"arguments": ["x", "y", "x", "W1", "b1", "W2", "b2"]}, "two arguments called 'x'"),
        ({"arguments": ["x", "W1", "b1", "W2"]}, "cannot be computed without y, b2; add"),
    ],
)
def test_tables_that_are_wrong_are_told(keys: Any, words: str) -> None:
    given = {"family": "network", "network": network(1, (2, 1)), "arguments": ["x", "y", "W1", "b1", "W2", "b2"]}
    with pytest.raises(SpecError, match=words):
        exercise(given | keys, ("dW1", "dW2"), "question")


def test_what_lies_between_may_be_given_instead_of_inputs() -> None:
    table = {"family": "network", "network": network(1, (2, 1)), "arguments": ["a1", "dz2"]}
    built = exercise(table, ("dW2", "db2"), "question")
    assert [port.name for port in built.arguments] == ["a1", "dz2"]


@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_crossentropy", "binary_crossentropy", "kl_divergence"])
def test_a_logarithm_wants_a_probability(loss: str) -> None:
    with pytest.raises(SpecError, match='write output = "softmax" or "sigmoid"'):
        made(network(2, (3, 3), loss=loss))


def test_weights_updated_too_early_are_named_where_a_learning_rate_is_given() -> None:
    returns = ("new_W1", "new_b1", "new_W2", "new_b2")
    cases = draw(made(network(2, (3, 1)), returns, ("learning_rate",)), (0, 1))
    codes = {mutant.mistake.code for mutant in cases.mutants}
    assert {"G54", "G75", "G01", "G24"} <= codes
    assert cases.twins() == []
    assert [port.described for port in cases.exercise.returns] == ["array (2, 3)", "array (3,)", "array (3, 1)", "array (1,)"]
    assert "G54" not in {mutant.mistake.code for mutant in bank("backpropagation", "mlp").mutants}


def test_the_unit_of_the_targets_is_named_where_it_is_stated() -> None:
    cases = draw(made(network(1, (1, 1, 1)), std=20.0), (0, 1))
    assert len([mutant for mutant in cases.mutants if mutant.mistake.code == "G58"]) == 4
    assert cases.twins() == []


def test_another_slope_of_a_leaky_layer_is_fitted() -> None:
    cases = draw(made(network(3, (4, 3, 3), "leaky_relu(0.2)")), (0, 1))
    mistake = next(m for m in cases.exercise.mistakes if m.code == "G63")
    marking = code("backpropagation", "mlp")
    for fit, number in zip(mistake.fits, (0.05, 0.1), strict=True):
        answers = cases.made(fit.variant(number))
        assert answers is not None
        report = marking.grade(cases, outcome(cases, answers))
        assert says(report, "G63")
        assert f"{number:g}" in report.diagnoses[0].hint


def test_a_dose_derivative_as_a_number_is_named() -> None:
    cases, question = bank("dose-response", "gradients"), code("dose-response", "gradients")
    answers = cases.made(next(v for m in cases.exercise.mistakes if m.code == "G57" for v in m.variants if not v.reshapes))
    assert answers is not None
    assert says(question.grade(cases, outcome(cases, answers)), "G57")


def test_a_synonym_stands_beside_the_more_specific_name() -> None:
    cases, question = bank("backpropagation", "classifier"), code("backpropagation", "classifier")
    right = textbook("backpropagation", "classifier_gradients")
    report = question.grade(cases, run(cases, lambda *given: {name: -v for name, v in right(*given).items()}))
    assert [(d.code, d.also) for d in report.diagnoses] == [("G67", ("G04",))]


RIGHT, PART = "correct", "partial"
PROGRAMS = {
    "textbook": [(RIGHT, None), (RIGHT, None), (RIGHT, None)],
    "loops": [(RIGHT, None), (RIGHT, None), (RIGHT, None)],
    "central_differences": [("missing", None), (RIGHT, None), (RIGHT, None)],
    "complex_step": [("missing", None), (RIGHT, None), (RIGHT, None)],
    "errors_before_slopes": [(PART, "G22"), (PART, "G23"), ("wrong", "G66")],
    "gates_and_weights": [(PART, "G59"), (PART, "G46"), (PART, "G59")],
    "small_slips": [(PART, "G22"), ("wrong", "G20"), ("wrong", "G02")],
    "other_shapes": [(PART, "G45"), (PART, "G45"), (PART, "G57")],
    "half_squares": [("missing", None), (RIGHT, None), ("wrong", "G68")],
}


def test_synonyms_do_not_crowd_out_the_pair_that_lists_them() -> None:
    """t − p without the ReLU's gate is also each of G04 with each of G22, G24, G23: told once, for certain."""
    made = {m.code: m.variants[0] for m in bank("backpropagation", "classifier").exercise.mistakes if m.variants}
    row = bank("backpropagation", "classifier").row(made["G67"], made["G59"])
    assert row is not None
    answers = bank("backpropagation", "classifier").shaped(row, len(bank("backpropagation", "classifier").calls))
    report = code("backpropagation", "classifier").grade(
        bank("backpropagation", "classifier"), outcome(bank("backpropagation", "classifier"), answers)
    )
    assert [(d.code, d.certain, d.group) for d in report.diagnoses] == [("G67", True, 1), ("G59", True, 1)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_real_programs(name: str) -> None:
    report = check("backpropagation", SUBMISSIONS / "backpropagation" / f"{name}.py", seed=2)
    assert [(q.verdict, q.diagnoses[0].code if q.diagnoses else None) for q in report.questions] == PROGRAMS[name]
    assert all(d.certain for q in report.questions for d in q.diagnoses)
    assert any("fewer digits" in note for q in report.questions for note in q.notes) == (name == "central_differences")
    assert (report.questions[1].problem is not None) == (name == "other_shapes")
