"""One program, several functions: what is loaded once, what each call gets, and what each mistake is called."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import PATIENT, SHORT, Runner, run_in

from dosegrade.errors import SandboxError
from dosegrade.grading.outcome import Outcome
from dosegrade.sandbox import Cell, Limits, Program, Task, linux, open_sandbox, selftest
from dosegrade.sandbox.linux import LinuxSandbox
from dosegrade.sandbox.modules import asks_for_more
from dosegrade.sandbox.unsafe import UnsafeSandbox
from dosegrade.sandbox.worker import Worker, WorkerLost

# Without isolation there is nothing to test: skipped elsewhere, failed in CI (see conftest).
pytestmark = pytest.mark.usefixtures("box")


def numbers(outcome: Outcome) -> list[Any]:
    return [answer.values["result"].array.tolist() for answer in outcome.answers if answer.values["result"].array is not None]


def kinds(outcomes: Sequence[Outcome]) -> list[str | None]:
    return [outcome.problem and outcome.problem.kind for outcome in outcomes]


def test_all_calls_of_all_tasks_run_in_one_process(run: Runner) -> None:
    counter = "n = 0\ndef f():\n  global n\n  n += 1\n  return n\ndef g(): return n"
    first, second = run(counter, "f", "g", calls=3)
    assert numbers(first) == [1, 2, 3]
    assert numbers(second) == [3, 3, 3]


def test_programs_do_not_see_each_other(run: Runner) -> None:
    run("import numpy as np, builtins\nbuiltins.leak = np.leak = 1\ndef f(): return 1.0")
    (after,) = run("import numpy as np, builtins\ndef f(): return float(hasattr(np, 'leak') or hasattr(builtins, 'leak'))")
    assert numbers(after) == [0.0]


@pytest.mark.parametrize(
    ("body", "kind"),
    [("while True: pass", "timeout"), ("import os; os._exit(1)", "exit"), ("import os; os.abort()", "crash"), ("1 / 0", "exception")],
)
def test_a_task_that_ends_its_process_does_not_cost_the_others(run: Runner, body: str, kind: str) -> None:
    outcomes = run(f"print('loading')\ndef a(): return 1.0\ndef b():\n  {body}\ndef c(): return 3.0", "a", "b", "c", limits=SHORT)
    assert kinds(outcomes) == [None, kind, None]
    assert numbers(outcomes[0]) + numbers(outcomes[2]) == [1.0, 3.0]
    assert [outcome.printed for outcome in outcomes] == ["loading\n", "", ""]


@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [("assert a() == 2", "exception", "AssertionError"), ("open('dose.csv')", "forbidden", "not permitted: 'dose.csv'")],
)
def test_what_a_file_defines_before_an_exception_ends_it_is_asked(run: Runner, last: str, kind: str, words: str) -> None:
    source = f"def a(): return 1.0\ndef b(): return late()\n{last}\ndef late(): return 2.0\ndef c(): return 3.0"
    a, b, c = run(source, "a", "b", "c", calls=2)
    assert numbers(a) == [1.0, 1.0]
    assert a.problem is not None
    assert b.problem is not None
    assert c.problem is not None
    assert (a.problem.kind, b.problem.kind, c.problem.kind) == (kind, "exception", kind)
    assert a.problem.line == c.problem.line == 3
    assert words in a.problem.message
    assert "a is defined before and counts" in a.problem.message
    assert "name 'late' is not defined (the file had ended at line 3 already" in b.problem.message
    assert (b.answers, c.answers) == ((), ())
    assert "counts" not in c.problem.message


@pytest.mark.parametrize("last", ["import sys; sys.exit(0)", "quit()", "exit()"])
def test_a_file_that_ends_itself_has_ended(run: Runner, last: str) -> None:
    (outcome,) = run(f"def f(): return 1.0\n{last}")
    assert kinds([outcome]) == ["exit"]
    assert outcome.answers == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_wide_encoding_is_named(run: Runner, encoding: str) -> None:
    (outcome,) = run("def f(): return 1.0".encode(encoding))
    assert outcome.problem is not None
    assert outcome.problem.kind == "syntax"
    assert f"saved as {encoding.upper()}" in outcome.problem.message


def test_a_file_that_hangs_while_loading_costs_its_limit_once(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = []
    monkeypatch.setattr(linux.Session, "_conclude", lambda self, old=linux.Session._conclude: (sessions.append(self), old(self))[1])
    assert kinds(run("while True: pass", "a", "b", "c", limits=SHORT)) == ["timeout"] * 3
    assert len(sessions) == 1


def test_each_call_gets_fresh_copies_and_changing_them_is_noticed(run: Runner) -> None:
    source = "def f(x, d):\n  x += 1\n  return x\ndef g(x, d):\n  d['k'].append(1)\n  return x\ndef h(x, d): return x + 1"
    outcomes = run(source, "f", "g", "h", arguments=(np.zeros(2), {"k": [1.0]}), calls=2)
    assert numbers(outcomes[0]) == [[1.0, 1.0], [1.0, 1.0]]
    assert [[answer.mutated for answer in outcome.answers] for outcome in outcomes] == [[True, True], [True, True], [False, False]]


def test_arguments_arrive_as_they_were_sent(run: Runner) -> None:
    source = (
        "def f(a, b, c, d, e):\n  assert type(a) is int and type(b) is float and c.dtype == bool and type(d) is list\n"
        "  (x, r), = d\n  return {'a': a, 'x': x, 'e': e['k'], 'zero': c[()]*1.0}"
    )
    (outcome,) = run(source, arguments=(3, 2.0, np.array(True), [(np.eye(2), np.ones(1))], {"k": 1.5}))
    assert outcome.problem is None
    values = outcome.answers[0].values
    assert {name: value.array.shape for name, value in values.items() if value.array is not None} == {
        "a": (),
        "x": (2, 2),
        "e": (),
        "zero": (),
    }


def test_siblings_are_imported_from_memory_and_installed_modules_win(run: Runner) -> None:
    siblings = {
        "helpers.py": b"from pack.inner import k\nimport math",
        "pack/__init__.py": b"",
        "pack/inner.py": b"k = 4.0",
        "math.py": b"1 / 0",
    }
    (outcome,) = run("import helpers\ndef f(): return helpers.k * helpers.math.cos(0)", siblings=siblings)
    assert numbers(outcome) == [4.0]
    (folder,) = run("from tools.deep import k\ndef f(): return k", siblings={"tools/deep.py": b"k = 5.0"})
    assert numbers(folder) == [5.0]


WANTS = [
    ("import random\ndef f(): print('once'); return random.random()", True),
    ("import numpy as np\ndef f(): print('once'); return np.random.rand()", True),
    ("import os, random\nprint('once')\ndef f(): return random.random()", False),
    ("import numpy\nprint('once')\ndef f(): return getattr(numpy, 'ran' + 'dom').rand()", False),
    ("from numpy import *\nprint('once')\ndef f(): return sin(random.rand())", False),
    ("print('once')\ndef f():\n try:\n  return __import__('statistics').mean([1, 3])\n except BaseException: return 0.0", False),
]


@pytest.mark.parametrize(("source", "told"), WANTS)
def test_a_program_that_asks_for_more_than_the_usual_modules_runs_where_all_are(run: Runner, source: str, told: bool) -> None:
    assert asks_for_more(Program((Cell(source.encode()),))) == told
    first, second = run(f"{source}\ndef g(): return 2.0", "g", "f")
    with LinuxSandbox(usual=False) as everything:
        there = run_in(everything, f"{source}\ndef g(): return 2.0", "g", "f")
    assert [each.digest for each in there] == [first.digest, second.digest]
    assert kinds([first, second]) == [None, None]
    assert (first.printed + second.printed).strip() == "once"
    assert numbers(second) != [0.0]


def test_the_librarys_modules_win_wherever_a_program_runs(run: Runner) -> None:
    siblings = {"statistics.py": b"mean = max", "turtle.py": b"k = 7.0"}
    (outcome,) = run("x = 1\nimport math, statistics\ndef f(): return statistics.mean([1.0, 3.0])", siblings=siblings)
    assert numbers(outcome) == [2.0]
    assert numbers(run("import turtle\ndef f(): return turtle.k", siblings=siblings)[0]) == [7.0]
    assert numbers(run("import math, statistics\ndef f(): return statistics.mean([1.0, 3.0])", name="statistics.py")[0]) == [2.0]


def test_the_program_is_a_real_module(run: Runner) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport sys\n@dataclass\nclass P:\n  x: float = 2.0\n"
        "def f(): return P().x * (sys.modules[__name__].P is P) * (__name__ == 'solution')"
    )
    assert numbers(run(source)[0]) == [2.0]


def test_random_numbers_are_the_same_for_every_program(run: Runner) -> None:
    source = "import numpy as np, random\ndef f(): return [np.random.rand(), random.random()]"
    first = numbers(run(source)[0])
    assert first == numbers(run(source)[0])
    with LinuxSandbox() as another:
        assert first == numbers(run_in(another, source)[0]) == numbers(run_in(UnsafeSandbox(), source)[0])


def test_what_is_printed_is_kept_up_to_the_cap(run: Runner) -> None:
    (outcome,) = run(
        "import sys\ndef f():\n  print('hello'); print('\\x1b[31mred\\x1b[0m', file=sys.stderr)\n  while True: pass", limits=SHORT
    )
    assert outcome.printed == "hello\nred\n"
    (outcome,) = run("def f():\n  print('é' * 1000); return 1.0")
    assert outcome.printed.startswith("é" * 100)
    assert outcome.printed.endswith("200 bytes of print are kept]")
    (exact,) = run("def f(): print('x' * 199); return 1.0")
    assert exact.printed == "x" * 199 + "\n"


MISTAKES = [
    ("def f(:", "syntax", "SyntaxError", 1),
    ("def f():\n\n  return 1 / 0", "exception", "ZeroDivisionError: division by zero", 3),
    ("import numpy as np\ndef g(x):\n  return np.linalg.inv(x)\ndef f(): return g(np.zeros((2, 2)))", "exception", "Singular matrix", 3),
    ("def f(a, b): return 1", "signature", "f is called with 0 positional arguments; found f(a, b)", None),
    ("def f(*, a): return 1", "signature", "f(*, a)", None),
    ("f = 3", "missing-function", "'f' is of type int, expected a function", None),
    ("def F(): return 1", "missing-function", "there is no function named 'f'; found F", None),
    ("", "missing-function", "no other function", None),
    ("import torch\ndef f(): return 1", "forbidden", "module 'torch' is not available in the checker", 1),
    ("import dosegrade\ndef f(): return 1", "forbidden", "module 'dosegrade' is not available in the checker", 1),
    ("def f():\n  import dosegrade.grading.exercises", "forbidden", "dosegrade", 2),
    ("def f():\n  return open('/etc/passwd')", "forbidden", "in `return open('/etc/passwd')`", 2),
    ("def f(): input()", "exception", "do not call input()", 1),
    ("raise SystemExit(3)", "exit", "SystemExit: 3", 1),
    ("def f(): raise ValueError('\\x1b[1ma\\x00b')", "exception", "ValueError: ab", 1),
    ("def f(): raise KeyError('x' * 9999)", "exception", "KeyError: 'xxx", 1),
]


@pytest.mark.parametrize(("source", "kind", "message", "line"), MISTAKES)
def test_a_mistake_is_called_by_its_name(run: Runner, source: str, kind: str, message: str, line: int | None) -> None:
    (outcome,) = run(source)
    assert outcome.problem is not None
    assert (outcome.problem.kind, outcome.problem.line) == (kind, line)
    assert message in outcome.problem.message


def test_a_notebooks_failing_cells_are_notes_and_later_definitions_win(box: LinuxSandbox) -> None:
    cells = [b"def f(): return 1.0", b"def g(:", b"1 / 0", b"def f(): return 2.0", b"import torch", b"raise SystemExit", b"h = 1\0"]
    program = Program(tuple(Cell(source, f"cell {n}") for n, source in enumerate(cells, 1)), "nb.ipynb", tolerant=True)
    found, missing = box.run(program, [Task("f", ((),), PATIENT), Task("g", ((),), PATIENT)])
    assert numbers(found) == [2.0]
    assert [note.split(":")[0] for note in found.notes] == ["cell 2", "cell 3", "cell 5", "cell 6", "cell 7"]
    assert missing.problem is not None
    assert missing.problem.kind == "missing-function"
    assert "cell 2: SyntaxError" in missing.problem.message


def test_a_statement_that_fails_does_not_hide_the_next_in_its_cell(box: LinuxSandbox) -> None:
    first = b"from __future__ import annotations\nimport pandas as pd\nimport numpy as np"
    cells = (Cell(first, "cell 1"), Cell(b"def f() -> Missing: return np.pi", "cell 2"))
    (outcome,) = box.run(Program(cells, tolerant=True), [Task("f", ((),), PATIENT)])
    assert numbers(outcome) == [np.pi]
    assert outcome.notes == ("cell 1: module 'pandas' is not available in the checker (line 2)",)


PLOTS = """
import matplotlib.pyplot as plt
import numpy as np
import seaborn
from mpl_toolkits.mplot3d import Axes3D
def f():
    return np.pi
