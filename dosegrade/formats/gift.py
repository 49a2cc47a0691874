"""GIFT, Moodle's text format, as its `question/format/gift/format.php` writes it: texts in HTML, `~ = # { } :` escaped."""

from __future__ import annotations

import re

from dosegrade.formats import markup
from dosegrade.formats.fractions import fitted, percent, shares
from dosegrade.formats.items import Item, Losses, Sheet, digits
from dosegrade.formats.moodle import MARGIN

_RESERVED = re.compile(r"[\\~=#{}:]")


def write(sheet: Sheet) -> bytes:
    """The file; what GIFT has no place for is lost."""
    title = " ".join(sheet.title.split())
    blocks = [f"// {title}\n$CATEGORY: $course$/top/{title.replace('/', '//')}"]
    for item in sheet.items:
        found = fitted(item, sheet.losses)
        if found is not None:
            lost(found, sheet.losses)
            blocks.append(question(found))
    return ("\n\n".join(blocks) + "\n").encode()


def lost(item: Item, losses: Losses) -> None:
    """What GIFT has no place for."""
    if item.points != 1:
        losses.add("points are lost: every question counts one", item.where)
    if item.hints:
        losses.add("hints are lost", item.where)
    if item.kind == "match" and any("$" in side for side in item.sides):
        losses.add(MARGIN, item.where)


def question(item: Item) -> str:
    """One question: a comment with its id and tags, its name, text and answers."""
    tags = "".join(f" [tag:{label(tag)}]" for tag in item.tags)
    general = f"\t####{rich(item.solution)}\n" if item.solution.strip() else ""
    head = f"// [id:{label(item.id)}]{tags}\n::{safe(item.name)}::[html]{rich(item.prompt)}"
    return f"{head}{{{BODIES[item.kind](item)}{general}}}"


def label(text: str) -> str:
    """An id or a tag in a comment."""
    return re.sub(r"[\[\]\s]+", "-", text)


def safe(text: str) -> str:
    """A text with its reserved signs escaped, on one line."""
    return _RESERVED.sub(lambda m: "\\" + m[0], " ".join(text.split()))


def rich(text: str) -> str:
    """A text in HTML, escaped; a share is never read out of its first sign."""
    made = markup.inline_html(text)
    return safe("&#37;" + made[1:] if made.startswith("%") else made)


def said(feedback: str) -> str:
    """`#` and what is said."""
    return f"#{rich(feedback)}" if feedback.strip() else ""


def choice_body(item: Item) -> str:
    """`=` and `~`."""
    signs = ("=" if o.share == 1 else f"~%{percent(o.share)}%" if o.share else "~" for o in item.options)
    return "\n" + "".join(f"\t{sign}{rich(o.text)}{said(o.feedback)}\n" for sign, o in zip(signs, item.options, strict=True))


def choices_body(item: Item) -> str:
    """Weights, nothing being fully right."""
    weights = (f"~%{percent(share)}%" for share in shares(item))
    return "\n" + "".join(f"\t{w}{rich(o.text)}{said(o.feedback)}\n" for w, o in zip(weights, item.options, strict=True))


def truth_body(item: Item) -> str:
    """`TRUE#what is said to a wrong answer#what is said to a right one`."""
    right, wrong = sorted(item.options, key=lambda o: o.share, reverse=True)
    feedback = f"#{rich(wrong.feedback)}" if wrong.feedback.strip() or right.feedback.strip() else ""
    return right.text.upper() + feedback + said(right.feedback) + ("\n" if item.solution.strip() else "")


def number_body(item: Item) -> str:
    """`#` and numbers with their tolerances."""
    return "#\n" + "".join(f"\t=%{percent(n.share)}%{digits(n.value)}:{digits(n.tolerance)}{said(n.feedback)}\n" for n in item.numbers)


def text_body(item: Item) -> str:
    """Words with their weights; a star would stand for anything."""
    starred = ((o, safe(o.text.replace("*", "\\*"))) for o in item.options)
    return "\n" + "".join(f"\t=%{percent(o.share)}%{text}{said(o.feedback)}\n" for o, text in starred)


def match_body(item: Item) -> str:
    """`=left -> right`."""
    pairs = (*item.pairs, *(("", side) for side in item.extra))
    return "\n" + "".join(f"\t={rich(left)} -> {safe(markup.plain(right))}\n" for left, right in pairs)


BODIES = {
    "choice": choice_body,
    "choices": choices_body,
    "true-false": truth_body,
    "number": number_body,
    "text": text_body,
    "match": match_body,
}
