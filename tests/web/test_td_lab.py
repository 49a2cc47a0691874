"""The TD(λ) lab without a browser: its numbers, formulas, links and page."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import many

from dosegrade.errors import SpecError
from dosegrade.rl.td_lambda import METHODS
from dosegrade.web import SCRIPT, lab_charts
from dosegrade.web.lab import DEFAULT, LECTURE, PRESETS, Lab, from_query, parting, play, to_query, views, visits
from dosegrade.web.put_in import formula, formulas

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

REVISIT = Lab(("ABAC",), ((1.0, -1.0, 2.0, 3.0),), 0.9, 0.8, 0.5, (0.1, -0.2, 0.3))

shares = st.floats(0.0, 1.0)
labs = st.integers(1, 2).flatmap(
    lambda n: st.lists(st.text("ABCD", min_size=1, max_size=6), min_size=n, max_size=n).flatmap(
        lambda paths: st.builds(
            Lab,
            paths=st.just(tuple(paths)),
            rewards=st.tuples(*(st.tuples(*[st.integers(-5, 5).map(float)] * len(p)) for p in paths)),
            gamma=shares,
            lam=shares,
            alpha=shares,
            w=st.tuples(st.integers(-3, 3).map(float)),
            method=st.sampled_from(METHODS),
            versus=st.sampled_from(("", *METHODS)),
            step=st.integers(0, 12),
        )
    )
)


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("method", "expected"), [("accumulating", 3.276575), ("replacing", 2.267520), ("dutch", 2.772048), ("true-online", 2.754038)]
)
def test_a_revisit_by_hand(method: str, expected: float) -> None:
    """DOMAIN B.9's A→B→A→C, the weight of A."""
    assert play(REVISIT, method).w[-1, 0] == pytest.approx(expected, abs=5e-7)


def test_the_lectures_chain_by_hand() -> None:
    played = play(LECTURE, "accumulating")
    assert played.z == pytest.approx(np.array([[1, 0, 0], [0.72, 1, 0], [0.5184, 0.72, 1]]))
    assert played.delta == pytest.approx(np.array([0.0, 1.0, 2.0]))
    assert [(np.abs(after - before) > 0).sum() for before, after in zip(played.w, played.w[1:], strict=False)] == [0, 2, 3]


def test_traces_part_at_the_revisit_and_nowhere_without_one() -> None:
    kinds = [play(REVISIT, method) for method in METHODS]
    assert [parting(kinds[0], other) for other in kinds] == [None, 3, 3, 3]
    chain = [play(LECTURE, method) for method in METHODS]
    assert [parting(chain[0], other) for other in chain] == [None] * 4
    assert visits(REVISIT)[2].again


def test_gamma_equal_to_lambda_hides_a_swap_and_only_then() -> None:
    same = PRESETS["swap"].lab
    assert same.gamma == same.lam
    assert (play(replace(DEFAULT, gamma=DEFAULT.lam, lam=DEFAULT.gamma), "accumulating").delta != play(DEFAULT, "accumulating").delta).any()


@settings(max_examples=many(40, 13), deadline=None)
@given(labs)
def test_forward_and_backward_view_agree(lab: Lab) -> None:
    seen = views(lab)
    assert seen.gap <= 1e-12 * max(1.0, float(np.abs(seen.forward).max()))


def test_a_new_episode_empties_the_trace_and_keeps_the_weights() -> None:
    played = play(PRESETS["two-episodes"].lab, "accumulating")
    assert played.z[4].tolist() == [0.0, 1.0, 0.0]
    assert (played.w[4] == play(DEFAULT, "accumulating").w[4]).all()


# ------------------------------------------------------------------------------------------------ formulas


def test_formulas_hold_the_numbers_of_the_step_list() -> None:
    trace, error, weights = (formula(line) for line in play(DEFAULT, "accumulating").at(3))
    assert trace == (
        r"z_{2} &= \gamma\lambda\, z_{1} + x_{2} \\ &= 0.9 \cdot 0.6 \cdot (0.54,\ 1,\ 0) + (1,\ 0,\ 0) \\ &= (1.2916,\ 0.54,\ 0)"
    )
    assert r"&= 2 + 0.9 \cdot 0.3 - 0.2607 \\ &= 2.0093" in error
    assert r"&\quad + 0.35 \cdot 2.0093 \cdot (1.2916,\ 0.54,\ 0)" in weights


@pytest.mark.parametrize("method", METHODS)
def test_every_step_has_its_three_lines(method: str) -> None:
    lab = PRESETS["two-episodes"].lab
    played = play(lab, method)
    for step in range(1, lab.total + 1):
        text = formulas(played.at(step))
        assert text.count(r"\begin") == text.count(r"\end") == 1
        assert text.count("{") == text.count("}")
        assert not set("⟦⟧") & set(text)
        for name in ("z_", r"\delta_", "w_"):
            assert name in text


def test_a_trace_before_an_episode_is_put_in_as_zero() -> None:
    assert r"0.9 \cdot 0.6 \cdot (0,\ 0,\ 0) + (0,\ 1,\ 0)" in formula(play(PRESETS["two-episodes"].lab, "accumulating").at(5)[0])


# ------------------------------------------------------------------------------------------------ links


@settings(max_examples=many(40, 13), deadline=None)
@given(labs)
def test_a_link_gives_the_same_lab(lab: Lab) -> None:
    again = from_query(to_query(lab))
    assert again.paths == lab.paths
    assert (again.method, again.versus, again.step, again.rewards) == (lab.method, lab.versus, lab.step, lab.rewards)
    assert np.allclose([again.gamma, again.lam, again.alpha, *again.start], [lab.gamma, lab.lam, lab.alpha, *lab.start], rtol=1e-11)


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_has_a_short_link(name: str) -> None:
    query = to_query(PRESETS[name].lab)
    assert from_query(query) == PRESETS[name].lab
    assert len(query) <= 1