seaborn.set_theme()
figure, (left, right) = plt.subplots(1, 2)
with plt.style.context("ggplot"):
    left.plot([1, 2], label=f"{f()}")
plt.rcParams["font.size"] = 9
right.flat[0].set_title("x").get_bbox()
plt.savefig("x.png")
plt.show()
"""


def test_a_plot_under_an_answer_is_not_drawn_and_does_no_harm(run: Runner) -> None:
    (outcome,) = run(PLOTS, "f")
    assert outcome.problem is None
    assert numbers(outcome) == [np.pi]
    (outcome,) = run("import matplotlib.pyplot as plt\ndef f(): return plt.plot()", "f")
    assert outcome.answers[0].values["result"].array is None


def test_a_notebook_saved_as_a_program_runs(run: Runner) -> None:
    source = "get_ipython().run_line_magic('matplotlib', 'inline')\ndisplay(3)\ndef f(): return 1.0"
    (outcome,) = run(source, "f")
    assert outcome.problem is None
    assert outcome.printed.strip() == "3"


def test_a_line_in_a_labelled_cell_is_counted_there(box: LinuxSandbox) -> None:
    program = Program((Cell(b"x = 1", "cell 1"), Cell(b"\ndef f(): return x / 0", "cell 2")), tolerant=True)
    (outcome,) = box.run(program, [Task("f", ((),), PATIENT)])
    assert outcome.problem is not None
    assert (outcome.problem.line, outcome.problem.message) == (2, "cell 2: ZeroDivisionError: division by zero")


def test_answers_before_a_problem_are_kept(run: Runner) -> None:
    (outcome,) = run("n = 0\ndef f():\n  global n\n  n += 1\n  return 1 / (3 - n)", calls=5)
    assert numbers(outcome) == [0.5, 1.0]
    assert kinds([outcome]) == ["exception"]


def test_the_honest_numerical_battery(run: Runner) -> None:
    source = """
