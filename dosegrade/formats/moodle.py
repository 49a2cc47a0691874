"""Moodle XML, as Moodle's own `question/format/xml/format.php` does it: HTML texts, formulas in `\\( \\)`, absolute tolerances."""

from __future__ import annotations

from dosegrade.formats import markup
from dosegrade.formats.fractions import fitted, percent, shares
from dosegrade.formats.items import Item, Losses, Sheet, digits
from dosegrade.formats.trees import Element, leaf
from dosegrade.formats.trees import written as file_of

TYPES = {
    "choice": "multichoice",
    "choices": "multichoice",
    "true-false": "truefalse",
    "number": "numerical",
    "text": "shortanswer",
    "match": "matching",
}
MARGIN = "formulas on the right of a match are shown as TeX"


def write(sheet: Sheet) -> bytes:
    """The file, a category named after the quiz first."""
    root = Element("quiz")
    category = leaf(root, "question", type="category")
    leaf(leaf(category, "category"), "text", "$course$/top/" + " ".join(sheet.title.split()).replace("/", "//"))
    if sheet.text.strip():
        rich(category, "info", sheet.text)
    for item in sheet.items:
        found = fitted(item, sheet.losses)
        if found is not None:
            question(root, found, sheet.losses)
    return file_of(root)


def rich(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    """An element with a text in HTML."""
    made = leaf(parent, tag, **attributes, format="html")
    leaf(made, "text", markup.html(text) if text.strip() else "")
    return made


def question(root: Element, item: Item, losses: Losses) -> None:
    """One question, its elements in Moodle's order."""
    made = leaf(root, "question", type=TYPES[item.kind])
    leaf(leaf(made, "name"), "text", item.name)
    rich(made, "questiontext", item.prompt)
    rich(made, "generalfeedback", item.solution)
    leaf(made, "defaultgrade", digits(item.points))
    leaf(made, "penalty", "1" if item.kind == "true-false" else "0.3333333")
    leaf(made, "hidden", "0")
    leaf(made, "idnumber", item.id)
    BODIES[item.kind](made, item, losses)
    for hint in item.hints:
        rich(made, "hint", hint)
    if item.tags:
        tags = leaf(made, "tags")
        for tag in item.tags:
            leaf(leaf(tags, "tag"), "text", tag)


def answer(made: Element, text: str, share: float, feedback: str, form: str = "moodle_auto_format") -> Element:
    """One answer with its fraction."""
    found = leaf(made, "answer", fraction=percent(share), format=form)
    leaf(found, "text", text)
    rich(found, "feedback", feedback)
    return found


def combined(made: Element) -> None:
    """The feedback that questions with several parts have."""
    for tag in ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"):
        rich(made, tag, "")


def choice_body(made: Element, item: Item, losses: Losses) -> None:
    """One or several of some options, in their order."""
    single = item.kind == "choice"
    for tag, text in (("single", str(single).lower()), ("shuffleanswers", "false"), ("answernumbering", "ABCD")):
        leaf(made, tag, text)
    leaf(made, "showstandardinstruction", "0" if single else "1")
    combined(made)
    weights = [option.share for option in item.options] if single else shares(item)
    for option, weight in zip(item.options, weights, strict=True):
        answer(made, markup.html(option.text), weight, option.feedback, "html")


def truth_body(made: Element, item: Item, losses: Losses) -> None:
    """True and false."""
    for option in item.options:
        answer(made, option.text, option.share, option.feedback)


def number_body(made: Element, item: Item, losses: Losses) -> None:
    """Numbers, and the unit, which may be left out."""
    for number in item.numbers:
        leaf(answer(made, digits(number.value), number.share, number.feedback), "tolerance", digits(number.tolerance))
    if item.unit:
        unit = leaf(leaf(made, "units"), "unit")
        leaf(unit, "multiplier", "1")
        leaf(unit, "unit_name", item.unit)
    leaf(made, "unitgradingtype", "0")
    leaf(made, "unitpenalty", "0.1")
    leaf(made, "showunits", "0" if item.unit else "3")
    leaf(made, "unitsleft", "0")


def text_body(made: Element, item: Item, losses: Losses) -> None:
    """Words; a star would stand for anything."""
    leaf(made, "usecase", "0")
    for option in item.options:
        answer(made, option.text.replace("*", "\\*"), option.share, option.feedback)


def match_body(made: Element, item: Item, losses: Losses) -> None:
    """Pairs; a right side that fits nothing has an empty left one."""
    leaf(made, "shuffleanswers", "true")
    combined(made)
    if any("$" in side for side in item.sides):
        losses.add(MARGIN, item.where)
    for left, right in (*item.pairs, *(("", side) for side in item.extra)):
        pair = rich(made, "subquestion", left)
        leaf(leaf(pair, "answer"), "text", markup.plain(right))


BODIES = {
    "choice": choice_body,
    "choices": choice_body,
    "true-false": truth_body,
    "number": number_body,
    "text": text_body,
    "match": match_body,
}