BROKEN = [
    {"gamma": "2"},
    {"gamma": "nan"},
    {"alpha": "1e999"},
    {"lam": "x"},
    {"paths": "XYZ"},
    {"paths": ""},
    {"paths": "A;B;C"},
    {"paths": "ABABABABABABABAB"},
    {"rewards": "1,2"},
    {"rewards": "inf,1,1,1"},
    {"w": "1,2"},
    {"w": "1e9"},
    {"method": "nonsense"},
    {"step": "-1"},
    {"preset": "nonsense"},
    {"nonsense": "1"},
]


@pytest.mark.parametrize("query", BROKEN, ids=str)
def test_a_broken_link_is_one_sentence(query: dict[str, str]) -> None:
    with pytest.raises(SpecError) as error:
        from_query(query)
    assert len(str(error.value)) < 200


@settings(max_examples=many(80, 26), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["preset", "paths", "rewards", "gamma", "lam", "alpha", "w", "method", "versus", "step", "x"]), st.text(max_size=30)
    )
)
def test_no_link_breaks_the_reader(query: dict[str, str]) -> None:
    try:
        lab = from_query(query)
    except SpecError:
        return
    assert np.isfinite(play(lab, lab.method).w).all()


# ------------------------------------------------------------------------------------------------ the page


def visit(**query: str) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.switch_page("app_pages/td_lambda.py")
    app.query_params.update(query)
    return app.run()


def button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def said(app: AppTest) -> str:
    return "\n".join([*(m.value for m in app.markdown), *(c.value for c in app.caption)])


def test_each_preset_is_shown_with_its_reason() -> None:
    app = visit()
    for name in reversed(list(PRESETS)):
        app.button_group(key="lab.preset").set_value(name).run()
        assert not app.exception
        assert PRESETS[name].why in said(app)
        assert app.query_params == to_query(PRESETS[name].lab)


def test_next_and_previous_walk_through_the_episode() -> None:
    app = visit(step="0")
    assert "Before the first step" in said(app)
    assert button(app, "Previous").disabled
    for step in range(1, 5):
        button(app, "Next").click().run()
        assert f"**Step {step}.**" in said(app)
        assert app.slider(key="lab.step").value == step
    assert button(app, "Next").disabled
    button(app, "Previous").click().run()
    assert app.query_params == {}
    app.slider(key="lab.step").set_value(1).run()
    assert app.query_params == {"step": "1"}


def test_accumulating_and_replacing_part_at_step_three() -> None:
    app = visit(step="3")
    assert "They part at step 3, where A comes back: its trace is 1.2916 if accumulating, 1 if replacing." in said(app)
    charts = app.get("vega_lite_chart")
    assert "accumulating: A 1.2916, B 0.54, C 0; replacing: A 1, B 0.54, C 0" in str(charts[0].proto)
    assert "A from 0.2607 to 1.169" in str(charts[1].proto)
    assert [len(t.value) for t in app.table[:2]] == [4, 4]


def test_other_settings_and_their_link() -> None:
    app = visit()
    app.slider(key="lab.set.gamma").set_value(0.5).run()
    assert app.button_group(key="lab.preset").value is None
    assert any("Your own." in m.value for m in app.markdown)
    app.selectbox(key="lab.set.method").set_value("dutch").run()
    app.selectbox(key="lab.set.versus").set_value("none").run()
    app.toggle(key="lab.set.two").set_value(True).run()
    assert not app.exception
    assert app.session_state["lab.now"].paths == ("ABAC", "BAC")
    assert len(app.table) == 3
    assert visit(**app.query_params).session_state["lab.now"] == app.session_state["lab.now"]


NONSENSE = (("path0", "A?C"), ("path0", ""), ("rewards0", "1, 2"), ("rewards0", "1, x, 2, 3"), ("w", "nan"))


def test_nonsense_is_told_and_the_last_good_state_stays() -> None:
    app = visit()
    for field, text in NONSENSE:
        box = app.text_input(key=f"lab.set.{field}")
        good = box.value
        box.set_value(text).run()
        assert not app.exception
        assert len(app.warning) == 1
        assert "Shown is the last trajectory that worked." in app.warning[0].value
        assert app.session_state["lab.now"] == DEFAULT
        assert app.text_input(key=f"lab.set.{field}").value == text
        app.text_input(key=f"lab.set.{field}").set_value(good).run()
        assert not app.warning


@pytest.mark.parametrize("query", BROKEN[:4], ids=str)
def test_a_broken_link_keeps_what_worked(query: dict[str, str]) -> None:
    app = visit(**query)
    assert not app.exception
    assert app.warning[0].value.startswith("This link cannot be used as it is.")
    assert app.session_state["lab.now"] == DEFAULT


def test_the_path_is_read_as_people_write_it() -> None:
    app = visit()
    app.text_input(key="lab.set.path0").set_value("a → b → b → c").run()
    assert app.session_state["lab.now"].paths == ("ABBC",)


@pytest.mark.parametrize("k", range(1, 7))
def test_pictures_of_any_size(k: int) -> None:
    lab = Lab(("ABCDEF"[:k],), ((1.0,) * k,), w=(0.0,), versus="", step=k)
    played = [play(lab, lab.method)]
    for chart in (lab_charts.traces(lab, played), lab_charts.moves(lab, played)):
        assert "Infinity" not in chart.to_json()
        assert "NaN" not in chart.to_json()
    assert len(lab_charts.table(lab, played[0])) == k
