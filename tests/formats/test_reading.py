"""Files as other systems write them: GIFT's documented examples, Moodle XML and QTI with their habits, and what is said of the rest."""

import pytest
from made import loaded

from dosegrade.formats import Taken, import_bytes
from dosegrade.formats.items import Item
from dosegrade.formats.sheet import sheet
from dosegrade.quiz.question import Quiz

GIFT = r"""
// multiple choice, with comments in between
::Q2:: What's between orange and green in the spectrum?
{ =yellow # right; good! ~red # wrong, it's yellow
// not a question
~%50%blue # half }

::Q3:: Two plus {=two =2} equals four.

Grant is buried in Grant's tomb.{FALSE#No one is.#Quite so.####He is entombed.}

::Q4:: Which animal eats which food? { =cat -> cat food =dog -> dog food = -> hay }

When was Ulysses S. Grant born?{#1822:5}

What is a number from 1 to 5? {#=1..5 =%50%7:0.5#near}

Which two? { ~%50%a ~%50%b ~%-50%c }

::Braces\: \{x\}::[markdown]Is $x \= 1$ \{a set\}? {T}

::Newline::[plain]One\nTwo * three {=%100%a\=b#yes}
"""


def items(taken: Taken) -> tuple[Item, ...]:
    """What was read, as items."""
    return sheet(loaded(taken.text)).items


def graded(quiz: Quiz, index: int, answer: object) -> float:
    """The share of the points that an answer earns."""
    question = quiz.typed[index]
    return question.grade(question.variant(0), answer).score / question.points


def test_gift_as_documented() -> None:
    taken = import_bytes(GIFT.encode())
    found = items(taken)
    kinds = ["choice", "text", "true-false", "match", "number", "number", "choices", "true-false", "text"]
    assert [item.kind for item in found] == kinds
    assert [(o.text, o.share, o.feedback) for o in found[0].options] == [
        ("yellow", 1, "right; good!"),
        ("red", 0, "wrong, it's yellow"),
        ("blue", 0.5, "half"),
    ]
    assert found[1].text == "Two plus _____ equals four."
    assert (found[2].solution, found[2].options[0].feedback) == ("He is entombed.", "No one is.")
    assert found[3].extra == ("hay",)
    assert [(item.numbers[0].value, item.numbers[0].tolerance) for item in found[4:6]] == [(1822, 5), (3, 2)]
    assert len(found[5].numbers) == 1
    assert "too near" in " ".join(taken.losses)
    assert (found[7].title, found[7].text) == ("Braces: {x}", "Is $x = 1$ {a set}?")
    assert found[8].text == "One\nTwo \\* three"
    quiz = loaded(taken.text)
    assert [graded(quiz, k, a) for k, a in ((0, "A"), (1, "TWO"), (2, False), (4, 1820), (6, ["A", "B"]), (8, "a=b"))] == [1] * 6
    assert graded(quiz, 6, ["A", "B", "C"]) == 0.5


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Write an essay. {}", "essay"),
        ("Only a description.", "braces"),
        ("Half a brace {=a", "braces"),
        ("Two right ones {=a =b ~c}", "2 options"),
        ("A word for a number {#abc}", "expected a number"),
        ("Too large {#1e999}", "expected a number"),
        ("Anything {=*}", "one right answer"),
        ("Alike {=a ~a}", "read alike"),
    ],
)
def test_gift_that_cannot_be_taken_is_said(question: str, reason: str) -> None:
    taken = import_bytes(f"::good:: fine {{T}}\n\n{question}".encode())
    assert len(items(taken)) == 1
    assert reason in " ".join(taken.losses)


MOODLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<question type="multichoice">
  <name><text>Capital</text></name>
  <questiontext format="html"><text><![CDATA[<p>Where is \\(x^2\\)? It costs $5.</p><ul><li>one</li><li><b>two</b></li></ul>
    <img src="@@PLUGINFILE@@/map.png" alt="map"><script>alert(1)</script>]]></text></questiontext>
  <defaultgrade>2.5</defaultgrade><single>true</single>
  <answer fraction="100"><text>Paris &amp; co</text><feedback><text>Yes</text></feedback></answer>
  <answer fraction="33.333"><text>Lyon</text></answer>
  <answer fraction="-25"><text>Rome</text></answer>
</question>
<question type="truefalse">
  <name><text>Wahr</text></name><questiontext><text>1 &lt; 2</text></questiontext>
  <answer fraction="100"><text>Wahr</text></answer><answer fraction="0"><text>Falsch</text></answer>
</question>
<question type="shortanswer">
  <name><text>Star</text></name><questiontext><text>Word?</text></questiontext>
  <answer fraction="100"><text>a\\*b</text></answer><answer fraction="0"><text>*</text></answer>
