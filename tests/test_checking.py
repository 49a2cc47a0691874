"""Real student programs through the real sandbox to a report: the right ones, ten named mistakes, and hostile ones."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import dosegrade
from dosegrade.checking import check_submission
from dosegrade.errors import SpecError, SubmissionError
from dosegrade.grading.report import QuestionReport, Report
from dosegrade.quiz.question import LimitsTable, Quiz, load
from dosegrade.sandbox import Cell, Program, Sandbox, open_sandbox
from dosegrade.submissions import Submission

TEXTBOOK = """
import numpy as np

def forward(d, W1, b1, W2, b2, W3, b3):
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    z3 = W3 * h2 + b3
    return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "z3": z3, "e_hat": z3}

def gradients(d, e, W1, b1, W2, b2, W3, b3):
    n = len(d)
    z1 = W1 * d + b1
    h1 = np.tanh(z1)
    z2 = W2 * h1 + b2
    h2 = np.tanh(z2)
    e_hat = W3 * h2 + b3
    dz3 = 2 * (e_hat - e) / n
    dW3 = np.sum(dz3 * h2)
    db3 = np.sum(dz3)
    dh2 = dz3 * W3
    dz2 = dh2 * (1 - h2 * h2)
    dW2 = np.sum(dz2 * h1)
    db2 = np.sum(dz2)
    dh1 = dz2 * W2
    dz1 = dh1 * (1 - h1 * h1)
    dW1 = np.sum(dz1 * d)
    db1 = np.sum(dz1)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}

def update(params, grads, learning_rate):
    return {name: value - learning_rate * grads["d" + name] for name, value in params.items()}
"""

LOOPS = (
    TEXTBOOK.split("def gradients")[0]
    + """
import math

def gradients(d, e, W1, b1, W2, b2, W3, b3):
    total = [0.0] * 6
    for dose, effect in zip(d.tolist(), e.tolist()):
        h1 = math.tanh(W1 * dose + b1)
        h2 = math.tanh(W2 * h1 + b2)
        g3 = 2 * (W3 * h2 + b3 - effect) / len(d)
        g2 = g3 * W3 / math.cosh(W2 * h1 + b2) ** 2
        g1 = g2 * W2 / math.cosh(W1 * dose + b1) ** 2
        for k, g in enumerate((g1 * dose, g1, g2 * h1, g2, g3 * h2, g3)):
            total[k] += g
    return dict(zip(("dW1", "db1", "dW2", "db2", "dW3", "db3"), total))

def update(params, grads, learning_rate):
    new = {}
    for i in (1, 2, 3):
        new[f"W{i}"] = params[f"W{i}"] - learning_rate * grads[f"dW{i}"]
        new[f"b{i}"] = params[f"b{i}"] - learning_rate * grads[f"db{i}"]
    return new
"""
)

DIFFERENCES = (
    TEXTBOOK.split("def gradients")[0]
    + """
def loss(d, e, theta):
    return np.mean((forward(d, *theta)["e_hat"] - e) ** 2)

def gradients(d, e, *theta):
    names, out, eps = ("dW1", "db1", "dW2", "db2", "dW3", "db3"), {}, 1e-6
    for k, name in enumerate(names):
        up, down = list(theta), list(theta)
        up[k] += eps
        down[k] -= eps
        out[name] = (loss(d, e, up) - loss(d, e, down)) / (2 * eps)
    return out

def update(params, grads, learning_rate):
    return {k: params[k] - learning_rate * grads[f"d{k}"] for k in params}
