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


def program(k: int, loops: bool = True, alike: bool = True) -> str:
    """The k-th student's program; every one differs by a comment, as files of a class do, and if not `alike` by roundoff in every value."""
    kinds = (SOLUTION, slipped(k // 3), (slipped(k // 3, k // 3 + 1), CRASH, LOOP if loops and k % 30 == 2 else slipped(0, 3))[k // 3 % 3])
    source = kinds[k % 3] if alike else kinds[k % 3].replace("z1 = W1 * d + b1", f"z1 = (W1 * d + b1) * (1 + {k} * 2.0**-52)")
    return f"# student {k}\n{source}"


@dataclass(frozen=True)
class Outcome:
    """One run of `dosegrade grade`: seconds, and the peak resident memory of its largest process in MiB."""

    seconds: float
    peak: float


def graded(count: int, jobs: int, loops: bool = False, alike: bool = True) -> Outcome:
    """Grades a class of `count` in processes of their own, start-up included; one job and its sandbox on one core."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "class").mkdir()
        (place / "quiz.toml").write_text(QUIZ.read_text().replace("[[questions]]", f"{LIMITS}[[questions]]", 1))
        for k in range(count):
            (place / "class" / f"s{k:04}.py").write_text(program(k, loops, alike))
        command = [sys.executable, "-m", "dosegrade", "grade", str(place / "quiz.toml"), str(place / "class")]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--out", str(place / "out"), "--jobs", str(jobs)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=one_core if jobs == 1 else None,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        rows = (place / "out" / "grades.csv").read_text().count("\n") - 1
        if status != 0 or rows != count:
            raise RuntimeError(f"grade ended with {status} and {rows} rows of {count}")
        return Outcome(seconds, usage.ru_maxrss / 1024)


def one_core() -> None:
    """Keeps this process, and all that it starts, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def steady(few: Outcome, many: Outcome, between: int) -> float:
    """Submissions a second without the start, from two sizes of class."""
    return between / max(many.seconds - few.seconds, 1e-9)


def whole(quick: bool) -> list[Figure]:
    """Rates a core with one and two jobs, and peak memory at two sizes."""
    small, large = (40, 240) if quick else (200, 2000)
    cores = os.cpu_count() or 1
    one = [graded(small, 1), graded(large, 1)]
    unlike = [graded(small, 1, alike=False), graded(large, 1, alike=False)]
    both = [graded(small, cores), graded(large, cores)]
    looped = graded(large, cores, loops=True)
    between = large - small
    rates = {
        "one_core": (steady(*one, between), "that terminate, one job with its sandbox on one core"),
        "one_core.unlike": (steady(*unlike, between), "the same, no two answers alike to the last digit"),
        "per_core": (steady(*both, between) / cores, f"that terminate, {cores} jobs"),
    }
    return [
        *(figure(f"grading.class.rate.{k}", [rate], "submissions/s/core", text, 250.0, "at least") for k, (rate, text) in rates.items()),
        figure("grading.class.with_loops.s", [looped.seconds], "s", f"{large} submissions, loops stopped after 0.2 s of CPU"),
        figure(f"grading.class.peak.{small}", [both[0].peak], "MiB", "largest process"),
        figure(f"grading.class.peak.{large}", [looped.peak], "MiB", "largest process"),
    ]


# Peers -------------------------------------------------------------------------------------------------------------------

# The interpreter that has them (extra `peers`), where it is another than this one.
PEERS = os.environ.get("PEERS_PYTHON", sys.executable)
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


GRADESCOPE = """
import unittest
from gradescope_utils.autograder_utils.decorators import weight
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner
from test_it import test_gradients
class Tests(unittest.TestCase):
    @weight(6)
    def test_gradients(self):
        test_gradients()
with open("results.json", "w") as file:
    JSONTestRunner(stream=file).run(unittest.defaultTestLoader.loadTestsFromTestCase(Tests))
"""
OTTER = '''
OK_FORMAT = True
test = {"name": "gradients", "points": 6, "suites": [{"cases": [{"code": r"""
>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> d, e, theta = rng.normal(size=5), rng.normal(size=5), rng.normal(size=6)
>>> got = gradients(d, e, *theta)
>>> loss = lambda t: np.mean((forward(d, *t)["e_hat"] - e) ** 2)
>>> slope = lambda s: (loss(theta + s) - loss(theta - s)) / 2e-6
>>> names = ("dW1", "db1", "dW2", "db2", "dW3", "db3")
>>> all(np.isclose(got[n], slope(s), rtol=1e-4) for n, s in zip(names, 1e-6 * np.eye(6)))
True
"""}], "scored": True, "setup": "", "teardown": "", "type": "doctest"}]}
'''


def peers() -> list[Figure]:
    """Ten of the same submissions by other graders, a process each and no isolation; what is not installed is said to be missing."""
    prepare = (PEERS, "-m", "otter", "generate", "-t", "tests", "-o", "grader.zip", "-l", "python")
    graders: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
        "pytest": ("pytest", (), (PEERS, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")),
        "gradescope-utils": ("gradescope_utils", (), (PEERS, "run_tests.py")),
        "otter-grader": ("otter", prepare, (PEERS, "-m", "otter", "run", "solution.py", "-a", "grader.zip", "-o", "out")),
    }
    return [peer(name, *grader) for name, grader in graders.items()]


def peer(name: str, module: str, prepare: tuple[str, ...], command: tuple[str, ...]) -> Figure:
    """Wall time of one submission by another grader."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "tests").mkdir()
        (place / "out").mkdir()
        for file, text in {"test_it.py": PYTEST, "run_tests.py": GRADESCOPE, "tests/gradients.py": OTTER}.items():
            (place / file).write_text(text)

        def run(words: tuple[str, ...]) -> int:
            path = f"{Path(PEERS).parent}:{os.environ.get('PATH', '')}"
            env = os.environ | {"PATH": path, "PYTHONPATH": ""}
            return subprocess.run(words, cwd=place, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

        if run((PEERS, "-c", f"import {module}")) != 0 or (prepare and run(prepare) != 0):
            return missing(f"grading.peer.{name}.ms", name)
        times: list[float] = []
        codes: list[int] = []
        for k in range(10):
            (place / "solution.py").write_text(program(k, loops=False))
            times.append(milliseconds(lambda: codes.append(run(command))))
        if codes[0] != 0:
            raise RuntimeError(f"{name} ended with {codes[0]} on the correct program")
        return figure(f"grading.peer.{name}.ms", times, "ms", "one question, one submission a process, no isolation, no diagnosis")
