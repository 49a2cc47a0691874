"""Class grading: who is who, what is kept, what happens when workers die, and that a run killed at any moment is taken up again."""

import csv
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest
from absent import needed
from click.testing import CliRunner, Result

import dosegrade
from dosegrade import batch
from dosegrade.batch import crew
from dosegrade.batch.roster import Entry, roster
from dosegrade.cli import main
from dosegrade.errors import DosegradeError, SandboxError, SpecError, SubmissionError

ROOT = Path(__file__).parent.parent
CLASS = Path(__file__).parent / "submissions" / "class"
QUIZ = """title = "One update"
[limits]
cpu_seconds = 0.3
wall_seconds = 1.0
[[questions]]
id = "update"
kind = "code"
function = "update"
points = { W1 = 0.15, b1 = 0.15, W2 = 0.15, b2 = 0.15, W3 = 0.2, b3 = 0.2 }
[questions.exercise]
family = "descent"
network = { inputs = 1, units = [1, 1, 1], activation = "tanh", loss = "squared" }
scalars = true
"""
RIGHT = "def update(params, grads, learning_rate):\n    return {k: v - learning_rate * grads['d' + k] for k, v in params.items()}\n"
WRONG = RIGHT.replace("v -", "v +")


@pytest.fixture
def quiz(tmp_path: Path) -> Path:
    """A quiz that is graded quickly."""
    place = tmp_path / "one.toml"
    place.write_text(QUIZ)
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for submissions."""
    place = tmp_path / "submissions"
    place.mkdir()
    return place


def filled(folder: Path, count: int) -> Path:
    """A class of right and wrong programs, each with its own text."""
    for i in range(count):
        (folder / f"s{i:02}.py").write_text(f"# {i}\n{WRONG if i % 3 else RIGHT}")
    return folder


def rows(out: Path) -> dict[str, dict[str, str]]:
    """grades.csv by student."""
    with (out / "grades.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len({row["student"] for row in found}) == len(found)
    return {row["student"]: row for row in found}


def results(out: Path) -> dict[str, bytes]:
    """Everything that a run leaves but its log."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file() and path.name != "log.jsonl"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "dosegrade", *map(str, arguments)]


def run(*arguments: object) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# Who is who ---------------------------------------------------------------------------------------------------------------


def students(folder: Path, out: Path | None = None) -> dict[str, Entry]:
    return {entry.path.name: entry for entry in roster(folder, out or folder.parent / "out")[0]}


def test_every_entry_is_one_student(folder: Path) -> None:
    for name in ("ann.py", "bob.ipynb", "cy.zip", "dee.toml", "eve.json", "bob.zip", "notes.txt", ".hidden.py", "fay.PY", "a.b.py"):
        (folder / name).touch()
    for name in ("gus", "__MACOSX", ".git", "hal.py.d", "ann"):
        (folder / name).mkdir()
    (folder / "ivy").symlink_to(CLASS)
    entries, skipped = roster(folder, folder / "results")
    assert {e.path.name: e.student for e in entries} == {
        "a.b.py": "a.b", "ann": "ann", "ann.py": "ann.py", "bob.ipynb": "bob.ipynb", "bob.zip": "bob.zip", "cy.zip": "cy",
        "dee.toml": "dee", "eve.json": "eve", "fay.PY": "fay", "gus": "gus", "hal.py.d": "hal.py.d", "ivy": "ivy",
    }  # fmt: skip
    assert set(skipped) == {"notes.txt", ".hidden.py", "__MACOSX", ".git"}


def test_full_names_that_meet_others_again(folder: Path) -> None:
    for name in ("a.py", "a.ipynb", "a.py.zip"):
        (folder / name).touch()
    assert {e.student for e in students(folder).values()} == {"a.py", "a.ipynb", "a.py.zip"}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("ann", True), ("Zoë Müller-Lüdenscheidt", True), ("a@b.c", True), ("con", False), ("NUL.txt", False), ("x" * 200, False),
        ("ü" * 120, False), ("a/b", False), ("..", False), (" a ", False), ("a\nb", False), ("=1|2", False), ("\u202eevil", False),
        ("a:b*?<>|", False), ("ends.", False),
    ],
)  # fmt: skip
def test_report_files_have_safe_names(name: str, plain: bool) -> None:
    from dosegrade.batch.roster import file_name

    file = file_name(name, Path(name), True)
    assert (file == name) == plain
    assert len(file.encode()) < 200
    assert not set(file) & set('/\\:*?"<>|\n\0\u202e')
    assert file.strip(" .") == file
    assert file != file_name(name, Path(name + "2"), False)


