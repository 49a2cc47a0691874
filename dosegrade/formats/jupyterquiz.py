"""The JSON of jupyterquiz: `display_quiz("quiz.json")` asks the questions in a notebook. Texts are HTML, formulas in `\\( \\)`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from dosegrade.formats import markup
from dosegrade.formats.items import Item, Losses, Sheet
from dosegrade.formats.qti import CREDIT
from dosegrade.formats.text2qti import CHOSEN

Table = dict[str, Any]
RIGHT, WRONG = "Correct.", "Not right. Try again."


def write(sheet: Sheet) -> bytes:
    """The list of questions."""
    made = [table for item in sheet.items for table in questions(item, sheet.losses)]
    return json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"


def questions(item: Item, losses: Losses) -> list[Table]:
    """The question; several for a match."""
    lost(item, losses)
    if item.kind != "match":
        return [KINDS[item.kind](item)]
    losses.add(CHOSEN, item.where)
    return [matched(item, left, right) for left, right in item.pairs]


def lost(item: Item, losses: Losses) -> None:
    """What jupyterquiz has no place for."""
    losses.add("points, titles and worked solutions are lost: it is for practice", item.where)
    if item.hints:
        losses.add("hints are lost", item.where)
    if any(0 < share < 1 for share in (*(o.share for o in item.options), *(n.share for n in item.numbers))):
        losses.add(CREDIT, item.where)


def rich(text: str) -> str:
    """A text in HTML in which jupyterquiz finds no formula or link of its own."""
    return markup.inline_html(text).replace("$", "&#36;").replace("](", "]&#40;")


def question(item: Item, kind: str, answers: list[Table], text: str = "") -> Table:
    """A question of a kind."""
    return {"question": rich(text or item.prompt), "type": kind, "answers": answers}


def option(text: str, right: bool, feedback: str) -> Table:
    """An option."""
    return {"answer": text, "correct": right, "feedback": rich(feedback) or (RIGHT if right else WRONG)}


def choice(item: Item) -> Table:
    """One of some."""
    return question(item, "multiple_choice", [option(rich(o.text), o.share == 1, o.feedback) for o in item.options])


def choices(item: Item) -> Table:
    """Several of some."""
    return question(item, "many_choice", [option(rich(o.text), o.share > 0, o.feedback) for o in item.options])


def truth(item: Item) -> Table:
    """True or false."""
    return question(item, "multiple_choice", [option(o.text.capitalize(), o.share == 1, o.feedback) for o in item.options])


def number(item: Item) -> Table:
    """A value or a range, whose upper end jupyterquiz leaves out."""
    answers: list[Table] = []
    for near in item.numbers:
        said = {"correct": near.share == 1, "feedback": rich(near.feedback) or (RIGHT if near.share == 1 else WRONG)}
        if near.tolerance:
            top = near.value + near.tolerance
            answers.append({"type": "range", "range": [near.value - near.tolerance, math.nextafter(top, math.inf)], **said})
        else:
            answers.append({"type": "value", "value": int(near.value) if near.value == int(near.value) else near.value, **said})
    return question(item, "numeric", [*answers, {"type": "default", "feedback": WRONG}])


def words(item: Item) -> Table:
    """A few words."""
    answers = [{"match_case": False, **option(o.text, o.share == 1, o.feedback)} for o in item.options]
    return question(item, "string", [*answers, {"type": "default", "feedback": WRONG}])


def matched(item: Item, left: str, right: str) -> Table:
    """A choice among the right sides."""
    asked = f"{item.text.rstrip()}\n\nWhich belongs to: {left}"
    return question(item, "multiple_choice", [option(rich(side), side == right, "") for side in item.sides], asked)


KINDS: dict[str, Callable[[Item], Table]] = {
    "choice": choice,
    "choices": choices,
    "true-false": truth,
    "number": number,
    "text": words,
}
