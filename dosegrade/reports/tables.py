"""Reports for programs: a table for a spreadsheet, JUnit's XML, what Gradescope and GitHub Classroom read."""

from __future__ import annotations

import csv as commas
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from dosegrade.grading.render import points, question_lines

COLUMNS = ("student", "score", "max_score", "verdict", "report")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
STATUS = {"correct": "pass", "not-checked": "error"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Report = Mapping[str, Any]


def cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, and that ends no row."""
    if not isinstance(value, str):
        return value
    return ("'" if value.startswith(FORMULA) else "") + value.replace("\r", "\n")


def csv(reports: Iterable[Report]) -> bytes:
    """A row a student: score, verdict, where the report lies, and a column a question."""
    text = io.StringIO()
    table = commas.writer(text, lineterminator="\n")
    ids: list[str] = []
    for number, report in enumerate(reports):
        if number == 0:
            ids = [question["id"] for question in report["questions"]]
            table.writerow([cell(column) for column in (*COLUMNS, *ids)])
        scores = {question["id"]: question["score"] for question in report["questions"]}
        row = [report["submission"], report["score"], report["max_score"], report["verdict"], report.get("report", "")]
        table.writerow([cell(value) for value in (*row, *(scores.get(name, "") for name in ids))])
    if not text.tell():
        table.writerow(COLUMNS)
    return text.getvalue().encode("utf-8", "replace")


def xml_text(text: str) -> str:
    """Text with the characters that XML cannot hold replaced."""
    return _NOT_XML.sub("\ufffd", text)


def junit(reports: Iterable[Report]) -> bytes:
    """A test suite a student and a test case a check, as continuous integration shows them."""
    suites = ElementTree.Element("testsuites", name="dosegrade")
    for report in reports:
        suite = ElementTree.SubElement(suites, "testsuite", name=xml_text(report["submission"]))
        for question in report["questions"]:
            for check in question["checks"] or [question | {"name": question["id"], "message": ""}]:
                test_case(suite, report, question, check)
        cases = list(suite)
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    ElementTree.indent(suites)
    data: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def test_case(suite: ElementTree.Element, report: Report, question: Report, check: Report) -> None:
    """One check as a test case; what is not wholly correct has failed, what could not be checked is an error."""
    name = xml_text(f"{report['quiz']}.{question['id']}")
    case = ElementTree.SubElement(suite, "testcase", classname=name, name=xml_text(check["name"]))
    if check["verdict"] == "correct":
        return
    kind = "error" if check["verdict"] == "not-checked" else "failure"
    said = f"{check['verdict']}, {points(check['score'], check['max_score'])}"
    said += f": {check['message']}" if check["message"] else ""
    found = ElementTree.SubElement(case, kind, type=check["verdict"], message=xml_text(said))
    found.text = xml_text("\n".join(question_lines(dict(question))))


test_case.__test__ = False  # type: ignore[attr-defined]


def gradescope(reports: Iterable[Report]) -> bytes:
    """Gradescope's results.json; for a class an object with one for each student."""
    found = {report["submission"]: results(report) for report in reports}
    return json.dumps(next(iter(found.values())) if len(found) == 1 else found, indent=1).encode() + b"\n"


def results(report: Report) -> dict[str, Any]:
    """One student's results: a test a question, everything shown as plain text."""
    return {
        "score": report["score"],
        "output": "\n".join(output_lines(report)),
        "output_format": "text",
        "test_name_format": "text",
        "test_output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"quiz": report["quiz"], "seed": report["seed"]},
        "tests": [
            {
                "name": question["id"],
                "name_format": "text",
                "number": str(number),
                "score": question["score"],
                "max_score": question["max_score"],
                "status": "passed" if question["verdict"] == "correct" else "failed",
                "output": "\n".join(question_lines(dict(question))),
                "output_format": "text",
                "visibility": "visible",
            }
            for number, question in enumerate(report["questions"], 1)
        ],
    }


def output_lines(report: Report) -> Iterator[str]:
    """What stands above the tests."""
    yield f"{report['quiz']}: {points(report['score'], report['max_score'])} points"
    if report["verdict"] == "not-checked":
        yield "Not everything could be checked. This is not your mistake: ask for the submission to be graded again."
    yield from report["notes"]


def classroom(reports: Iterable[Report]) -> bytes:
    """What GitHub Classroom's reporter reads; for a class an object with one for each student."""
    found = {report["submission"]: runner(report) for report in reports}
    return json.dumps(next(iter(found.values())) if len(found) == 1 else found).encode() + b"\n"


def runner(report: Report) -> dict[str, Any]:
    """One student's results: a test a question. Messages are single lines without `::`, which a log would take for a command."""
    return {
        "version": 1,
        "status": STATUS.get(report["verdict"], "fail"),
        "max_score": report["max_score"],
        "tests": [
            {
                "name": question["id"],
                "status": STATUS.get(question["verdict"], "fail"),
                "score": question["score"],
                "message": re.sub(":(?=:)", ": ", " / ".join(" ".join(line.split()) for line in question_lines(dict(question)))),
            }
            for question in report["questions"]
        ],
    }
