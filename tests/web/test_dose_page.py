"""The dose page: its experiments keep their word, links, what is said, the page itself."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import Any

import pytest

from dosegrade.errors import SpecError
from dosegrade.web import APP
from dosegrade.web.dose import CASES, DEFAULT, Study, fit, from_query, to_query, truth
from dosegrade.web.dose_views import NETWORK, TRUTH, chart, told, verdicts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest


def said(study: Study) -> str:
    return " ".join(verdicts(truth(study)[1], fit(study)))


# ------------------------------------------------------------------------------------------------ experiments keep their word


def test_two_units_find_the_peak() -> None:
    made = fit(CASES["peak"].study)
    assert made.r2 > 0.999
    assert abs(made.reading.peak_dose - 50.0) <= 0.5
    assert "The peak is found" in said(CASES["peak"].study)


@pytest.mark.parametrize("seed", range(4))
def test_one_unit_a_layer_cannot(seed: int) -> None:
    study = replace(CASES["ceiling"].study, seed=seed)
    made = fit(study)
    assert made.r2 <= 0.3672
    assert made.reading.hills == 0
    assert made.reading.peak_dose in {0.0, 100.0} or made.reading.words == "stays flat"
    assert "No peak." in said(study)


def test_the_ceiling_is_reached() -> None:
    assert fit(CASES["ceiling"].study).r2 > 0.36


def test_raw_doses_saturate() -> None:
    study = CASES["raw"].study
    assert fit(study).r2 > 0.99
    assert fit(study, "none").r2 < 0.4


def test_the_slow_fall_is_followed() -> None:
    study = CASES["slow-fall"].study
    made, true = fit(study), truth(study)[1]
    assert made.r2 > 0.999
    assert abs(made.reading.peak_dose - 30.0) <= 1.0
    assert abs(made.reading.asymmetry - true.asymmetry) < 5.0
    assert true.asymmetry > 50.0


def test_four_units_miss_the_lower_hill_and_eight_find_both() -> None:
    study = CASES["two-peaks"].study
    assert fit(study).reading.hills == 1
    assert "A missing hill" in said(study)
    assert fit(replace(study, network="1-8-1")).reading.hills == 2


@pytest.mark.parametrize("weight", [50.0, 70.0, 95.0])
def test_the_network_follows_the_patient(weight: float) -> None:
    study = replace(CASES["patient"].study, weight=weight)
    assert abs(fit(study).reading.peak_dose - truth(study)[1].peak_dose) <= 2.0
    assert fit(study).r2 > 0.999


def test_beyond_the_doses_the_network_does_not_know() -> None:
    made, true = fit(DEFAULT), truth(DEFAULT)[1]
    assert true.end == -300.0
    assert made.reading.end > -150.0
    assert "nobody showed it anything" in said(DEFAULT)
    assert "safe" not in said(DEFAULT)


# ------------------------------------------------------------------------------------------------ links


@pytest.mark.parametrize(
    "study",
    [
        *(case.study for case in CASES.values()),
        Study(noise=3.0, seed=9, raw=True, age=33.0, curve="patient", activation="relu", epochs=100),
    ],
    ids=str,
)
def test_a_link_gives_the_study_back(study: Study) -> None:
    assert from_query(to_query(study)) == study


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"curve": "parabole"}, "Did you mean 'parabola'?"),
        ({"network": "1-99-1"}, "Found the network '1-99-1'"),
        ({"activation": "softmax"}, "Found the activation 'softmax'"),
        ({"epochs": "7"}, "Found 7 epochs; expected one of 100"),
        ({"epochs": "many"}, "Found 'many', expected a whole number."),
        ({"noise": "nan"}, "Found nan for the noise"),
        ({"weight": "0"}, "Found 0 for the weight; expected a number from 45 to 110."),
        ({"raw": "yes"}, "Found 'yes', expected 1"),
        ({"dose": "3"}, "Found a setting called 'dose'"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=re.escape(sentence)):
        from_query(query)


# ------------------------------------------------------------------------------------------------ page


def open_page(**query: str) -> Any:
    at = AppTest.from_file(str(APP.parent / "app_pages" / "dose.py"), default_timeout=60)
    at.query_params.update(query)
    return at.run()


def test_settings_go_into_the_address_and_change_what_is_read() -> None:
    at = open_page()
    assert not at.exception
    assert any("The peak is found" in m.value for m in at.markdown)
    at.selectbox(key="dose.set.network").set_value("1-1-1-1").run()
    assert at.query_params["network"] == "1-1-1-1"
    assert at.button_group[0].value == "ceiling"
    assert not any("Two units find the peak" in m.value for m in at.markdown)
    assert any("No peak." in m.value for m in at.markdown)
    at.toggle(key="dose.set.raw").set_value(True).run()
    assert any("Raw doses:" in m.value for m in at.markdown)
    assert not at.exception


def test_a_broken_link_is_told_and_the_page_works() -> None:
    at = open_page(noise="loud")
    assert at.warning[0].value.startswith("This link cannot be used as it is. Found 'loud'")
    at.select_slider(key="dose.set.epochs").set_value(100).run()
    assert not at.warning
    assert at.query_params["epochs"] == "100"


def test_the_chart_is_told_in_a_sentence() -> None:
    effects, true = truth(DEFAULT)
    made = fit(DEFAULT)
    words = told({TRUTH: true, NETWORK: made.reading})
    assert "the toy's own curve rises, then falls, highest at 50 mg" in words
    assert len(chart(DEFAULT, {TRUTH: effects, NETWORK: made.effects}).layer) == 4