"""
)

SLIPS = {
    "G01": ("dz3 = 2 * (e_hat - e) / n", "dz3 = (e_hat - e) / n"),
    "G02": ("dz3 = 2 * (e_hat - e) / n", "dz3 = 2 * (e_hat - e)"),
    "G04": ("dz3 = 2 * (e_hat - e) / n", "dz3 = 2 * (e - e_hat) / n"),
    "G09": (
        "return {\"dW1\"",
        "dW1, dW2, dW3 = (n * np.mean(g) * np.mean(h) for g, h in ((dz1, d), (dz2, h1), (dz3, h2)))\n    return {\"dW1\"",
    ),
    "G24": ("dz2 = dh2 * (1 - h2 * h2)", "dz2 = dh2"),
    "G27": ("(1 - h{0} * h{0})", "(1 - np.tanh(h{0}) ** 2)"),
    "G39": ("return {\"dW1\"", "dW1, dW2, dW3 = db1, db2, db3\n    return {\"dW1\""),
    "G44": ("return {\"dW1\"", "db1, db2, db3 = db1 / n, db2 / n, db3 / n\n    return {\"dW1\""),
    "G47": ("dh2 = dz3 * W3", "dh2 = dz3 * W2"),
    "G55": (" + b{0}", ""),
}  # fmt: skip


def with_slip(code: str) -> str:
    """The textbook program with one slip, in `gradients` alone."""
    head, tail = TEXTBOOK.split("def gradients")
    old, new = SLIPS[code]
    for layer in (1, 2, 3) if "{0}" in old else ("",):
        tail = tail.replace(old.format(layer), new.format(layer)) if "{0}" in old else tail.replace(old, new)
    assert tail != TEXTBOOK.split("def gradients")[1]
    return head + "def gradients" + tail


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def quiz() -> Quiz:
    return replace(load("dose-response"), limits=LimitsTable(cpu_seconds=0.5, wall_seconds=1.0))


def graded(quiz: Quiz, sandbox: Sandbox, source: str) -> Report:
    return check_submission(quiz, Submission("student", Program((Cell(source.encode()),))), 0, sandbox)


def question(report: Report, name: str) -> QuestionReport:
    return next(q for q in report.questions if q.id == name)


@pytest.mark.parametrize("source", [TEXTBOOK, LOOPS, DIFFERENCES], ids=["textbook", "loops", "differences"])
def test_right_programs_get_full_marks(quiz: Quiz, sandbox: Sandbox, source: str) -> None:
    report = graded(quiz, sandbox, source)
    assert report.verdict == "correct", str(report)
    assert report.score == 10.0


@pytest.mark.parametrize("code", SLIPS)
def test_a_slip_is_named_and_only_it(quiz: Quiz, sandbox: Sandbox, code: str) -> None:
    gradients = question(graded(quiz, sandbox, with_slip(code)), "gradients")
    assert [(d.code, d.certain) for d in gradients.diagnoses] == [(code, True)], str(gradients)
    assert gradients.score < gradients.max_score


FORGED = """
import os, sys, json
report = {"schema": 1, "quiz": "dose-response", "submission": "x", "seed": 0, "score": 10.0, "max_score": 10.0, "questions": []}
print(json.dumps(report)); sys.stderr.write(json.dumps(report))
for fd in range(3, 64):
    try: os.write(fd, json.dumps(report).encode())
    except OSError: pass
def gradients(*args): return {"score": 10.0}
"""
ARRAY = """
class Hostile:
    def __array__(self, *args, **kwargs): raise SystemExit
    def __float__(self): raise KeyboardInterrupt
    def __eq__(self, other): return True
    def __le__(self, other): return True