def test_names_that_differ_by_case_only_have_two_files(folder: Path) -> None:
    for name in ("Ann.py", "ann.py"):
        (folder / name).touch()
    assert len({e.file.casefold() for e in students(folder).values()}) == 2


@pytest.mark.parametrize("what", ["file", "nothing", "same"])
def test_no_folder_of_submissions(tmp_path: Path, folder: Path, what: str) -> None:
    (tmp_path / "file").touch()
    place = {"file": tmp_path / "file", "nothing": tmp_path / "x", "same": folder}[what]
    with pytest.raises(SubmissionError, match=r"Found .*; expected .* folder"):
        roster(place, folder)


# Grading --------------------------------------------------------------------------------------------------------------------


def test_a_class_of_every_kind_of_entry(quiz: Path, folder: Path, tmp_path: Path) -> None:
    filled(folder, 2)
    (folder / "bad.zip").write_bytes(b"PK")
    (folder / "bad.ipynb").write_bytes(b"{")
    (folder / "bad.toml").write_bytes(b"[answers]\na = 1\na = 2")
    (folder / "linked.py").symlink_to(folder / "s00.py")
    (folder / "dead").symlink_to(folder / "nowhere")
    (folder / "empty").mkdir()
    (folder / "loops.py").write_text("while True: pass")
    (folder / "breaks.py").write_text("def update(:")
    (folder / "quits.py").write_text("import os\nos._exit(0)")
    (folder / "=cmd()\n\x1b[31m.py").write_text(RIGHT)
    os.mkfifo(folder / "pipe.py")
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("hw/mine.py", RIGHT)
    (folder / "both").mkdir()
    (folder / "both" / "solution.py").write_text(RIGHT)
    (folder / "both" / "answers.toml").write_text('[answers]\nq9 = "A"')
    out = folder / "results"
    tally = dosegrade.grade(quiz, folder, out=out, jobs=1, formats=["html", "junit", "gradescope"])
    assert (tally.total, tally.graded, tally.failed) == (15, 15, 0)
    table = rows(out)
    assert len(table) == 15
    problems = {}
    for name, row in table.items():
        report = json.loads((out / row["report"]).read_text())
        problem = report["questions"][0]["problem"]
        problems[name] = problem and problem["kind"]
        assert report["score"] == float(row["score"])
        assert (out / "gradescope" / Path(row["report"]).name).is_file()
        assert (out / row["report"]).with_suffix(".html").is_file()
    unreadable = dict.fromkeys(("bad.ipynb", "bad.toml", "bad.zip", "linked", "dead", "empty", "pipe"), "unreadable")
    fine = dict.fromkeys(("s00", "s01", "packed", "both", "'=cmd()\\n\\x1b[31m"))
    assert problems == unreadable | fine | {"loops": "timeout", "breaks": "syntax", "quits": "exit"}
    assert {name for name, row in table.items() if row["score"] == "1.0"} == {"s00", "packed", "both", "'=cmd()\\n\\x1b[31m"}
    assert "reports/s00.html" in (out / "index.html").read_text()
    assert dosegrade.grade(quiz, folder, out=out, jobs=1).kept == 15


def test_resuming_grades_what_is_new_or_changed(quiz: Path, folder: Path, tmp_path: Path) -> None:
    filled(folder, 5)
    out = tmp_path / "out"

    def again(seed: int = 0) -> tuple[int, int]:
        tally = dosegrade.grade(quiz, folder, out=out, jobs=1, seed=seed, formats=["html"])
        return tally.graded, tally.kept

    assert again() == (5, 0)
    first = results(out)
    assert again() == (0, 5)
    assert results(out) == first
    (folder / "s01.py").write_text(RIGHT)
    (folder / "s02.py").unlink()
    (folder / "new.py").write_text(WRONG)
    (out / "reports" / "s00.json").write_text("{}")
    (out / "reports" / "s03.json").unlink()
    assert again() == (4, 1)
    assert set(rows(out)) == {"s00", "s01", "s03", "s04", "new"}
    assert rows(out)["s01"]["verdict"] == "correct"
    assert not list(out.rglob("s02*"))
    assert again(seed=1) == (5, 0)
    quiz.write_text(QUIZ + "\n# changed\n")
    assert again(seed=1) == (5, 0)


def test_a_torn_log_is_read(quiz: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dosegrade.grade(quiz, filled(folder, 4), out=out, jobs=1)
    first, log = results(out), out / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + b'\xff\n{"entry": 3}\n[]\nnull\n' + lines[1] + lines[2][:40])
    tally = dosegrade.grade(quiz, folder, out=out, jobs=1)
    assert (tally.graded, tally.kept) == (2, 2)
    assert results(out) == first


