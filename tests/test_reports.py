"""Report writers: what each format's readers expect, and that nothing a student wrote is more than text in any of them."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegrade.grading.outcome import Problem
from dosegrade.grading.report import Check, Diagnosis, QuestionReport, Report
from dosegrade.registry import UnknownName
from dosegrade.reports import WRITERS
from dosegrade.reports.overview import Overview

HOSTILE = (
    "=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>", "]]><x/>", "&lt;b&gt;&amp;", "{{ 7*7 }}{% raw %}", "a,b\n\"c\",d", "\x00\x1b[31m\x08", "\ud800", "\ufffe",
    "javascript:alert(1)",
)  # fmt: skip


def report(name: str = "alice", text: str = "wrong at index 0", verdict: str = "partial") -> Report:
    """A report with every part, `text` in all places where a student's own text can stand."""
    checks = (Check("dW1", "correct", 2.0, 2.0), Check("db1", "follow-through", 0.5, 1.0, text), Check("x", "wrong", 0.0, 1.0, text))
    diagnoses = (
        Diagnosis("G01", "missing-factor-two", "What is the derivative?", False),
        Diagnosis("G02", "missing-mean", "The mean?", False),
    )
    first = QuestionReport("gradients", "code", 2.5, 4.0, verdict, None, checks, diagnoses, (text,), text)
    second = QuestionReport("q1", "choice", 0.0, 1.0, "wrong", Problem("exception", text, 3))
    return Report("dose-response", name, 7, (first, second), (text,))


def written(form: str, *reports: Report, **more: Any) -> str:
    """A format's text."""
    return WRITERS[form]([r.to_dict() | more for r in reports]).decode()


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(UnknownName, match=r"no report format called 'jnit'. Did you mean 'junit'"):
        WRITERS["jnit"]


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_writer_takes_any_number_of_reports(form: str, count: int) -> None:
    assert WRITERS[form]([report(f"s{i}").to_dict() for i in range(count)])


def test_csv_has_a_row_a_student_and_a_column_a_question() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", report("a"), report("b"), report="reports/x.json"))))
    assert [row["student"] for row in rows] == ["a", "b"]
    expected = {"score": "2.5", "max_score": "5.0", "verdict": "partial", "report": "reports/x.json", "gradients": "2.5", "q1": "0.0"}
    assert rows[0] == {"student": "a", **expected}


