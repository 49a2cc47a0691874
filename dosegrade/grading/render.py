"""A report's dict as people read it: plain text for a terminal, HTML for a notebook. Scores are rounded to two places."""

from __future__ import annotations

from typing import Any

MARKS = {"correct": "✓", "follow-through": "≈", "wrong": "✗", "missing": "–", "not-checked": "?", "partial": "◐"}


def points(score: float, max_score: float) -> str:
    """`3.5 of 6`."""
    return f"{score:.2f}".rstrip("0").rstrip(".") + " of " + f"{max_score:.2f}".rstrip("0").rstrip(".")


def text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    lines = [f"{report['quiz']} · {report['submission']}: {points(report['score'], report['max_score'])} points"]
    lines += [f"  ! {note}" for note in report["notes"]]
    for question in report["questions"]:
        lines += ["", f"{MARKS[question['verdict']]} {question['id']}: {points(question['score'], question['max_score'])}"]
        lines += [f"    {line}" for line in question_lines(question)]
    return "\n".join(lines)


def question_lines(question: dict[str, Any]) -> list[str]:
    """Problem, checks, mistakes and notes of one question."""
    lines = [problem_words(question["problem"])] if question["problem"] else []
    if question["problem"] is None or question["problem"]["kind"] in ("return", "shape", "not-finite"):
        for check in question["checks"]:
            message = f": {check['message']}" if check["message"] else ""
            lines.append(f"{MARKS[check['verdict']]} {check['name']}{message}")
    lines += [mistake_words(d) for d in question["diagnoses"]]
    lines += [f"Note: {note}" for note in question["notes"]]
    if question["printed"]:
        lines.append("Your program printed:")
        lines += [f"  | {line}" for line in question["printed"].splitlines()]
    return lines


def problem_words(problem: dict[str, Any]) -> str:
    """`timeout: …`, with the student's line where there is one."""
    where = f" (line {problem['line']})" if problem["line"] else ""
    return f"{problem['kind']}{where}: {problem['message']}"


def mistake_words(diagnosis: dict[str, Any]) -> str:
    """`G01 missing-factor-two: What is …`, `perhaps` where other mistakes explain the answer as well."""
    sure = "" if diagnosis["certain"] else "perhaps "
    return f"→ {sure}{diagnosis['code']} {diagnosis['name'].replace('-', ' ')}: {diagnosis['hint']}"


def html(report: dict[str, Any]) -> str:
    """The report for a notebook cell; every text of the student's is escaped."""
    from html import escape

    rows = []
    for question in report["questions"]:
        said = "".join(f"<div>{escape(line)}</div>" for line in question_lines(question))
        verdict, worth = question["verdict"], points(question["score"], question["max_score"])
        rows.append(
            f"<tr><td style='vertical-align:top'>{MARKS[verdict]} <b>{escape(question['id'])}</b></td>"
            f"<td style='vertical-align:top;white-space:nowrap'>{escape(verdict)}, {worth}</td>"
            f"<td style='text-align:left;white-space:pre-wrap'>{said}</td></tr>"
        )
    head = f"{escape(report['quiz'])}: {points(report['score'], report['max_score'])} points"
    return f"<table><caption style='text-align:left'><b>{head}</b></caption>{''.join(rows)}</table>"
