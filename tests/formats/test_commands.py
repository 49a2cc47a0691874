"""`dosegrade export` and `import`, the page on paper, and what is said of losses."""

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from made import quiz_of

from dosegrade.cli import main
from dosegrade.errors import SpecError
from dosegrade.formats import FORMATS, export
from dosegrade.formats.mathml import mathml
from dosegrade.quiz.question import load


def run(*arguments: str | Path) -> Result:
    """A command's result, both streams apart."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_and_said(form: str, tmp_path: Path) -> None:
    file = tmp_path / f"quiz{FORMATS[form].extension}"
    result = run("export", "quiz-09", "--format", form, "-o", file, "--variants", "2")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert file.stat().st_size > 1000
    assert ("Lost: q1, q2, q4, q5: mistakes keep their hints" in result.stderr) == (form != "html")


def test_losses_name_the_questions(tmp_path: Path) -> None:
    said = run("export", "lecture-10", "--format", "gift", "-o", tmp_path / "x", "--seed", "7", "--variants", "2").stderr
    assert "Lost: q50: left out" in said
    assert "written as fixed for seeds 7 to 8" in said


@pytest.mark.parametrize("form", [name for name, made in FORMATS.items() if made.read])
def test_what_was_exported_is_imported_and_validates(form: str, tmp_path: Path) -> None:
    file, quiz = tmp_path / f"quiz{FORMATS[form].extension}", tmp_path / "again.toml"
    run("export", "quiz-09", "--format", form, "-o", file)
    result = run("import", file, "-o", quiz)
    assert (result.exit_code, result.stdout) == (0, "")
    assert run("validate", quiz).exit_code in (0, 1)
    assert run("show", quiz, "--key").output.count("Answer:") == 4


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "quiz.txt"
    file.write_text("mine")
    for arguments in (("export", "quiz-09", "--format", "gift"), ("import", "nothing.xml")):
        result = run(*arguments, "-o", file)
        assert (result.exit_code, result.stdout, file.read_text()) == (2, "", "mine")
        assert "--force" in result.stderr
    assert run("export", "quiz-09", "--format", "gift", "-o", file, "--force").exit_code == 0
    assert file.read_text().startswith("// Quiz 9")


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "quiz-9", "--format", "gift", "-o", "-"),
        ("export", "quiz-09", "--format", "gifts", "-o", "-"),
        ("export", "quiz-09", "--format", "gift", "-o", "/no/such/folder/x"),
        ("export", "quiz-09", "--format", "gift"),
        ("export", "activations", "--format", "qti", "-o", "-"),
        ("import", "/no/such/file", "-o", "-"),
        ("import", "/", "-o", "-"),
        ("import", __file__, "-o", "-"),
    ],
)
def test_what_cannot_be_done_is_status_2_with_an_empty_output(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr) > 40
    assert "Traceback" not in result.stderr


def test_standard_output_is_a_file_too() -> None:
    assert run("export", "quiz-09", "--format", "text2qti", "-o", "-").stdout.startswith("Quiz title: Quiz 9")


@pytest.mark.parametrize("variants", [0, 101])
def test_the_number_of_variants_is_bounded(variants: int) -> None:
    with pytest.raises(SpecError, match="1 to 100 variants"):
        export(load("quiz-09"), "gift", 0, variants)


@cache
def page(name: str, key: bool = False, **more: int) -> str:
    """A quiz on paper."""
    return export(load(name), "html", key=key, **more).data.decode()


@pytest.mark.parametrize("name", ["quiz-09", "lecture-10", "dose-response"])
def test_paper_needs_nothing_else_and_holds_no_key(name: str) -> None:
    for key in (False, True):
        html = page(name, key)
        assert not re.search(r"(src|href)=|url\(|<script|@import", html)
        assert "prefers-color-scheme: dark" in html
        assert "@media print" in html
    assert "<b>Answer</b>" not in page(name)
    assert page(name, key=True).count("<b>Answer</b>") == len(load(name).questions)
    for solution in (q.solution for q in load(name).typed if len(q.solution) > 40):
        assert solution.strip()[:30] not in page(name)


def test_paper_has_every_variant_on_its_own_sheet() -> None:
    assert page("lecture-10", variants=3).count('<div class="sheet">') == 3
    assert page("quiz-09", variants=3).count('<div class="sheet">') == 1


def test_paper_escapes_what_an_author_wrote() -> None:
    quiz = quiz_of({"kind": "true-false", "title": "<b>", "text": "<script>alert(1)</script> $<b>$ `<i>`", "answer": True})
    html = export(quiz, "html", key=True).data.decode()
    assert "<script" not in html
    assert "<i>" not in html


def test_every_formula_of_the_shipped_quizzes_is_set() -> None:
    for name in ("quiz-09", "lecture-10"):
        html = page(name, key=True)
        assert 'class="tex"' not in html
        for formula in re.findall(r"<math.*?</math>", html):
            ElementTree.fromstring(formula)


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\frac{1}{2}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"x_i^2", "<msubsup><mi>x</mi><mi>i</mi>"),
        (r"\hat y", '<mover accent="true"><mi>y</mi><mo>^</mo></mover>'),
        (r"\sum_{i=1}^n", "<munderover>"),
        (r"\left(x\right)", '<mo stretchy="true">(</mo>'),
        (r"s'_t", "<msub><mrow><mi>s</mi><mtext>′</mtext></mrow>"),
        (r"\text{if } x < 1", "&lt;"),
    ],
)
def test_formulas(tex: str, part: str) -> None:
    made = mathml(tex, True)
    assert part in made
    ElementTree.fromstring(made)


@pytest.mark.parametrize(
    "tex", [r"\unknown{x}", "{", "}", r"\frac{1}", "x_1_2", "x^1^2", r"\left(x", "{" * 50, r"\begin{cases}1\end{cases}", "a & b"]
)
def test_formulas_outside_the_subset_stay_readable(tex: str) -> None:
    assert 'class="tex"' in mathml(tex, False)
