"""What is written has the structure that is published: Moodle's importer and exporter, the DTD of QTI 1.2, jupyterquiz's schemas."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from made import quizzes

from dosegrade.formats import export
from dosegrade.formats.fractions import FRACTIONS
from dosegrade.quiz.question import Quiz, load

Element = ElementTree.Element
QUIZZES = ("quiz-09", "lecture-10")
COMMON = "name questiontext generalfeedback defaultgrade penalty hidden idnumber"
COMBINED = "correctfeedback partiallycorrectfeedback incorrectfeedback"
MOODLE = {
    "multichoice": f"{COMMON} single shuffleanswers answernumbering showstandardinstruction {COMBINED} (answer )+(hint )*(tags )?",
    "truefalse": f"{COMMON} answer answer (hint )*(tags )?",
    "shortanswer": f"{COMMON} usecase (answer )+(hint )*(tags )?",
    "numerical": f"{COMMON} (answer )+(units )?unitgradingtype unitpenalty showunits unitsleft (hint )*(tags )?",
    "matching": f"{COMMON} shuffleanswers {COMBINED} (subquestion ){{2,}}(hint )*(tags )?",
}
PARTS = {
    "name": "text ",
    "questiontext": "text ",
    "generalfeedback": "text ",
    "answer": "text (feedback )?(tolerance )?",
    "feedback": "text ",
    "hint": "text ",
    "tags": "(tag )+",
    "tag": "text ",
    "units": "(unit )+",
    "unit": "multiplier unit_name ",
    "subquestion": "text answer ",
}
QTI = {
    "questestinterop": "assessment ",
    "assessment": "(qtimetadata )*section ",
    "section": "(item )+",
    "item": "itemmetadata presentation resprocessing (itemfeedback )*",
    "itemmetadata": "qtimetadata ",
    "qtimetadata": "(qtimetadatafield )+",
    "qtimetadatafield": "fieldlabel fieldentry ",
    "presentation": "material ((response_lid )+|response_str )",
    "material": "mattext ",
    "response_lid": "(material )?render_choice ",
    "response_str": "render_fib ",
    "render_choice": "(response_label )+",
    "render_fib": "response_label ",
    "response_label": "(material )?",
    "resprocessing": "outcomes (respcondition )+",
    "outcomes": "decvar ",
    "respcondition": "conditionvar (setvar )?(displayfeedback )?",
    "conditionvar": "(other |varequal |and |or )+",
    "and": "(varequal |not |vargte |varlte )+",
    "or": "(varequal |and )+",
    "not": "varequal ",
    "itemfeedback": "flow_mat ",
    "flow_mat": "material ",
}
QTI_ATTRIBUTES = {
    "assessment": {"ident", "title"},
    "section": {"ident"},
    "item": {"ident", "title"},
    "mattext": {"texttype"},
    "response_lid": {"ident"},
    "response_str": {"ident"},
    "response_label": {"ident"},
    "varequal": {"respident"},
    "vargte": {"respident"},
    "varlte": {"respident"},
    "itemfeedback": {"ident"},
    "displayfeedback": {"linkrefid", "feedbacktype"},
    "setvar": {"action", "varname"},
}


def children(parent: Element) -> str:
    """The names of the children, each with a blank behind it."""
    return "".join(f"{child.tag.rpartition('}')[2]} " for child in parent)


@cache
def data(name: str, form: str) -> bytes:
    """A shipped quiz in a format."""
    return export(load(name), form).data


def check_moodle(content: bytes) -> None:
    """Names, order and values as Moodle's format.php writes them."""
    root = ElementTree.fromstring(content)
    assert root.tag == "quiz"
    category, *questions = root
    assert category.get("type") == "category"
    assert (category.findtext("category/text") or "").startswith("$course$/top/")
    ids = [question.findtext("idnumber") for question in questions]
    assert len(set(ids)) == len(ids)
    for question in questions:
        kind = question.get("type") or ""
        pattern = MOODLE[kind].replace(" ", " ") + ("" if MOODLE[kind].endswith((")?", ")*")) else " ")
        assert re.fullmatch(pattern, children(question)), (kind, children(question))
        for part in question.iter():
            if part.tag in PARTS and not (part.tag == "answer" and kind == "matching"):
                assert re.fullmatch(PARTS[part.tag], children(part)), (part.tag, children(part))
            assert part.tag != "text" or part.get("format") is None
        check_marks(question, kind)


