"""The lecture's quiz: B, false, A, B earn all points, everything else as marked."""

from itertools import product

from dosegrade.quiz.question import load

QUIZ = load("quiz-09")
RIGHT = {"q1": "B", "q2": False, "q4": "A", "q5": "B"}
CHOICES = {"q1": "ABCD", "q2": (True, False), "q4": "ABCDE", "q5": "ABCDE"}


def test_ids_and_points() -> None:
    assert [q.id for q in QUIZ.questions] == ["q1", "q2", "q4", "q5"]
    assert QUIZ.max_score == 16


def test_every_combination() -> None:
    marked = {q.id: {a: q.grade(q.variant(0), a) for a in CHOICES[q.id]} for q in QUIZ.typed}
    for answers in product(*CHOICES.values()):
        given = dict(zip(CHOICES, answers, strict=True))
        score = sum(marked[name][answer].score for name, answer in given.items())
        assert score == 4 * sum(RIGHT[name] == answer for name, answer in given.items())


def test_every_wrong_answer_has_a_hint() -> None:
    for q in QUIZ.typed:
        for answer in CHOICES[q.id]:
            report = q.grade(q.variant(0), answer)
            assert bool(report.diagnoses) == (answer != RIGHT[q.id])
            assert all(d.hint and d.certain for d in report.diagnoses)


def test_fair_wording() -> None:
    texts = {q.id: " ".join(q.text.split()) for q in QUIZ.typed}
    assert "$0 < \\gamma \\le 1$" in texts["q2"]
    assert "in general" in texts["q2"]
    for name in ("q4", "q5"):
        assert "G_t = R_{t+1} + \\gamma R_{t+2}" in texts[name]
        assert "T-1" in texts[name]
    report = QUIZ.typed[3].grade(QUIZ.typed[3].variant(0), "B")
    assert "action its own features" in report.notes[0]


def test_not_answered_and_not_readable_are_told_apart() -> None:
    q1, q2 = QUIZ.typed[:2]
    for raw in (None, "", "  ", [], {}):
        assert q1.grade(q1.variant(0), raw).verdict == "missing"
    report = q1.grade(q1.variant(0), "F")
    assert report.problem is not None
    assert (report.problem.kind, report.score) == ("return", 0.0)
    assert "A, B, C, D" in report.problem.message
    assert q2.grade(q2.variant(0), "perhaps").problem is not None
    assert q2.grade(q2.variant(0), True).problem is None


def test_options_stand_in_the_order_of_their_ids() -> None:
    """Wherever the TOML has them: a right option that stands last because of its long hint would give itself away."""
    for question in (q for q in load("quiz-09").typed if q.kind == "choice"):
        for field in question.fields(question.variant(0)):
            ids = [identity for identity, _ in field.options]
            assert ids == sorted(ids)
