"""A class as the grading benchmark hands it in: a third right, a third with one mistake, the rest with two, crashing or looping."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figure, figure, milliseconds, missing

SOLUTION = Path(__file__).with_name("solution.py").read_text()
SLIPS = (
    ("dz3 = 2 * (v", "dz3 = (v"),
    ("dz3 * W3", "dz3 * W2"),
    ('(1 - v["h1"] ** 2)', '(1 - v["h1"])'),
    ('"dW2": dz2 @ v["h1"]', '"dW2": dz2.sum()'),
    ("- e) / len(d)", "- e)"),
    ('dz2 * W2 * (1 - v["h1"] ** 2)', "dz2 * W2"),
)
CRASH = SOLUTION.replace("    dz2 =", "    1 / 0\n    dz2 =")
LOOP = SOLUTION.replace("    dz2 =", "    while True: pass\n    dz2 =")
QUIZ = Path(__file__).parent.parent / "quizzes" / "dose-response.toml"
LIMITS = "[limits]\ncpu_seconds = 0.2\nwall_seconds = 1.0\n\n"


def slipped(*slips: int) -> str:
    """The solution with some slips."""
    source = SOLUTION
    for k in slips:
        source = source.replace(*SLIPS[k % len(SLIPS)])
    return source


def program(k: int, loops: bool = True) -> str:
    """The k-th student's program; every one differs by a comment, as files of a class do."""
    kinds = (SOLUTION, slipped(k // 3), (slipped(k // 3, k // 3 + 1), CRASH, LOOP if loops and k % 30 == 2 else slipped(0, 3))[k // 3 % 3])
    return f"# student {k}\n{kinds[k % 3]}"


@dataclass(frozen=True)
class Outcome:
    """One run of `dosegrade grade`: seconds, and the peak resident memory of its largest process in MiB."""

    seconds: float
    peak: float


def graded(count: int, jobs: int, loops: bool) -> Outcome:
    """Grades a class of `count` in processes of their own, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "class").mkdir()
        (place / "quiz.toml").write_text(QUIZ.read_text().replace("[[questions]]", f"{LIMITS}[[questions]]", 1))
        for k in range(count):
            (place / "class" / f"s{k:04}.py").write_text(program(k, loops))
        command = [sys.executable, "-m", "dosegrade", "grade", str(place / "quiz.toml"), str(place / "class")]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--out", str(place / "out"), "--jobs", str(jobs)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        rows = (place / "out" / "grades.csv").read_text().count("\n") - 1
        if status != 0 or rows != count:
            raise RuntimeError(f"grade ended with {status} and {rows} rows of {count}")
        return Outcome(seconds, usage.ru_maxrss / 1024)


def steady(few: Outcome, many: Outcome, between: int) -> float:
    """Submissions a second without the start, from two sizes of class."""
    return between / max(many.seconds - few.seconds, 1e-9)


def whole(quick: bool) -> list[Figure]:
    """Rates a core with one and two jobs, and peak memory at two sizes."""
    small, large = (40, 240) if quick else (200, 2000)
    cores = os.cpu_count() or 1
    one = [graded(small, 1, False), graded(large, 1, False)]
    both = [graded(small, cores, False), graded(large, cores, False)]
    looped = graded(large, cores, True)
    return [
        figure(
            "grading.class.rate.one_job", [steady(*one, large - small)], "submissions/s/core", "that terminate, one job", 250.0, "at least"
        ),
        figure(
            "grading.class.rate.per_core",
            [steady(*both, large - small) / cores],
            "submissions/s/core",
            f"that terminate, {cores} jobs",
            250.0,
            "at least",
        ),
        figure("grading.class.with_loops.s", [looped.seconds], "s", f"{large} submissions, loops stopped after 0.2 s of CPU"),
        figure(f"grading.class.peak.{small}", [both[0].peak], "MiB", "largest process"),
        figure(f"grading.class.peak.{large}", [looped.peak], "MiB", "largest process"),
    ]


PYTEST = """
import numpy as np, solution
def test_gradients():
    rng = np.random.default_rng(0)
    d, e, theta = rng.normal(size=5), rng.normal(size=5), rng.normal(size=6)
    got = solution.gradients(d, e, *theta)
    for k, name in enumerate(("dW1", "db1", "dW2", "db2", "dW3", "db3")):
        up, down = theta.copy(), theta.copy()
        up[k] += 1e-6; down[k] -= 1e-6
        loss = lambda t: np.mean((solution.forward(d, *t)["e_hat"] - e) ** 2)
        assert np.isclose(got[name], (loss(up) - loss(down)) / 2e-6, rtol=1e-4)
"""


def peers() -> list[Figure]:
    """Ten of the same submissions by pytest, a process each and no isolation; other graders are said to be missing where they are."""
    times = []
    for k in range(10):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "solution.py").write_text(program(3 * k))
            (Path(folder) / "test_it.py").write_text(PYTEST)
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
            times.append(milliseconds(lambda c=command, f=folder: subprocess.run(c, cwd=f, stdout=subprocess.DEVNULL, check=False)))
    others = [missing(f"grading.peer.{name}.ms", name) for name in ("gradescope-utils", "otter-grader")]
    return [figure("grading.peer.pytest.ms", times, "ms", "one question, one submission a process, no isolation, no diagnosis"), *others]
