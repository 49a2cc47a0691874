"""The derivation page: its numbers against the sources, its links, its drawing, and a visit in Chromium."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import fields
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegrade.errors import SpecError
from dosegrade.nn.network import Dense, Network
from dosegrade.nn.training import Config
from dosegrade.web import APP, errata
from dosegrade.web.diagram import chain, drawing, plan, svg
from dosegrade.web.working import EXAMPLES, KNOWN, OWN, Sheet, certified, from_query, on_chain, telling, terms, to_query, ways
from dosegrade.web.working_tex import block, number, plain, tex

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

GOLDEN = Path(__file__).parents[1] / "golden"
SHEETS = [Sheet(name) for name in EXAMPLES] + [
    Sheet(OWN, config=Config(hidden=(3, 2), activations=("relu",)), epoch=5, rows=2),
    Sheet(OWN, config=Config(hidden=(), l2=0.01, loss="log_cosh"), rows=3),
]


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize(("case", "index"), [("dose", 0), ("scaled", 1)])
def test_the_dose_example_is_the_golden_one(case: str, index: int) -> None:
    golden = json.loads((GOLDEN / "dose_response.json").read_text())["cases"][index]
    sheet = Sheet(case)
    for name, value in golden["mean_grad"].items():
        assert float(sheet.made[f"d{name}"].ravel()[0]) == pytest.approx(value, rel=1e-12)
        assert float(sheet.made[f"new_{name}"].ravel()[0]) == pytest.approx(golden["params_after_one_gd_step"][name], rel=1e-14)
    assert sheet.loss_after == pytest.approx(golden["loss_after_step"], rel=1e-12)


@pytest.mark.parametrize(("case", "name"), [("lecture", "both_hidden_active"), ("dead", "second_hidden_dead")])
def test_the_lectures_example_is_the_golden_one(case: str, name: str) -> None:
    golden = next(c for c in json.loads((GOLDEN / "relu_2_2_1.json").read_text())["cases"] if c["name"] == name)
    made = Sheet(case).made
    flat = [made["db1"][0], *made["dW1"][:, 0], made["db1"][1], *made["dW1"][:, 1], made["db2"][0], *made["dW2"][:, 0]]
    assert flat == pytest.approx(golden["grad_flat"], abs=1e-15)
    assert made["da1"][0] == pytest.approx(golden["epsilon1_dL_du"], abs=1e-15)
    assert made["dz1"][0] == pytest.approx(golden["delta1_dL_dz1"], abs=1e-15)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.case)
def test_the_ways_add_up_to_the_gradient(sheet: Sheet) -> None:
    for weight in sheet.weights:
        one = Sheet(sheet.case, sheet.numbers, weight, sheet.config, sheet.epoch, sheet.rows)
        name, index = one.chosen
        penalty = 2 * one.network.l2 * float(one.inputs[name][index]) if name.startswith("W") else 0.0
        assert sum(term.value for term in terms(one)) + penalty == pytest.approx(one.gradient, rel=1e-12, abs=1e-18)


def test_too_many_ways_are_gathered_at_the_unit() -> None:
    sheet = Sheet(OWN, config=Config(hidden=(3, 12, 12, 12)), rows=2, weight="W1.1.2")
    assert ways(sheet) == 12**3
    assert [len(term.factors) for term in terms(sheet)] == [3, 3]
    assert sum(term.value for term in terms(sheet)) == pytest.approx(sheet.gradient, rel=1e-12)
    assert "1,728 ways lead to the unit" in chain(sheet)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.case)
def test_the_complex_step_certifies_every_number(sheet: Sheet) -> None:
    for name, exact in certified(sheet).items():
        assert sheet.made[f"d{name}"] == pytest.approx(exact, rel=1e-12, abs=1e-15)


def test_the_chain_is_what_the_gradient_rests_on() -> None:
    assert on_chain(Sheet(weight="W3.1.1")) == {"da3", "dz3", "dW3"}
    assert on_chain(Sheet(weight="b1.1")) == {"da3", "dz3", "da2", "dz2", "da1", "dz1", "db1"}


def test_a_weight_lost_in_rounding_is_not_measured() -> None:
    assert telling(Sheet()) == ("W2", (0, 0))
    assert telling(Sheet("scaled")) == ("W1", (0, 0))


# ------------------------------------------------------------------------------------------------ formulas


def test_numbers_are_put_into_the_formulas() -> None:
    sheet = Sheet("scaled", weight="W3.1.1")
    assert block(sheet.lines["z1"], sheet) == (
        r"\begin{aligned} z_{1} &= x W_{1} + b_{1} \\[4pt] &= 0.3 \cdot 0.6 + (-0.3) \\[4pt] &= -0.12\end{aligned}"
    )
    assert r"&= (0.48877 - 1.7)^2 \\" in block(sheet.lines["loss"], sheet)
    assert r"\begin{bmatrix}2 & 1\end{bmatrix}\,\begin{bmatrix}0.4 & 0.5 \\ -0.3 & 0.25\end{bmatrix}" in block(
        Sheet("lecture").lines["z1"], Sheet("lecture")
    )


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.case)
def test_every_step_of_every_example_has_a_block(sheet: Sheet) -> None:
    for line in sheet.lines.values():
        made = block(line, sheet)
        assert made.count("{") == made.count("}")
        assert "nan" not in made


@pytest.mark.parametrize(
    ("value", "latex", "text"),
    [
        (0.0, "0", "0"),
        (-0.419974, "-0.41997", "−0.41997"),
        (1.6905e-15, r"1.6905\cdot 10^{-15}", "1.6905·10⁻¹⁵"),
        (99999.9, "100000", "100000"),
    ],
)
def test_five_digits(value: float, latex: str, text: str) -> None:
    assert number(value) == latex
    assert plain(value) == text


def test_wide_matrices_are_shortened() -> None:
    assert r"\cdots" in tex(np.ones((2, 9)))
    assert r"\vdots" in tex(np.ones((9, 1)))


# ------------------------------------------------------------------------------------------------ links


@pytest.mark.parametrize(
    "sheet",
    [
        *SHEETS,
        Sheet(weight="b2.1"),
        Sheet(numbers=(0.1, 1.7, 0.6, -0.3, 0.9, 0.1, 1.5, 0.5, 0.01)),
        Sheet("dead", weight="W1.2.1"),
        Sheet(OWN, config=Config(hidden=(2, 1), seed=5), epoch=40, weight="W2.2.1"),
    ],
    ids=str,
)
def test_a_link_gives_the_sheet_back(sheet: Sheet) -> None:
    assert from_query(to_query(sheet)) == sheet


def test_the_playgrounds_address_works_here() -> None:
    assert from_query({"preset": "two-units"}).config.hidden == (2, 1)
    assert from_query({"preset": "two-units"}).case == OWN


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"case": "doze"}, "Did you mean 'dose'?"),
        ({"weight": "W9.1.1"}, "Found the weight 'W9.1.1', expected for example W1.1.1 or b3.1."),
        ({"weight": "W1.0.1"}, "Found the weight 'W1.0.1'"),
        ({"numbers": "1,2"}, "Found 2 numbers, expected 9"),
        ({"numbers": "1,2,x"}, "Found 'x' among the numbers, expected a number."),
        ({"numbers": ",".join(["nan"] * 9)}, "Found the number nan"),
        ({"case": "own", "epoch": "-3"}, "Found '-3', expected a whole number."),
        ({"case": "own", "epoch": "100000"}, "expected a whole number from 0 to 1000"),
        ({"case": "own", "rows": "4"}, "from 1 to 3"),
        ({"case": "own", "hidden": "64"}, "at most 12"),
        ({"case": "own", "hidden": "2", "activations": "relo"}, "Did you mean"),
        ({"case": "dose", "seed": "2"}, "which this example does not have"),
        ({"nonsense": "1"}, "nonsense"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=re.escape(sentence)):
        from_query(query)


def test_the_pages_own_keys_are_none_of_the_playgrounds() -> None:
    assert not set(KNOWN) & {field.name for field in fields(Config)}


# ------------------------------------------------------------------------------------------------ drawing and notes


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.case)
@pytest.mark.parametrize("standing", [False, True])
def test_units_stand_inside_the_drawing_and_apart(sheet: Sheet, standing: bool) -> None:
    p = plan(sheet, standing)
    for layer in p.places:
        assert all(p.radius < place.x < p.wide - p.radius and p.radius < place.y < p.high - p.radius for place in layer)
        across = [place.x if standing else place.y for place in layer]
        assert all(b - a > 2 * p.radius for a, b in pairwise(across))


@pytest.mark.parametrize("sheet", [*SHEETS, *(Sheet(OWN, config=Config(hidden=units)) for units in ((2,), (2, 1), (2, 2), (3,)))])
@pytest.mark.parametrize("standing", [False, True])
def test_no_number_stands_on_another_or_on_a_unit(sheet: Sheet, standing: bool) -> None:
    p = plan(sheet, standing)
    number = r'<text class="(?:number|delta)" x="([-\d.]+)" y="([-\d.]+)" style="text-anchor:(\w+)">([^<]+)'
    found = [
        (float(x), float(y), {"start": 0.0, "middle": 0.5, "end": 1.0}[at], 6.2 * len(text))
        for x, y, at, text in re.findall(number, svg(sheet, p))
    ]
    boxes = [(x - share * wide, y - 9, x + (1 - share) * wide, y) for x, y, share, wide in found]
    boxes += [(u.x - 0.7 * p.radius, u.y - p.radius, u.x + 0.7 * p.radius, u.y + p.radius) for layer in p.places[:-1] for u in layer]
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_the_drawing_says_what_it_shows_and_every_weight_can_be_pressed() -> None:
    sheet = Sheet("lecture")
    made = drawing(sheet)
    assert "The chain from the loss back to W₁[1,1] is highlighted; its gradient is −2.548." in made
    assert {name for name in sheet.weights if made.count(f'data-pick="{name}"') == 2} == set(sheet.weights)
    assert made.count('aria-pressed="true"') == 2


@pytest.mark.parametrize("source", list(errata.NOTES))
def test_every_note_stands_at_a_step_that_there_is(source: str) -> None:
    sheet = next(Sheet(name) for name, example in EXAMPLES.items() if example.source == source)
    assert {note.at for note in errata.NOTES[source]} <= {"start", "update", "end", *sheet.lines}


# ------------------------------------------------------------------------------------------------ page


def open_page(**query: str) -> Any:
    at = AppTest.from_file(str(APP.parent / "app_pages" / "derivation.py"), default_timeout=60)
    at.query_params.update(query)
    return at.run()


def text_of(at: Any) -> str:
    return "\n".join(element.value for element in (*at.markdown, *at.caption))


def test_the_first_page_has_numbers_notes_and_no_advice() -> None:
    at = open_page()
    assert not at.exception
    text = text_of(at)
    assert "0.4200, not 0.4199." in text
    assert "A small gradient is not confidence." in text
    assert "no ε will do" in text
    assert "Nothing here is medical advice." in text
    assert "The loss goes from 0.0033188 to **0.0030112** (−9.3%)." in text
    assert any(r"30 \cdot 0.6 + (-0.3)" in formula.value for formula in at.latex)
    assert not at.query_params


def test_a_weight_and_a_number_go_into_the_address() -> None:
    at = open_page()
    at.selectbox(key="working.weight").set_value("b2.1").run()
    at.number_input(key="working.set.number0").set_value(0.3).run()
    assert any("The numbers are your own." in m.value for m in at.markdown)
    assert at.query_params["weight"] == "b2.1"
    assert at.query_params["numbers"] == "0.3,1.7,0.6,-0.3,0.9,0.1,1.5,0.5,0.01"
    text = text_of(at)
    assert "0.4200, not 0.4199." not in text
    assert "One unit a layer makes no peak." in text
    at.button[0].click().run()
    assert "numbers" not in at.query_params


def test_the_playgrounds_network_is_written_out() -> None:
    at = open_page(preset="two-units", epoch="20", rows="2")
    assert not at.exception
    assert "A 1-2-1-1 network after 20 epochs, on 2 examples" in text_of(at)
    at.slider(key="working.set.rows").set_value(3).run()
    assert at.query_params["rows"] == "3"


def test_a_broken_link_is_told_and_the_page_works() -> None:
    at = open_page(weight="W7.1.1")
    assert not at.exception
    assert at.warning[0].value.startswith("This link cannot be used as it is. Found the weight 'W7.1.1'")
    at.selectbox(key="working.weight").set_value("W3.1.1").run()
    assert not at.warning


def test_a_network_that_is_too_wide_is_refused_in_a_sentence() -> None:
    at = AppTest.from_file(str(APP.parent / "app_pages" / "derivation.py"), default_timeout=60)
    at.session_state["config"] = Config(hidden=(40,))
    at.run()
    at.button_group[0].set_value(OWN).run()
    assert "The network has a layer of 40 units" in at.warning[0].value


def test_units_that_mix_their_sums_are_refused() -> None:
    mixed = Network(1, (Dense(2, "maxout"), Dense(1)))
    assert mixed.dense[0].f.slope is None