import numpy as np, json, io, re, math, itertools, functools, collections, statistics, fractions, decimal, datetime, copy, time, warnings
import typing, dataclasses, enum, string, random, abc, logging, pprint, textwrap, unittest, traceback, inspect
def f():
    rng = np.random.default_rng(); a = rng.normal(size=(60, 60)); b = io.BytesIO(); np.save(b, a)
    np.testing.assert_allclose(np.linalg.inv(a) @ a, np.eye(60), atol=1e-6)
    parts = [np.linalg.svd(a)[1].sum(), np.linalg.eigvals(a).real.sum(), np.linalg.det(a), np.fft.fft(a).real.sum(), np.unique(a).size]
    parts += [np.einsum('ij,ij->', a, a), np.polyfit(range(9), range(9), 1)[0], np.ma.masked_array(a, a > 0).sum()]
    parts += [np.char.upper(['a']).size]
    parts += [float(np.vectorize(math.sin)(a).sum()), np.polynomial.Polynomial([1, 2])(3), np.interp(1, [0, 2], [0, 1]), np.sort(a).sum()]
    print(a[:2, :2], f'{a[0, 0]:.3f}', datetime.datetime.now().year, time.time() > 0, json.dumps([1.0]))
    warnings.warn('careful'); random.seed(); (np.ones((600, 600)) @ np.ones((600, 600))).sum(); time.sleep(0.001)
    np.array([1.0]) / 0
    try: raise ValueError
    except ValueError: traceback.format_exc()
    return [float(p) for p in parts]