def test_one_run_at_a_time(quiz: Path, folder: Path, tmp_path: Path) -> None:
    with batch.Results(tmp_path / "out"), pytest.raises(DosegradeError, match="Another run is writing"):
        dosegrade.grade(quiz, folder, out=tmp_path / "out", jobs=1)
    assert dosegrade.grade(quiz, folder, out=tmp_path / "out", jobs=1).total == 0


def test_reports_are_those_of_check(folder: Path, tmp_path: Path) -> None:
    shutil.copy(CLASS / "flipped_sign.py", folder)
    dosegrade.grade("dose-response", folder, out=tmp_path / "out", jobs=1)
    report = json.loads((tmp_path / "out" / "reports" / "flipped_sign.json").read_text())
    assert report == dosegrade.check("dose-response", folder / "flipped_sign.py").to_dict()


# Workers that die -------------------------------------------------------------------------------------------------------------


class Fragile(Executor):
    """Does tasks in line; `deadly` says by the student's name whether a task kills the workers."""

    opened = 0

    def __init__(self, deadly: Callable[[str], bool]) -> None:
        self.deadly, self.broken = deadly, False
        Fragile.opened += 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.broken:
            raise BrokenExecutor
        future: Future[Any] = Future()
        self.broken = any([self.deadly(submission.name) for submission, _ in args[1]])
        if self.broken:
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        crew.clear_bench()


def with_deaths(monkeypatch: pytest.MonkeyPatch, deadly: Callable[[str], bool], most: int) -> None:
    monkeypatch.setattr(crew, "ROUNDS", 1)
    monkeypatch.setattr(batch, "opening", lambda jobs, scheduler: crew.Opening(lambda: Fragile(deadly), 2, most))
    Fragile.opened = 0


