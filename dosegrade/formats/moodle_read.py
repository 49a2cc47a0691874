"""Reads Moodle XML: the kinds that dosegrade has, with their weights, tolerances, feedback and hints; the rest is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dosegrade.errors import SpecError
from dosegrade.formats import markup
from dosegrade.formats.draft import Draft
from dosegrade.formats.fractions import of_percent
from dosegrade.formats.items import Item, Losses, Near, Option, few
from dosegrade.formats.trees import Element, said, tree


def read(data: bytes) -> Draft:
    """The questions of a file; kinds that dosegrade does not have are named among the losses."""
    root = tree(data)
    if root.tag != "quiz":
        raise SpecError(f"found <{root.tag[:40]}>, expected <quiz>, as in a Moodle XML export.")
    losses = Losses()
    category = said(root.find("question[@type='category']"), "category/text").replace("//", "\0").rpartition("/")[2].replace("\0", "/")
    info = root.find("question[@type='category']/info")
    items = [item for index, q in enumerate(root.iter("question"), 1) for item in taken(q, f"question {index}", losses)]
    return Draft(category, tuple(items), losses, "" if info is None else rich_text(info, "category", losses))


def taken(question: Element, where: str, losses: Losses) -> Iterator[Item]:
    """The item of a question, if it makes one."""
    kind = (question.get("type") or "").strip()
    if kind == "category":
        return
    title = said(question, "name/text")
    name = said(question, "idnumber") or title or where
    if kind not in READERS:
        losses.add(f"left out: the question type '{kind[:40]}' is not read", name[:60])
        return
    body = question.find("questiontext")
    text = rich_text(body, name, losses) if body is not None else ""
    item = Item(name, "text", text, title, points(said(question, "defaultgrade")))
    hints = tuple(filter(None, (rich_text(hint, name, losses) for hint in question.findall("hint"))))
    general = question.find("generalfeedback")
    solution = rich_text(general, name, losses) if general is not None else ""
    tags = tuple(filter(None, (said(tag, "text") for tag in question.findall("tags/tag"))))
    try:
        yield READERS[kind](question, replace(item, hints=hints, solution=solution, tags=tags), losses)
    except SpecError as error:
        losses.add(f"left out: {error}", name[:60])


def points(text: str) -> float:
    """The points; 1 where there are none that count."""
    try:
        found = float(text)
    except ValueError:
        return 1.0
    return found if 0 < found <= 1000 else 1.0


def rich_text(parent: Element, name: str, losses: Losses) -> str:
    """A text of any of Moodle's formats."""
    raw = said(parent, "text") or (parent.text or "").strip()
    form = (parent.get("format") or "html").strip()
    if form == "plain_text":
        return markup.settled(raw)
    if form == "markdown":
        return raw
    found = markup.Read(raw, breaks=form == "moodle_auto_format")
    if found.images:
        losses.add("images are left out", name[:60])
    return found.text


def answers(question: Element, losses: Losses, name: str, plain: bool = True) -> list[Option]:
    """The answers with their shares."""
    found = []
    for each in few(question.findall("answer")):
        text = said(each, "text") or (each.text or "").strip()
        feedback = each.find("feedback")
        fraction = said(each, "fraction") or each.get("fraction") or "0"
        words = text if plain else rich_text(each, name, losses)
        found.append(Option(words, of_percent(fraction), "" if feedback is None else rich_text(feedback, name, losses)))
    return found


def read_choice(question: Element, item: Item, losses: Losses) -> Item:
    """One or several of some options."""
    found = answers(question, losses, item.id, plain=False)
    if said(question, "single") in ("false", "0"):
        return several(item, found, losses)
    return replace(item, kind="choice", options=tuple(Option(o.text, max(0.0, o.share), o.feedback) for o in found))


def several(item: Item, found: list[Option], losses: Losses) -> Item:
    """Several options by their weights: those above 0 are right."""
    right = sum(o.share > 0 for o in found)
    uneven = [o for o in found if abs(abs(o.share) - 1 / max(right, 1)) > 0.05]
    if uneven:
        losses.add("weights of several options are taken as equal: wrong ones cost as much as right ones earn", item.where)
    return replace(item, kind="choices", options=tuple(Option(o.text, float(o.share > 0), o.feedback) for o in found))


def read_truth(question: Element, item: Item, losses: Losses) -> Item:
    """True and false; where they are words of another language, true stands first."""
    found = answers(question, losses, item.id)
    words = [o.text.lower() for o in found]
    if len(found) != 2 or sorted(o.share == 1 for o in found) != [False, True]:
        raise SpecError("expected the answers true and false, one of them right.")
    names = words if sorted(words) == ["false", "true"] else ["true", "false"]
    made = tuple(
        Option(n, float(o.share == 1), o.feedback) for n, o in sorted(zip(names, found, strict=True), key=lambda p: p[0] != "true")
    )
    return replace(item, kind="true-false", options=made)


def read_number(question: Element, item: Item, losses: Losses) -> Item:
    """Numbers with their tolerances; an answer `*` is what is said to all others and is left out."""
    found = []
    for option, each in zip(answers(question, losses, item.id), question.findall("answer"), strict=True):
        if option.text.strip() != "*":
            found.append(Near(finite(option.text), abs(finite(said(each, "tolerance") or "0")), max(0.0, option.share), option.feedback))
        elif option.feedback:
            losses.add("what is said to every other answer is left out", item.where)
    return replace(item, kind="number", numbers=right_first(found), unit=said(question, "units/unit/unit_name")[:40])


def finite(text: str) -> float:
    """A finite number; SpecError for anything else."""
    try:
        found = float(text.strip()) if len(text) <= 64 else float("nan")
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e300:
        raise SpecError(f"found '{text[:40]}', expected a number.")
    return found


def right_first(found: list[Near]) -> tuple[Near, ...]:
    """The one right number first; SpecError for none or several."""
    right = [n for n in found if n.share == 1]
    if len(right) != 1:
        raise SpecError(f"{len(right)} numbers earn all points, expected exactly one.")
    return (right[0], *(n for n in found if n.share < 1))


def read_text(question: Element, item: Item, losses: Losses) -> Item:
    """Words; a star that stands for anything cannot be taken."""
    return replace(item, kind="text", options=words(answers(question, losses, item.id), item.id, losses))


def words(found: list[Option], name: str, losses: Losses) -> tuple[Option, ...]:
    """Answers without those that have a star for anything in them."""
    kept = [o for o in found if "*" not in o.text.replace("\\*", "")]
    if len(kept) < len(found):
        losses.add("answers with a * for anything are left out", name)
    return tuple(Option(o.text.replace("\\*", "*"), max(0.0, o.share), o.feedback) for o in kept)


def read_match(question: Element, item: Item, losses: Losses) -> Item:
    """Pairs, those without a left side as right sides that fit nothing."""
    found = [(rich_text(each, item.id, losses), markup.settled(said(each, "answer/text"))) for each in few(question.findall("subquestion"))]
    pairs, extra = tuple(p for p in found if p[0]), tuple(right for left, right in found if not left and right)
    return replace(item, kind="match", pairs=pairs, extra=extra)


READERS = {
    "multichoice": read_choice,
    "truefalse": read_truth,
    "numerical": read_number,
    "shortanswer": read_text,
    "matching": read_match,
    "match": read_match,
}
