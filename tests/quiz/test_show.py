"""What is sent to a student: questions without answers, starter files that can be handed in, and the commands that print them."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dosegrade.cli import main
from dosegrade.quiz.question import load, shipped
from dosegrade.quiz.show import show, worked
from dosegrade.quiz.starter import files


@pytest.mark.parametrize("name", ["quiz-09", "lecture-10"])
@pytest.mark.parametrize("seed", [0, 7])
def test_show_tells_no_answer(name: str, seed: int) -> None:
    quiz = load(name)
    shown, key = show(quiz, seed), show(quiz, seed, key=True)
    assert "Answer" not in shown
    assert not [word for word in ("Solution", "Distractor", "Hint 1", "Mistakes that") if word in shown]
    for q in quiz.typed:
        variant = q.variant(seed)
        head = " ".join(variant.solution.split())[:60]
        assert head not in " ".join(shown.split())
        assert f"Answer: {q.right(variant)}" in key
        for d in (*q.mistakes.values(),):
            assert d.hint not in shown


def test_a_students_view_does_not_depend_on_the_answer() -> None:
    """The same text, fields and starter lines whatever the key says: nothing in them is computed from it."""
    for q in load("lecture-10").typed:
        if q.kind not in ("number", "array", "derivation", "table"):
            continue
        variant = q.variant(5)
        fields = json.dumps([f.__dict__ for f in q.fields(variant)], default=str)
        for value in str(q.right(variant)).replace("[", " ").replace("]", " ").replace(",", " ").split():
            if value.count(".") and len(value.strip("{}'-")) >= 6:
                assert value not in fields
                assert value not in variant.text


def test_the_key_has_hints_and_distractors() -> None:
    key = show(load("lecture-10"), 0, key=True)
    for line in (
        "Distractor 3.7 earns 0%: Q09 index-for-value: An index is not a value.",
        "Distractor A earns 0%: L01 state-value-for-action-value:",
        "Distractor 2*(e_hat - e)*W3*W2*(1 - h1^2)*d earns 0%: G24 slope-missing-last-hidden:",
        "Hint 1: Write the trace down first: it does not depend on the rewards.",
        "Mistakes that these numbers tell: G01, ",
    ):
        assert line in key


def test_the_key_has_the_derivation() -> None:
    q = next(q for q in load("lecture-10").typed if q.id == "q49")
    lines = worked(q.variant(0))
    assert [line.name for line in lines][:2] == ["z1", "a1"]
    assert r"\varepsilon_{1} = \delta_{2} W_{2}^\top" in show(load("lecture-10"), 0, key=True)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_starter_files(name: str) -> None:
    quiz = load(name)
    made = files(quiz, 3)
    assert set(made) == ({"answers.toml"} if quiz.typed else set()) | ({"solution.py"} if quiz.codes else set())
    if quiz.typed:
        assert tomllib.loads(made["answers.toml"]) == {"answers": {}}
        uncommented = "\n".join(
            line[2:] if line.startswith("# ") and " = " in line and ": " not in line.split(" = ")[0] else line
            for line in made["answers.toml"].splitlines()
        )
        answers = tomllib.loads(uncommented)["answers"]
        assert set(answers) == {q.id for q in quiz.typed}
        for q in quiz.typed:
            report = q.grade(q.variant(3), answers[q.id])
            assert report.problem is None or q.kind in ("formula", "order", "text")
    if quiz.codes:
        compile(made["solution.py"], "solution.py", "exec")
        assert all(f"def {code.function}(" in made["solution.py"] for code in quiz.codes)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_commands(tmp_path: Path) -> None:
    status, out, _ = run("list")
    assert status == 0
    assert "quiz-09" in out
    assert "61 questions" in out
    status, out, _ = run("show", "quiz-09")
    assert (status, "Answer" in out) == (0, False)
    assert "Answer: B" in run("show", "quiz-09", "--key")[1]
    assert run("show", "lecture-10", "--seed", "1")[1] != run("show", "lecture-10", "--seed", "2")[1]
    folder = tmp_path / "mine"
    assert run("start", "quiz-09", str(folder))[0] == 0
    before = (folder / "answers.toml").read_text()
    status, out, error = run("start", "quiz-09", str(folder))
    assert (status, out) == (2, "")
    assert "already" in error
    assert (folder / "answers.toml").read_text() == before
    status, out, error = run("show", "quiz-9")
    assert (status, out) == (2, "")
    assert "Did you mean 'quiz-09'" in error
    assert run("validate", *(str(p) for p in shipped().values() if p.stem in ("quiz-09", "lecture-10")))[0] == 0


def test_check_grades_answers(tmp_path: Path) -> None:
    path = tmp_path / "alice.toml"
    path.write_text('[answers]\nq1 = "B"\nq2 = false\nq4 = "A"\nq5 = "B"\n')
    status, out, _ = run("check", "quiz-09", str(path), "--json")
    report = json.loads(out)
    assert (status, report["score"], report["submission"]) == (0, 16.0, "alice")
    path.write_text('[answers]\nq1 = "B"\nq2 = "perhaps"\nzz = 1\n')
    status, out, _ = run("check", "quiz-09", str(path), "--json")
    report = json.loads(out)
    assert (status, report["score"]) == (1, 4.0)
    assert [q["verdict"] for q in report["questions"]] == ["correct", "wrong", "missing", "missing"]
    assert report["questions"][1]["problem"]["kind"] == "return"
    assert "zz" in report["notes"][0]
    path.write_text("[answers\n")
    status, out, _ = run("check", "quiz-09", str(path), "--json")
    report = json.loads(out)
    assert status == 1
    assert {q["problem"]["kind"] for q in report["questions"]} == {"unreadable"}