"""
    (outcome,) = run(source, limits=Limits(cpu_seconds=20, wall_seconds=60))
    assert outcome.problem is None
    assert "careful" in outcome.printed
    assert "divide by zero" in outcome.printed


def test_a_dead_worker_is_replaced(box: LinuxSandbox, run: Runner) -> None:
    for _ in range(2):
        assert box._worker is not None
        os.kill(box._worker.pid, signal.SIGKILL)
        assert numbers(run("def f(): return 1.0")[0]) == [1.0]


def test_a_spare_that_dies_before_its_program_costs_nothing(box: LinuxSandbox, run: Runner) -> None:
    run("f = lambda: 1.0")
    assert box._worker is not None
    box._worker.prepare()
    spare = box._worker._spare
    assert spare is not None
    box._worker.prepare()
    assert box._worker._spare is spare  # never more than one
    box._worker.kill(spare)
    while spare.status is None:
        box._worker.listen()
    assert numbers(run("f = lambda: 2.0")[0]) == [2.0]


def test_a_worker_that_is_lost_twice_is_our_failure(box: LinuxSandbox, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(self: linux.Session) -> None:
        raise WorkerLost("gone")

    with monkeypatch.context() as patch:
        patch.setattr(linux.Session, "run", lose)
        outcomes = run("def f(): return 1.0", "f", "f")
    assert kinds(outcomes) == ["sandbox", "sandbox"]
    assert numbers(run("def f(): return 1.0")[0]) == [1.0]


def test_workers_are_recycled_and_closed_sandboxes_run_nothing() -> None:
    pids = set()
    with LinuxSandbox(recycle_runs=2, without=("namespaces",)) as box:
        for _ in range(4):
            assert kinds(run_in(box, "def f(): return 1.0")) == [None]
            assert box._worker is not None
            pids.add(box._worker.pid)
        box.floor()
    assert len(pids) == 2
    with pytest.raises(SandboxError, match="closed"):
        run_in(box, "")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_nothing_is_graded_where_one_probe_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "PROBES", (*selftest.PROBES, selftest.Probe("a new hole", (39, 172), ())))
    with LinuxSandbox() as box:
        with pytest.raises(SandboxError, match="a new hole"):
            run_in(box, "def f(): return 1.0")
        assert [layer.name for layer in selftest.holes(box.report())] == ["system calls"]


def test_a_positive_control_that_fails_proves_nothing() -> None:
    refused = {item.name: item.refusal for item in selftest.PROBES}
    layers = selftest.judge({"layers": {}, "open": refused, "locked": refused, "benign": True})
    assert [layer.name for layer in selftest.holes(layers)] == ["positive control"]
    dead = selftest.judge({"layers": {}, "open": {}, "locked": {}, "benign": False})
    assert {layer.name for layer in selftest.holes(dead)} == {"system calls", "positive control", "honest code"}


def test_every_machine_is_refused_without_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxError, match="found no isolation for darwin"):
        open_sandbox()


def test_open_sandbox_runs(box: LinuxSandbox) -> None:
    with open_sandbox() as mine:
        assert kinds(run_in(mine, "def f(): return 1.0")) == [None]
        assert all(layer.holds for layer in mine.report() if layer.mandatory)


def test_the_unsafe_sandbox_says_the_same(run: Runner) -> None:
    source = "print('x')\ndef f(a): return {'y': a * 2}\ndef g(a):\n  while True: pass\ndef h(a): raise ValueError('no')\ndef k(a): exit(1)"
    names = ("f", "g", "h", "nothing", "k")
    asked: dict[str, Any] = {"arguments": (np.ones(3),), "limits": SHORT}
    assert repr(run_in(UnsafeSandbox(), source, *names, **asked)) == repr(run(source, *names, **asked))


def test_a_worker_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_ANSWER", "0.123456789")
    worker = Worker()
    try:
        worker.hello()
        with open(f"/proc/{worker.pid}/environ", "rb") as file:
            assert b"SECRET" not in file.read()
    finally:
        worker.close()


def test_programs_give_way_where_they_are_told_to() -> None:
    with open_sandbox(niceness=7) as polite, open_sandbox() as usual:
        for sandbox, niceness in ((polite, 7), (usual, os.getpriority(os.PRIO_PROCESS, 0))):
            (outcome,) = run_in(sandbox, "def f(): return 1.0", "f")
            assert numbers(outcome) == [1.0]
            worker = sandbox._worker
            assert worker is not None
            assert set(priorities(worker.pid)) == {niceness}


def priorities(pid: int) -> list[int]:
    """Of a process and all below it, but those that end meanwhile."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [os.getpriority(os.PRIO_PROCESS, pid), *(priority for child in below for priority in priorities(int(child)))]
    return []