@pytest.mark.parametrize("name", HOSTILE)
def test_csv_cells_are_no_formulas(name: str) -> None:
    table = list(csv.reader(io.StringIO(written("csv", report(name)), newline="")))
    assert len(table) == 2
    assert table[1][0].removeprefix("'" * (name[0] in "=+-@\t\r")) == name.replace("\r", "\n").encode("utf-8", "replace").decode()
    assert not table[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert (table[1][0][0] == "'") == (name[0] in "'=+-@\t\r")


def test_junit_counts_checks() -> None:
    suites = ElementTree.fromstring(written("junit", report(), report("b", verdict="not-checked")))
    suite = suites[0]
    assert suite.attrib == {"name": "alice", "tests": "4", "failures": "3", "errors": "0"}
    assert [case.attrib["name"] for case in suite] == ["dW1", "db1", "x", "q1"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "follow-through, 0.5 of 1: wrong at index 0"


def test_junit_errors_are_ours() -> None:
    question = QuestionReport("f", "code", 0.0, 1.0, "not-checked", Problem("sandbox", "x"), (Check("r", "not-checked", 0.0, 1.0),))
    suite = ElementTree.fromstring(written("junit", Report("q", "s", 0, (question,))))[0]
    assert suite.attrib["errors"] == "1"


@pytest.mark.parametrize("text", HOSTILE)
def test_xml_is_well_formed_whatever_a_student_writes(text: str) -> None:
    suites = ElementTree.fromstring(written("junit", report(text, text)))
    assert {element.tag for element in suites.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    assert len(suites) == 1


def test_gradescope_results() -> None:
    results = json.loads(written("gradescope", report()))
    assert results["score"] == 2.5
    assert sum(test["score"] for test in results["tests"]) == 2.5
    assert sum(test["max_score"] for test in results["tests"]) == 5.0
    first = results["tests"][0]
    assert (first["name"], first["status"], first["visibility"], first["output_format"]) == ("gradients", "failed", "visible", "text")
    assert "G01 missing factor two" in first["output"]
    assert results["output_format"] == "text"
    assert "dose-response: 2.5 of 5 points" in results["output"]


def test_gradescope_of_a_class_is_by_student() -> None:
    assert set(json.loads(written("gradescope", report("a"), report("b")))) == {"a", "b"}


def test_gradescope_says_when_it_is_not_the_students_fault() -> None:
    question = QuestionReport("f", "code", 0.0, 1.0, "not-checked", Problem("sandbox", "x"))
    assert "not your mistake" in json.loads(written("gradescope", Report("q", "s", 0, (question,))))["output"]


@pytest.mark.parametrize("text", [*HOSTILE, "a\n::notice title=Autograding report::{}", "::error::x", ":::"])
def test_classroom_messages_are_no_commands(text: str) -> None:
    results = json.loads(written("classroom", report("s", text)))
    assert (results["status"], results["max_score"]) == ("fail", 5.0)
    assert sum(test["score"] for test in results["tests"]) == 2.5
    for test in results["tests"]:
        assert "::" not in test["message"]
        assert len(test["message"].splitlines()) == 1


class Tags(HTMLParser):
    """Collects tags with their attributes' names, links, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, ...]] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("more", [{}, {"report": "reports/x.html"}], ids=["student", "class"])
def test_pages_hold_text_only(text: str, more: dict[str, str]) -> None:
    plain, hostile = Tags(written("html", report(), **more)), Tags(written("html", report(text, text), **more))
    assert plain.tags == hostile.tags
    assert plain.links == hostile.links
    assert "{{ 7*7 }}" not in text or "{{ 7*7 }}" in hostile.text


@pytest.mark.parametrize("more", [{}, {"report": "reports/x.html"}])
def test_pages_need_nothing_else(more: dict[str, str]) -> None:
    page = written("html", report(), **more)
    assert not re.search(r"https?://|<script|@import|url\(", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_links_are_encoded() -> None:
    assert Tags(written("html", report(), report="reports/a b#c?.html")).links == ["reports/a%20b%23c%3F.html"]


def test_the_overview_ranks_mistakes_by_students() -> None:
    sure = Diagnosis("G02", "missing-mean", "The mean?", True)
    only = Report("dose-response", "c", 0, (QuestionReport("gradients", "code", 0.0, 4.0, "wrong", None, (), (sure, sure)),))
    overview = Overview.of(r.to_dict() | {"report": ""} for r in (report("a"), report("b"), only))
    assert [(m.code, m.students, m.certain) for m in overview.ranked] == [("G02", 3, 1), ("G01", 2, 0)]
    assert overview.questions["gradients"].percent == pytest.approx(100 * 5 / 12)
    assert overview.questions["gradients"].parts["db1"].shares == [("follow-through", 2, 100.0)]
    assert [number for _, number, _ in overview.bins] == [1, 0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert (overview.mean, overview.median) == (pytest.approx(100 / 3), pytest.approx(50.0))
    assert overview.problems == {"exception": 2}


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(), max_size=40), name=st.text(st.characters(), min_size=1, max_size=20))
def test_any_text(text: str, name: str) -> None:
    one = report(name, text).to_dict()
    ElementTree.fromstring(WRITERS["junit"]([one]))
    assert len(list(csv.reader(io.StringIO(WRITERS["csv"]([one]).decode(), newline="")))) == 2
    json.loads(WRITERS["gradescope"]([one]))
    WRITERS["html"]([one]).decode()
