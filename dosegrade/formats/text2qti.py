"""The text format of text2qti: Markdown with `$…$` formulas; text2qti makes a QTI archive of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dosegrade.formats.items import Item, Losses, Near, Sheet, digits
from dosegrade.formats.qti import lost

LEAST = 1e-4
CHOSEN = "a match becomes one choice a left side"
FINE = "left out: text2qti keeps four decimals of a number, and this one needs more"
WIDENED = "tolerances below 0.0001 are widened to it, as text2qti keeps four decimals"
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\s](?:[^$]*[^$\s])?)\$|(```[^`]*```|`[^`\n]+`)|(<)|(!\[)")


def write(sheet: Sheet) -> bytes:
    """The file."""
    head = ["Quiz title: " + " ".join(sheet.title.split())]
    if sheet.text.strip():
        head += ["Quiz description: " + hung(sheet.text, "  ")]
    seen: set[str] = set()
    blocks = [block for item in sheet.items for block in question(item, sheet.losses, seen)]
    numbered = [f"Title: {title}\nPoints: {points}\n{f'{index}.':<6}{body}" for index, (title, points, body) in enumerate(blocks, 1)]
    return ("\n".join(head) + "\n\n" + "\n\n".join(numbered) + "\n").encode()


Block = tuple[str, str, str]


def question(item: Item, losses: Losses, seen: set[str]) -> Iterator[Block]:
    """Title, points and body of a question; several for a match."""
    lost(item, losses)
    if item.kind == "match":
        losses.add(CHOSEN, item.where)
        worth = item.points / len(item.pairs)
        for left, right in item.pairs:
            asked = f"{item.text.rstrip()}\n\nWhich belongs to: {left}"
            yield item.name, points(item, worth, losses), body(item, asked, matched(item, right), seen)
    elif item.kind != "number":
        yield item.name, points(item, item.points, losses), body(item, item.prompt, ANSWERS[item.kind](item), seen)
    elif (number := response(item.numbers[0])) is None:
        losses.add(FINE, item.where)
    else:
        if 0 < item.numbers[0].tolerance < LEAST:
            losses.add(WIDENED, item.where)
        yield item.name, points(item, item.points, losses), body(item, item.prompt, [f"=   {number}"], seen)


def points(item: Item, worth: float, losses: Losses) -> str:
    """Whole or half points, which text2qti wants."""
    halves = max(1, round(2 * worth))
    if abs(halves / 2 - worth) > 1e-9:
        losses.add("points are rounded to halves", item.where)
    return digits(halves / 2)


def body(item: Item, text: str, answers: list[str], seen: set[str]) -> str:
    """Text, solution and answers; text2qti refuses a text that was there before, so it is counted."""
    count = 1
    wanted = text = markdown(text) or item.name
    while " ".join(text.split()) in seen:
        count += 1
        text = f"{wanted}\n\n(Question {count} of this kind.)"
    seen.add(" ".join(text.split()))
    solution = ["!   " + hung(item.solution, "    ")] if item.solution.strip() else []
    return "\n".join([indented(text, " " * 6), *solution, *answers])


def hung(text: str, indent: str) -> str:
    """A text whose further lines are indented; something where there is nothing."""
    return indented(markdown(text) or "—", indent)


def indented(text: str, indent: str) -> str:
    """The lines after the first indented."""
    return "\n".join(indent + line.rstrip() if k and line.strip() else line.rstrip() for k, line in enumerate(text.split("\n")))


def markdown(text: str) -> str:
    """A text as text2qti reads it: formulas inline and on one line, tags as text, no image."""

    def put(match: re.Match[str]) -> str:
        if match[4] or match[5]:
            return "&lt;" if match[4] else "!\\["
        if match[3]:
            return match[3]
        return f"${' '.join((match[1] or match[2]).split())}$"

    return _FORMULA.sub(put, text.expandtabs(4)).strip()


def option(sign: str, text: str, feedback: str) -> str:
    """An option and what is said to it."""
    indent = " " * (len(sign) + 1)
    said = [f"...{' ' * max(1, len(indent) - 3)}" + hung(feedback, " " * max(4, len(indent)))] if feedback.strip() else []
    return "\n".join([f"{sign} {hung(text, indent)}", *said])


def choice(item: Item) -> list[str]:
    """`*a)` and `b)`."""
    signs = (f"{'*' if o.share == 1 else ''}{chr(97 + k % 26)})" for k, o in enumerate(item.options))
    return [option(sign, o.text, o.feedback) for sign, o in zip(signs, item.options, strict=True)]


def choices(item: Item) -> list[str]:
    """`[*]` and `[ ]`."""
    return [option("[*]" if o.share > 0 else "[ ]", o.text, o.feedback) for o in item.options]


def truth(item: Item) -> list[str]:
    """True and False."""
    return [option("*a)" if o.share == 1 else "b)", o.text.capitalize(), o.feedback) for o in item.options]


def words(item: Item) -> list[str]:
    """`*` and each right answer, once."""
    return [f"*   {text}" for text in dict.fromkeys(" ".join(o.text.split()) for o in item.right)]


def matched(item: Item, right: str) -> list[str]:
    """The right sides as options."""
    return [option(f"{'*' if side == right else ''}{chr(97 + k % 26)})", side, "") for k, side in enumerate(item.sides)]


def response(right: Near) -> str | None:
    """The number with its bounds; None where four decimals do not hold it."""
    value, tolerance = right.value, right.tolerance
    if tolerance == 0 and value == round(value):
        return digits(value) if value else "[-0.4, 0.4]"
    if tolerance < LEAST and 0 < abs(value) < 50 * LEAST:
        return None
    tolerance = max(tolerance, LEAST)
    low, high = value - tolerance, value + tolerance
    if min(abs(low), abs(high)) >= LEAST:
        return f"{digits(value)} +- {digits(tolerance)}"
    return f"[{digits(low if abs(low) >= LEAST else -LEAST)}, {digits(high if abs(high) >= LEAST else LEAST)}]"


ANSWERS: dict[str, Callable[[Item], list[str]]] = {"choice": choice, "choices": choices, "true-false": truth, "text": words}
