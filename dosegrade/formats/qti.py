"""QTI 1.2 as Canvas imports it: a zip of a manifest and one assessment, the same bytes every time. `qti_read` reads it back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from xml.etree import ElementTree

from dosegrade.formats import markup
from dosegrade.formats.items import Item, Losses, Sheet, digits
from dosegrade.formats.moodle import MARGIN
from dosegrade.formats.packages import packed
from dosegrade.formats.trees import Element, leaf, written

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"
TYPES = {
    "choice": "multiple_choice_question",
    "choices": "multiple_answers_question",
    "true-false": "true_false_question",
    "number": "numerical_question",
    "text": "short_answer_question",
    "match": "matching_question",
}
CREDIT = "part of the credit for a wrong answer is lost"
SAID = "what is said to wrong numbers or words is lost"


def write(sheet: Sheet) -> bytes:
    """The archive."""
    ident = "dosegrade_" + hashlib.sha256(repr((sheet.id, sheet.title, sheet.items)).encode()).hexdigest()[:32]
    return packed(
        {
            "imsmanifest.xml": written(manifest(ident)),
            f"{ident}/assessment_meta.xml": written(meta(ident, sheet)),
            f"{ident}/{ident}.xml": written(assessment(ident, sheet)),
        }
    )


def manifest(ident: str) -> Element:
    """What is in the archive."""
    root = Element("manifest", {"identifier": f"{ident}_manifest", "xmlns": PACKAGE})
    metadata = leaf(root, "metadata")
    leaf(metadata, "schema", "IMS Content")
    leaf(metadata, "schemaversion", "1.1.3")
    leaf(root, "organizations")
    resources = leaf(root, "resources")
    quiz = leaf(resources, "resource", identifier=ident, type="imsqti_xmlv1p2")
    leaf(quiz, "file", href=f"{ident}/{ident}.xml")
    leaf(quiz, "dependency", identifierref=f"{ident}_meta")
    place = f"{ident}/assessment_meta.xml"
    kind = "associatedcontent/imscc_xmlv1p1/learning-application-resource"
    leaf(leaf(resources, "resource", identifier=f"{ident}_meta", type=kind, href=place), "file", href=place)
    return root


def meta(ident: str, sheet: Sheet) -> Element:
    """What Canvas wants to know of the quiz."""
    root = Element("quiz", {"identifier": ident, "xmlns": CANVAS})
    leaf(root, "title", " ".join(sheet.title.split()))
    leaf(root, "description", markup.html(sheet.text))
    leaf(root, "shuffle_answers", "false")
    leaf(root, "quiz_type", "assignment")
    leaf(root, "points_possible", digits(sum(item.points for item in sheet.items)))
    leaf(root, "show_correct_answers", "true")
    leaf(root, "allowed_attempts", "1")
    return root


def assessment(ident: str, sheet: Sheet) -> Element:
    """The questions."""
    root = Element("questestinterop", {"xmlns": QTI})
    made = leaf(root, "assessment", ident=ident, title=" ".join(sheet.title.split()))
    fields(made, cc_maxattempts="1")
    section = leaf(made, "section", ident="root_section")
    for item in sheet.items:
        lost(item, sheet.losses)
        if item.kind == "match" and any("$" in side for side in item.sides):
            sheet.losses.add(MARGIN, item.where)
        question(section, item)
    return root


def lost(item: Item, losses: Losses) -> None:
    """What QTI, as Canvas reads it, has no place for, written here or by text2qti."""
    if item.hints:
        losses.add("hints are lost", item.where)
    if item.tags:
        losses.add("topics and tags are lost", item.where)
    if any(0 < share < 1 for share in (*(o.share for o in item.options), *(n.share for n in item.numbers))):
        losses.add(CREDIT, item.where)
    if any(n.feedback for n in item.numbers) or (item.kind == "text" and any(o.share < 1 for o in item.options)):
        losses.add(SAID, item.where)


def fields(parent: Element, **entries: str) -> None:
    """Metadata: a label and an entry each."""
    data = leaf(parent, "qtimetadata")
    for label, entry in entries.items():
        field = leaf(data, "qtimetadatafield")
        leaf(field, "fieldlabel", label)
        leaf(field, "fieldentry", entry)


def question(section: Element, item: Item) -> None:
    """One item."""
    made = leaf(section, "item", ident=item.id, title=item.name)
    fields(leaf(made, "itemmetadata"), question_type=TYPES[item.kind], points_possible=digits(item.points))
    presentation = leaf(made, "presentation")
    material(presentation, markup.html(item.prompt))
    processing = ElementTree.Element("resprocessing")
    score = leaf(processing, "outcomes")
    leaf(score, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    if item.solution.strip():
        leaf(condition(processing, "general_fb", "Yes"), "other")
    BODIES[item.kind](presentation, processing, item)
    made.append(processing)
    feedback(made, "general_fb", item.solution)
    for index, option in enumerate(item.options):
        if item.kind in ("choice", "choices", "true-false"):
            feedback(made, f"{ident_of(index)}_fb", option.feedback)


def material(parent: Element, text: str, kind: str = "text/html") -> None:
    """A text."""
    leaf(leaf(parent, "material"), "mattext", text, texttype=kind)


def feedback(made: Element, ident: str, text: str) -> None:
    """A text that is shown afterwards."""
    if text.strip():
        flow = leaf(leaf(made, "itemfeedback", ident=ident), "flow_mat")
        material(flow, markup.html(text))


def condition(processing: Element, shown: str = "", go_on: str = "No", score: str = "", action: str = "Set") -> Element:
    """A condition, with what follows from it: a score, a feedback."""
    made = leaf(processing, "respcondition", **{"continue": go_on})
    found = leaf(made, "conditionvar")
    if score:
        leaf(made, "setvar", score, action=action, varname="SCORE")
    if shown:
        leaf(made, "displayfeedback", feedbacktype="Response", linkrefid=shown)
    return found


def ident_of(index: int) -> str:
    """An option's name."""
    return f"option{index + 1}"