</question>
<question type="numerical">
  <name><text>Pi</text></name><questiontext><text>Pi?</text></questiontext>
  <answer fraction="100"><text>3.14</text><tolerance>0.01</tolerance></answer>
  <answer fraction="50"><text>3.15</text><tolerance>0.1</tolerance></answer>
  <answer fraction="0"><text>*</text><feedback><text>No</text></feedback></answer>
</question>
<question type="calculated"><name><text>Sum</text></name></question>
<question type="multichoice"><name><text>All</text></name><questiontext><text>All?</text></questiontext><single>false</single>
  <answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer></question>
</quiz>"""


def test_moodle_xml_with_its_habits() -> None:
    taken = import_bytes(MOODLE.encode(), "moodle.xml")
    found = items(taken)
    assert [item.kind for item in found] == ["choice", "true-false", "text", "number", "choices"]
    assert found[0].text == "Where is $x^2$? It costs \\$5.\n\n- one\n- **two**\n\n(image: map)"
    assert found[0].points == 2.5
    assert [(o.text, o.share) for o in found[0].options] == [("Paris & co", 1), ("Lyon", pytest.approx(1 / 3)), ("Rome", 0)]
    assert found[1].options[0].share == 1
    assert [o.text for o in found[2].right] == ["a*b"]
    assert len(found[3].numbers) == 1
    said = " ".join(taken.losses)
    for words in ("images", "'calculated' is not read", "* for anything", "too near", "weights", "every other answer"):
        assert words in said


def test_other_roots_are_refused() -> None:
    from dosegrade.errors import SpecError

    with pytest.raises(SpecError, match="expected <quiz>"):
        import_bytes(b"<html></html>")
    with pytest.raises(SpecError, match="QTI 2 and 3 are not read"):
        import_bytes(b"<manifest xmlns='x'/>")


QTI = """<questestinterop><assessment ident="a" title="Bank"><section ident="s">
<item ident="i1" title="One"><presentation><flow><material><mattext>Spanner?</mattext></material>
 <response_lid ident="R" rcardinality="Single"><render_choice>
  <flow_label><response_label ident="A"><flow_mat><material><mattext>14 mm</mattext></material></flow_mat></response_label></flow_label>
  <flow_label><response_label ident="B"><material><mattext>15 mm</mattext></material></response_label></flow_label>
 </render_choice></response_lid></flow></presentation>
 <resprocessing><outcomes><decvar/></outcomes>
  <respcondition><conditionvar><varequal respident="R">B</varequal></conditionvar><setvar action="Set">1</setvar>
   <displayfeedback feedbacktype="Response" linkrefid="Right"/></respcondition></resprocessing>
 <itemfeedback ident="Right"><material><mattext>Yes.</mattext></material></itemfeedback></item>
<item ident="i2" title="Number"><presentation><material><mattext>Pi?</mattext></material>
 <response_num ident="N"><render_fib fibtype="Decimal"><response_label ident="x"/></render_fib></response_num></presentation>
 <resprocessing><outcomes><decvar/></outcomes>
  <respcondition><conditionvar><vargte respident="N">3.1</vargte><varlte respident="N">3.2</varlte></conditionvar>
  <setvar>1</setvar></respcondition>
  <respcondition><conditionvar><not><and><vargte respident="N">3.1</vargte></and></not></conditionvar><setvar action="Subtract">1</setvar>
  </respcondition></resprocessing></item>
<item ident="i3" title="Picture"><presentation><material><mattext texttype="text/html">See &lt;img class="equation_image"
 data-equation-content="\\frac{1}{2}" src="x"&gt;</mattext></material>
 <response_str ident="S"><render_fib><response_label ident="x"/></render_fib></response_str></presentation>
 <resprocessing><outcomes><decvar/></outcomes><respcondition><conditionvar><varequal respident="S">half</varequal></conditionvar>
 <setvar>100</setvar></respcondition></resprocessing></item>
<item ident="i4" title="Essay"><itemmetadata><qtimetadata><qtimetadatafield><fieldlabel>question_type</fieldlabel>
 <fieldentry>essay_question</fieldentry></qtimetadatafield></qtimetadata></itemmetadata></item>
</section></assessment></questestinterop>"""


def test_qti_with_its_habits() -> None:
    taken = import_bytes(QTI.encode())
    quiz, found = loaded(taken.text), items(taken)
    assert quiz.title == "Bank"
    assert [item.kind for item in found] == ["choice", "number", "text"]
    assert found[0].right[0].text == "15 mm"
    assert found[0].right[0].feedback == "Yes."
    assert (found[1].numbers[0].value, found[1].numbers[0].tolerance) == (pytest.approx(3.15), pytest.approx(0.05))
    assert found[2].text == "See $\\frac{1}{2}$"
    assert "essay_question is not read" in " ".join(taken.losses)
