"""Grading beside its floors: a sandboxed submission over a bare fork and a fresh `import numpy`; `check` cold; diagnosis; a class.

python -m benchmarks.grading [--quick] [--json FILE]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classroom import peers, whole
from benchmarks.classroom import program as classmate
from benchmarks.report import Figure, arguments, figure, milliseconds, write
from dosegrade.checking import check_submission
from dosegrade.grading.cases import Bank
from dosegrade.grading.diagnose import diagnose
from dosegrade.quiz.question import Quiz, load
from dosegrade.sandbox import Cell, Program, Task, open_sandbox
from dosegrade.submissions import Submission

SOLUTION = Path(__file__).with_name("solution.py").read_bytes()


def paired(a: Callable[[], Any], b: Callable[[], Any], repeats: int, burst: int = 20) -> tuple[list[float], list[float]]:
    """Medians of bursts of two calls, in turn, so that a drift of the machine meets both."""
    first, second = [], []
    for _ in range(repeats):
        first.append(statistics.median(milliseconds(a) for _ in range(burst)))
        second.append(statistics.median(milliseconds(b) for _ in range(burst)))
    return first, second


def warm(quiz: Quiz, repeats: int) -> list[Figure]:
    """One submission of all questions in a warm worker, over the bare fork and the fresh interpreter."""
    banks = [code.bank(0) for code in quiz.questions]
    tasks = [Task(code.function, tuple(c.arguments for c in bank.calls)) for code, bank in zip(quiz.questions, banks, strict=True)]
    program = Program((Cell(SOLUTION),))
    with open_sandbox() as sandbox:
        sandbox.run(program, tasks)
        runs, floors = paired(lambda: sandbox.run(program, tasks), sandbox.floor, repeats)
        whole = [
            statistics.median(
                milliseconds(lambda k=k: check_submission(quiz, unlike(k), 0, sandbox, banks)) for k in range(start, start + 10)
            )
            for start in range(0, 10 * repeats, 10)
        ]
    fresh = [milliseconds(lambda: subprocess.run([sys.executable, "-I", "-c", "import numpy"], check=True)) for _ in range(max(3, repeats))]
    calls = sum(len(task.calls) for task in tasks)
    return [
        figure("grading.warm.ms", runs, "ms", f"3 functions, {calls} calls in one fork", 4.0),
        figure(
            "grading.warm.over_fork", [r / f for r, f in zip(runs, floors, strict=True)], "x", "bare fork and wait of the same process", 4.0
        ),
        figure("grading.fork.ms", floors, "ms", "the floor"),
        figure("grading.warm.over_import", [r / statistics.median(fresh) for r in runs], "x", 'fresh python -I -c "import numpy"', 1.0),
        figure("grading.import.ms", fresh, "ms", "the floor"),
        figure("grading.checked.ms", whole, "ms", "run and compared, banks drawn before, no two alike"),
    ]


def unlike(k: int) -> Submission:
    """A correct submission whose values are no other's to the last digit, so that it is compared and not known."""
    return Submission("s", Program((Cell(classmate(3 * k, alike=False).encode()),)))


def cold(repeats: int) -> list[Figure]:
    """`dosegrade check` of one file, as a whole process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alice.py"
        path.write_bytes(SOLUTION)
        command = [sys.executable, "-m", "dosegrade", "check", "dose-response", str(path), "--json"]
        times = [milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)) for _ in range(repeats)]
    return [figure("grading.check.cold.ms", times, "ms", "whole process, one file", 350.0)]


def diagnosis(quiz: Quiz, repeats: int) -> list[Figure]:
    """Naming a single mistake and a pair, the bank and its pairs evaluated before."""
    bank = quiz.questions[1].bank(0)
    start = time.perf_counter()
    pairs, _ = bank.pairs
    built = (time.perf_counter() - start) * 1e3
    rng = np.random.default_rng(0)
    rows = {
        "single": [mutant.flat for mutant in bank.mutants],
        "pair": [
            row for k in rng.choice(len(pairs), 60, replace=False) if (row := bank.answers(pairs[k].variant, together=True)) is not None
        ],
        "nameless": [bank.reference * rng.uniform(0.5, 1.5, bank.reference.size) for _ in range(60)],
    }
    made = [figure("grading.pairs.ms", [built], "ms", f"{len(pairs)} pairs evaluated once a bank")]
    for name, answers in rows.items():
        times = [statistics.median(milliseconds(lambda flat=flat: named(bank, flat)) for flat in answers) for _ in range(repeats)]
        made.append(figure(f"grading.diagnosis.{name}.ms", times, "ms", "a wrong submission, diagnosis alone", 3.0))
    return made


def named(bank: Bank, flat: Any) -> Any:
    """The diagnosis of one flat answer."""
    blocks = len(bank.starts)
    return diagnose(bank, flat, np.ones(blocks, bool), np.full(blocks, 1e-6), np.full(blocks, 2.0**-53))


def main() -> None:
    """Runs everything and writes the figures."""
    options = arguments(__doc__ or "")
    repeats = 5 if options.quick else 15
    quiz = replace(load("dose-response"))
    figures = [*warm(quiz, repeats), *cold(repeats), *diagnosis(quiz, repeats), *whole(options.quick), *peers()]
    write(figures, ("numpy", "dosegrade"), options.json)


if __name__ == "__main__":
    main()