def options(presentation: Element, processing: Element, item: Item, cardinality: str) -> None:
    """The options as they are shown, and what is said to each."""
    render = leaf(leaf(presentation, "response_lid", ident="response1", rcardinality=cardinality), "render_choice")
    for index, option in enumerate(item.options):
        label = leaf(render, "response_label", ident=ident_of(index))
        plain = item.kind == "true-false"
        material(label, option.text.capitalize() if plain else markup.html(option.text), "text/plain" if plain else "text/html")
        if option.feedback.strip():
            equal(condition(processing, f"{ident_of(index)}_fb", "Yes"), ident_of(index))


def equal(parent: Element, text: str, response: str = "response1") -> None:
    """The response is that."""
    leaf(parent, "varequal", text, respident=response)


def one(presentation: Element, processing: Element, item: Item) -> None:
    """One option."""
    options(presentation, processing, item, "Single")
    right = next(index for index, option in enumerate(item.options) if option.share == 1)
    equal(condition(processing, score="100"), ident_of(right))


def several(presentation: Element, processing: Element, item: Item) -> None:
    """The right options and no other."""
    options(presentation, processing, item, "Multiple")
    every = leaf(condition(processing, score="100"), "and")
    for index, option in enumerate(item.options):
        equal(every if option.share > 0 else leaf(every, "not"), ident_of(index))


def typed(presentation: Element, **attributes: str) -> None:
    """A place to type in."""
    response = leaf(presentation, "response_str", ident="response1", rcardinality="Single")
    leaf(leaf(response, "render_fib", **attributes), "response_label", ident="answer1")


def number(presentation: Element, processing: Element, item: Item) -> None:
    """The number, or what lies between its bounds."""
    typed(presentation, fibtype="Decimal")
    right = item.numbers[0]
    either = leaf(condition(processing, score="100"), "or")
    equal(either, digits(right.value))
    between = leaf(either, "and")
    leaf(between, "vargte", digits(right.value - right.tolerance), respident="response1")
    leaf(between, "varlte", digits(right.value + right.tolerance), respident="response1")


def words(presentation: Element, processing: Element, item: Item) -> None:
    """One of some words."""
    typed(presentation)
    found = condition(processing, score="100")
    for option in item.right:
        equal(found, option.text)


def match(presentation: Element, processing: Element, item: Item) -> None:
    """A response for each left side."""
    sides = item.sides
    for index, (left, right) in enumerate(item.pairs, 1):
        response = leaf(presentation, "response_lid", ident=f"response{index}")
        material(response, markup.html(left))
        render = leaf(response, "render_choice")
        for place, side in enumerate(sides):
            material(leaf(render, "response_label", ident=ident_of(place)), markup.plain(side), "text/plain")
        share = f"{100 / len(item.pairs):.4f}".rstrip("0").rstrip(".")
        equal(condition(processing, score=share, action="Add", go_on="Yes"), ident_of(sides.index(right)), f"response{index}")


BODIES: dict[str, Callable[[Element, Element, Item], None]] = {
    "choice": one,
    "choices": several,
    "true-false": one,
    "number": number,
    "text": words,
    "match": match,
}
