"""A class secret: one seed a student, the same in `grade`, `check` and `show`, and another for another name or secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import dosegrade
from dosegrade.cli import main
from dosegrade.errors import SpecError
from dosegrade.quiz.seeds import seed_for, seed_of

ANSWERS = '[answers]\nq1 = "B"\nq2 = false\nq4 = "A"\nq5 = "B"\n'


def test_every_student_has_a_seed_of_his_own(tmp_path: Path) -> None:
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    for name in ("alice", "bob"):
        (folder / f"{name}.toml").write_text(ANSWERS)
    dosegrade.grade("quiz-09", folder, out=out, jobs=1, class_secret="s3cret")
    seeds = {name: json.loads((out / "reports" / f"{name}.json").read_text())["seed"] for name in ("alice", "bob")}
    assert seeds == {name: seed_for("s3cret", name) for name in ("alice", "bob")}
    assert seeds["alice"] != seeds["bob"]
    checked = CliRunner().invoke(main, ["check", "quiz-09", str(folder / "alice.toml"), "--json", "--class-secret", "s3cret"])
    assert json.loads(checked.output)["seed"] == seeds["alice"]
    other = dosegrade.grade("quiz-09", folder, out=out, jobs=1, class_secret="another")
    assert (other.graded, other.kept) == (2, 0)


def test_the_variant_shown_is_the_one_graded() -> None:
    by_name = CliRunner().invoke(main, ["show", "lecture-10", "--student", "alice", "--class-secret", "s"])
    by_seed = CliRunner().invoke(main, ["show", "lecture-10", "--seed", str(seed_for("s", "alice"))])
    assert by_name.output == by_seed.output
    assert by_name.output != CliRunner().invoke(main, ["show", "lecture-10"]).output


def test_a_secret_needs_a_student() -> None:
    assert seed_of(None, 4, None) == 4
    with pytest.raises(SpecError, match="--student"):
        seed_of(None, 4, "s")