def check_marks(question: Element, kind: str) -> None:
    """Fractions of Moodle's list, the best or their sum 100; absolute tolerances."""
    fractions = [float(answer.get("fraction") or "nan") for answer in question.findall("answer")]
    assert all(min(abs(f / 100 - known) for known in FRACTIONS) < 1e-6 for f in fractions)
    if kind == "multichoice" and question.findtext("single") == "false":
        assert sum(f for f in fractions if f > 0) == pytest.approx(100, abs=1e-3)
    elif kind != "matching":
        assert max(fractions) == 100
    if kind == "numerical":
        assert all(float(answer.findtext("tolerance") or "nan") >= 0 for answer in question.findall("answer"))
    assert kind != "truefalse" or [answer.findtext("text") for answer in question.findall("answer")] == ["true", "false"]


@pytest.mark.parametrize("name", QUIZZES)
def test_moodle_xml(name: str) -> None:
    """The elements, their order and the fractions of Moodle's own `question/format/xml/format.php` and `question/engine/bank.php`."""
    check_moodle(data(name, "moodle"))


@settings(max_examples=20, deadline=None)
@given(quiz=quizzes())
def test_moodle_xml_of_any_quiz(quiz: Quiz) -> None:
    """As above."""
    check_moodle(export(quiz, "moodle").data)


def xml_of(content: bytes) -> dict[str, Element]:
    """The files of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def check_qti(content: bytes) -> None:
    """Content models and required attributes; every name that is referred to exists."""
    files = xml_of(content)
    hrefs = [e.get("href") for e in files["imsmanifest.xml"].iter() if e.tag.endswith("}file")]
    assert sorted(filter(None, hrefs)) == sorted(name for name in files if name != "imsmanifest.xml")
    root = next(tree for tree in files.values() if tree.tag.endswith("questestinterop"))
    assert root.tag == "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}questestinterop"
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        assert re.fullmatch(QTI.get(tag, ""), children(element)), (tag, children(element))
        assert QTI_ATTRIBUTES.get(tag, set()) <= set(element.keys())
    for item in by_tag(root, "item"):
        check_names(item)
    idents = [item.get("ident") for item in by_tag(root, "item")]
    assert len(set(idents)) == len(idents)


def check_names(item: Element) -> None:
    """Responses, options and feedback that are referred to are there."""
    responses = {e.get("ident") for tag in ("response_lid", "response_str") for e in by_tag(item, tag)}
    assert {e.get("respident") for tag in ("varequal", "vargte", "varlte") for e in by_tag(item, tag)} <= responses
    assert {e.get("linkrefid") for e in by_tag(item, "displayfeedback")} == {e.get("ident") for e in by_tag(item, "itemfeedback")}
    labels = {e.get("ident") for e in by_tag(item, "response_label")}
    if any(True for _ in by_tag(item, "render_choice")):
        assert {e.text for e in by_tag(item, "varequal")} <= labels


def by_tag(root: Element, tag: str) -> Iterator[Element]:
    """Elements of a name in QTI's name space."""
    return root.iter("{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}" + tag)


@pytest.mark.parametrize("name", QUIZZES)
def test_qti(name: str) -> None:
    """The content models and #REQUIRED attributes of IMS Global's `ims_qtiasiv1p2p1.dtd` (QTI 1.2.1 ASI), for the elements in use."""
    check_qti(data(name, "qti"))


@settings(max_examples=20, deadline=None)
@given(quiz=quizzes())
def test_qti_of_any_quiz(quiz: Quiz) -> None:
    """As above."""
    check_qti(export(quiz, "qti").data)


@pytest.mark.parametrize("form", ["qti", "moodle", "gift", "text2qti", "jupyterquiz", "toml", "html"])
def test_the_same_quiz_gives_the_same_bytes(form: str) -> None:
    first, second = (export(load("quiz-09"), form).data for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", QUIZZES)
def test_jupyterquiz(name: str) -> None:
    """Keys and types of jupyterquiz's `mc_schema.json`, `num_schema.json` and `string_schema.json`; a range must have a feedback."""
    for question in json.loads(data(name, "jupyterquiz")):
        assert set(question) == {"question", "type", "answers"}
        assert isinstance(question["question"], str)
        for answer in question["answers"]:
            check_jupyterquiz(question["type"], answer)
        assert any(answer.get("correct") for answer in question["answers"])


def check_jupyterquiz(kind: str, answer: dict[str, object]) -> None:
    """One answer of a kind."""
    assert isinstance(answer["feedback"], str)
    if answer.get("type") == "default":
        assert set(answer) == {"type", "feedback"}
        return
    assert isinstance(answer["correct"], bool)
    if kind in ("multiple_choice", "many_choice", "string"):
        assert isinstance(answer["answer"], str)
    else:
        assert kind == "numeric"
        assert ("value" in answer) != ("range" in answer)
        bounds = answer.get("range", [0, 1])
        assert isinstance(bounds, list)
        assert bounds[0] < bounds[1]