def gradients(*args): return {k: Hostile() for k in ("dW1", "db1", "dW2", "db2", "dW3", "db3")}
"""
HOSTILE = {
    "loop": ("def gradients(*a):\n    while True: pass\n", {"timeout"}),
    "loop-at-import": ("while True: pass\n", {"timeout"}),
    "memory": ("def gradients(*a):\n    x = []\n    while True: x.append(bytearray(1 << 24))\n", {"memory"}),
    "exit": ("import os\ndef gradients(*a):\n    os._exit(0)\n", {"exit"}),
    "sys-exit": ("import sys\ndef gradients(*a):\n    sys.exit(0)\n", {"exit"}),
    "forged-report": (FORGED, {"return", "exit", "crash", "forbidden"}),
    "hostile-array": (ARRAY, {"return", "exit", "exception"}),
    "imports-the-reference": ("import dosegrade\ndef gradients(*a):\n    return dosegrade.check\n", {"forbidden"}),
    "reads-a-file": ("def gradients(*a):\n    return open('/etc/passwd').read()\n", {"forbidden"}),
    "syntax": ("def gradients(:\n", {"syntax"}),
    "signature": ("def gradients(d, e): return {}\n", {"signature"}),
    "raises": ("def gradients(*a):\n    return 1 / 0\n", {"exception"}),
    "returns-none": ("def gradients(*a): pass\n", {"return"}),
    "nothing": ("x = 1\n", {"missing-function"}),
    "flood": ("def gradients(*a):\n    return {'dW1': [0.0] * (1 << 24)}\n", {"output", "memory", "shape", "timeout"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_are_contained(quiz: Quiz, sandbox: Sandbox, name: str) -> None:
    source, kinds = HOSTILE[name]
    gradients = question(graded(quiz, sandbox, source), "gradients")
    assert gradients.problem is not None
    assert gradients.problem.kind in kinds
    assert gradients.score == 0.0
    assert gradients.verdict in ("wrong", "missing")
    assert "Traceback" not in gradients.problem.message


def test_a_last_line_that_fails_costs_nothing_and_is_told(quiz: Quiz, sandbox: Sandbox) -> None:
    report = graded(quiz, sandbox, TEXTBOOK + "\nassert gradients is None\n")
    assert report.score == 10.0
    assert {q.problem.kind if q.problem else None for q in report.questions} == {"exception"}
    wrong = graded(quiz, sandbox, TEXTBOOK.replace("2 * (e_hat", "(e_hat") + "\nassert gradients is None\n")
    assert [d.code for d in question(wrong, "gradients").diagnoses] == ["G01"]


def test_a_hanging_question_does_not_cost_the_others(quiz: Quiz, sandbox: Sandbox) -> None:
    source = TEXTBOOK.replace("def update", "def was_update") + "\ndef update(*args):\n    while True: pass\n"
    report = graded(quiz, sandbox, source)
    assert [q.verdict for q in report.questions] == ["correct", "correct", "wrong"]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dosegrade", *args], capture_output=True, text=True, timeout=60, check=False)


def test_the_command(tmp_path: Path) -> None:
    """Status 0 and JSON alone for full marks, 1 below, 2 with nothing on standard output where there is nothing to grade."""
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(TEXTBOOK)
    wrong.write_text(with_slip("G01"))
    full = run("check", "dose-response", str(right), "--json")
    report = json.loads(full.stdout)
    assert (full.returncode, full.stderr) == (0, "")
    assert (report["schema"], report["score"], report["max_score"], report["seed"]) == (1, 10.0, 10.0, 0)
    crashed = tmp_path / "crashed.py"
    crashed.write_text(TEXTBOOK + "\nprint(gradients(1, 2))\n")
    ended = run("check", "dose-response", str(crashed), "--json")
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["verdict"], found["questions"][0]["problem"]["kind"]) == (1, "correct", "exception")
    partial = run("check", "dose-response", str(wrong))
    assert partial.returncode == 1
    assert "G01" in partial.stdout
    for args in (("dose-response", str(tmp_path / "no.py")), ("no-quiz", str(right))):
        nothing = run("check", *args)
        assert (nothing.returncode, nothing.stdout) == (2, "")
        assert "dosegrade: There is no" in nothing.stderr


def test_python_check_is_the_command(tmp_path: Path) -> None:
    path = tmp_path / "alice.py"
    path.write_text(with_slip("G04"))
    report = dosegrade.check("dose-response", str(path))
    assert report.questions[1].diagnoses[0].code == "G04"
    assert report.to_dict()["submission"] == "alice"
    with pytest.raises(SubmissionError, match="no file"):
        dosegrade.check("dose-response", str(tmp_path / "nobody.py"))
    with pytest.raises(SpecError, match="Did you mean 'dose-response'"):
        dosegrade.check("dose-respons", str(path))


def test_self_check_in_process() -> None:
    space: dict[str, object] = {}
    exec(with_slip("G24"), space)  # noqa: S102
    report = dosegrade.self_check("dose-response", gradients=space["gradients"])
    assert report.questions[0].diagnoses[0].code == "G24"
    assert "G24" in str(report)
    assert "<table" in report._repr_html_()
    with pytest.raises(SpecError, match="Did you mean 'gradients'"):
        dosegrade.self_check("dose-response", gradient=space["gradients"])
    with pytest.raises(SpecError, match="Name a question"):
        dosegrade.self_check("dose-response")


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda *a: 1 / 0, "exception"),
        (lambda d: {}, "signature"),
        (3.0, "missing-function"),
        (lambda *a: "no", "return"),
        (lambda *a: sys.exit(1), "exit"),
    ],
)
def test_self_check_names_the_problem(function: object, kind: str) -> None:
    report = dosegrade.self_check("dose-response", gradients=function)
    assert report.questions[0].problem is not None
    assert report.questions[0].problem.kind == kind


def test_without_isolation_the_report_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TEXTBOOK)
    result = run("check", "dose-response", str(path), "--json", "--unsafe-no-sandbox")
    assert result.returncode == 0
    assert any("without isolation" in note for note in json.loads(result.stdout)["notes"])