@pytest.mark.parametrize("most", [1, 3])
def test_a_death_is_tried_again(quiz: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    deaths: set[str] = set()

    def first_time(name: str) -> bool:
        new = name in ("s02", "s05") and name not in deaths
        deaths.add(name)
        return new

    with_deaths(monkeypatch, first_time, most)
    tally = dosegrade.grade(quiz, filled(folder, 8), out=tmp_path / "out")
    assert (tally.graded, tally.failed, Fragile.opened) == (8, 0, 3)


@pytest.mark.parametrize("most", [1, 3])
def test_who_kills_his_worker_twice_is_not_checked(
    quiz: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    with_deaths(monkeypatch, lambda name: name == "s02", most)
    out = tmp_path / "out"
    tally = dosegrade.grade(quiz, filled(folder, 6), out=out)
    assert (tally.graded, tally.failed) == (6, 1)
    assert {name for name, row in rows(out).items() if row["verdict"] == "not-checked"} == {"s02"}
    question = json.loads((out / "reports" / "s02.json").read_text())["questions"][0]
    assert (question["verdict"], question["score"]) == ("not-checked", 0.0)
    monkeypatch.undo()
    tally = dosegrade.grade(quiz, folder, out=out, jobs=1)
    assert (tally.graded, tally.kept, tally.failed) == (1, 5, 0)


def test_no_isolation_ends_the_run(quiz: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise SandboxError("found no isolation")

    monkeypatch.setattr(crew, "open_sandbox", none)
    with pytest.raises(SandboxError, match="no isolation"):
        dosegrade.grade(quiz, filled(folder, 2), out=tmp_path / "out", jobs=1)


def test_an_error_of_ours_is_not_the_students(quiz: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "check_submission", lambda *_: 1 / 0)
    assert dosegrade.grade(quiz, filled(folder, 2), out=tmp_path / "out", jobs=1).failed == 2
    assert "ZeroDivisionError" in (tmp_path / "out" / "reports" / "s00.json").read_text()


def test_a_scheduler_needs_dask(quiz: Path, folder: Path, tmp_path: Path) -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        with pytest.raises(DosegradeError, match="pip install distributed"):
            dosegrade.grade(quiz, folder, out=tmp_path / "out", scheduler="tcp://127.0.0.1:1")


def test_on_a_cluster(quiz: Path, folder: Path, tmp_path: Path) -> None:
    distributed = needed("distributed", "cluster")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        tally = dosegrade.grade(quiz, filled(folder, 6), out=tmp_path / "a", scheduler=cluster.scheduler_address)
    assert (tally.graded, tally.failed) == (6, 0)
    dosegrade.grade(quiz, folder, out=tmp_path / "b", jobs=1)
    assert results(tmp_path / "a") == results(tmp_path / "b")


def test_a_worker_that_is_killed_costs_nobody_anything(quiz: Path, folder: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one(tally: batch.Tally) -> None:
        if tally.graded == 3 and not killed:
            killed.append(multiprocessing.active_children()[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    tally = dosegrade.grade(quiz, filled(folder, 12), out=tmp_path / "out", jobs=2, watch=kill_one)
    assert killed
    assert (tally.graded, tally.failed) == (12, 0)
    assert {row["verdict"] for row in rows(tmp_path / "out").values()} == {"correct", "wrong"}


# Real processes ---------------------------------------------------------------------------------------------------------------


def test_a_script_needs_no_guard(quiz: Path, folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    filled(folder, 6)
    script.write_text(f"import dosegrade\nprint('once')\nprint(dosegrade.grade({str(quiz)!r}, {str(folder)!r}, out='out', jobs=2))\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    assert done.stderr == ""
    assert done.stdout.count("once") == 1
    assert "graded=6, failed=0" in done.stdout
    assert len(rows(tmp_path / "out")) == 6


def in_session(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, number = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(number) == session and state != "Z":
                found.append(int(entry.name))
    return found


def wait_until_gone(session: int) -> None:
    end = time.monotonic() + 60
    while in_session(session):
        assert time.monotonic() < end, "processes are left behind"
        time.sleep(0.02)


def started(quiz: Path, folder: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    arguments = command("grade", quiz, folder, "--out", out, "--jobs", jobs)
    return subprocess.Popen(arguments, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lines(out: Path) -> int:
    try:
        return (out / "log.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def until(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    while process.poll() is None and lines(out) < count:
        time.sleep(0.001)


def test_a_run_killed_at_any_moment_is_taken_up_again(quiz: Path, folder: Path, tmp_path: Path) -> None:
    count, chance = 45, random.Random(os.getpid())
    filled(folder, count)
    dosegrade.grade(quiz, folder, out=tmp_path / "whole", jobs=1)
    out, graded = tmp_path / "out", 0
    for jobs in (2, 1, 2):
        process = started(quiz, folder, out, jobs)
        until(process, out, graded + chance.randint(1, count // 4))
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.wait()
        wait_until_gone(process.pid)
        assert lines(out) >= graded
        graded = lines(out)
    tally = dosegrade.grade(quiz, folder, out=out, jobs=1)
    assert tally.kept >= graded - 3
    assert tally.graded + tally.kept == count
    assert results(out) == results(tmp_path / "whole")
    entries = [json.loads(line)["entry"] for line in (out / "log.jsonl").read_bytes().splitlines() if line.endswith(b"}")]
    assert len(entries) == len(set(entries)), "something was graded twice"


def test_ctrl_c_leaves_what_is_graded(quiz: Path, folder: Path, tmp_path: Path) -> None:
    filled(folder, 30)
    loops = [folder / f"z{i:02}.py" for i in range(40)]  # last, and so many that the run cannot end by itself before it is stopped
    for i, loop in enumerate(loops):
        loop.write_text(f"# {i}\nwhile True: pass")
    out = tmp_path / "out"
    # A shell that starts us in the background has us ignore Ctrl-C, and all that we start.
    heeding = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    arguments = [sys.executable, "-c", heeding, *command("grade", quiz, folder, "--out", out, "--jobs", 2)]
    process = subprocess.Popen(arguments, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while lines(out) < 3 and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == ""
    assert complaint.splitlines()[-1] == "Stopped. What is graded is kept: run the same command again to go on."
    wait_until_gone(process.pid)
    kept = sum(json.loads(line)["entry"].startswith("s") for line in (out / "log.jsonl").read_text().splitlines())
    for loop in loops:
        loop.unlink()
    tally = dosegrade.grade(quiz, folder, out=out, jobs=1)
    assert tally.kept == kept >= 3
    assert tally.done == 30


def stuck(mark: Path) -> bytes:
    """In a worker: an answer of which half is sent."""

    def send(self: connection.Connection, data: bytes) -> None:
        os.write(self.fileno(), data[: len(data) // 2])
        mark.touch()
        time.sleep(600)

    connection.Connection._send = send  # type: ignore[attr-defined]
    return bytes(10_000)


def test_a_worker_killed_while_it_sends_its_answer_is_not_waited_for(tmp_path: Path) -> None:
    pool, mark = crew.Pool(1), tmp_path / "half"
    answer = pool.submit(stuck, mark)
    while not mark.exists() and not answer.done():
        time.sleep(0.001)
    assert not answer.done()
    ending = threading.Thread(target=pool.shutdown, kwargs={"wait": False}, daemon=True)
    ending.start()
    ending.join(60)
    assert not ending.is_alive()
    assert isinstance(answer.exception(), BrokenExecutor)


# The command line ---------------------------------------------------------------------------------------------------------------


def test_grade_says_what_it_did(quiz: Path, folder: Path, tmp_path: Path) -> None:
    filled(folder, 3)
    (folder / "notes.txt").touch()
    done = run("grade", quiz, folder, "--out", tmp_path / "out", "--jobs", 1, "--format", "html, junit")
    assert (done.exit_code, done.stdout) == (0, f"3 submissions: 3 graded. The grades are in {tmp_path}/out/grades.csv.\n")
    assert done.stderr == "Skipped, because no submission is called like that: notes.txt.\n"
    assert {"index.html", "junit.xml", "grades.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}


def refused(done: Result, *words: str) -> None:
    assert (done.exit_code, done.stdout) == (2, ""), done.exception
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_grade_ends_with_2_where_nothing_can_be_graded(quiz: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(run("grade", quiz, tmp_path / "x", "--out", out), "Found nothing", "expected a folder")
    refused(run("grade", "dose-respons", folder, "--out", out), "Did you mean 'dose-response'")
    refused(run("grade", quiz, folder, "--out", out, "--format", "htlm"), "Did you mean 'html'")
    refused(run("grade", quiz, folder), "--out")
    refused(run("grade", quiz, folder, "--out", quiz), "cannot be written", "--out")


@pytest.mark.parametrize(
    ("name", "status"),
    [("textbook.py", 0), ("magics.ipynb", 0), ("flipped_sign.py", 1), ("exits.py", 1), ("syntax.py", 1), ("answers.toml", 1)],
)
def test_check_ends_with_0_for_full_marks_and_1_below(name: str, status: int) -> None:
    done = run("check", "dose-response", CLASS / name, "--json")
    assert (done.exit_code, done.stderr) == (status, "")
    assert json.loads(done.stdout)["submission"] == name.split(".")[0]


def test_the_command_itself() -> None:
    """In a process of its own: standard output holds the report and nothing else, or nothing."""
    good, bad = (
        subprocess.run(command("check", quiz, CLASS / "textbook.py", "--json"), capture_output=True, cwd=ROOT)
        for quiz in ("dose-response", "x")
    )
    assert (good.returncode, good.stderr, json.loads(good.stdout)["score"]) == (0, b"", 10.0)
    assert (bad.returncode, bad.stdout, bad.stderr[:28]) == (2, b"", b"dosegrade: There is no quiz ")


def test_a_damaged_file_is_graded(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    done = run("check", "dose-response", tmp_path / "x.zip", "--json")
    assert (done.exit_code, done.stderr) == (1, "")
    assert {q["problem"]["kind"] for q in json.loads(done.stdout)["questions"]} == {"unreadable"}


def test_check_ends_with_2_where_nothing_can_be_graded(tmp_path: Path) -> None:
    right, strange = CLASS / "textbook.py", tmp_path / "x.docx"
    strange.touch()
    refused(run("check", "dose-response", tmp_path / "gone.py"), "There is no file or folder", "expected a folder or a file")
    refused(run("check", "dose-response", strange), "Found 'x.docx'", "expected a folder or a file")
    refused(run("check", "no-quiz", right), "There is no quiz 'no-quiz'")
    refused(run("check", "dose-response", right, "--format", "html"), "give both")
    refused(run("check", "dose-response", right, "--format", "pdf", "-o", tmp_path / "x.pdf"), "no report format called 'pdf'")
    refused(run("check", "dose-response", right, "--format", "csv", "-o", tmp_path / "no" / "x.csv"), "cannot be written", "-o")


def test_check_writes_a_format(tmp_path: Path) -> None:
    done = run("check", "dose-response", CLASS / "textbook.py", "--format", "gradescope", "-o", tmp_path / "results.json")
    assert done.exit_code == 0
    assert "10 of 10" in done.stdout
    assert json.loads((tmp_path / "results.json").read_text())["score"] == 10.0
    done = run("check", "dose-response", CLASS / "textbook.py", "--format", "csv", "-o", "-")
    assert done.stdout.splitlines()[1].startswith("textbook,10.0,10.0,correct,")


def test_unknown_formats_end_before_anything_is_graded(quiz: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no report format"):
        dosegrade.grade(quiz, folder, out=tmp_path / "out", formats=["pdf"])
    assert not (tmp_path / "out").exists()
