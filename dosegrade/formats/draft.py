"""Items as a quiz file of dosegrade: every question is tried before it is written, and left out with a note where it cannot be asked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import tomli_w

from dosegrade.errors import SpecError
from dosegrade.formats.items import MAX_ITEMS, MAX_OPTIONS, MAX_TEXT, Item, Losses, asked_again, tidy, unique
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import RESERVED, parse
from dosegrade.quiz.texts import placeholders

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE = "imported-{}"
_ID = re.compile(r"[^A-Za-z0-9_]+")
_BRACE = re.compile(r"(?<![\w^}\\])\{(?=([^\W\d]\w*)\})")

Table = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """What a file of another format holds; `losses` are what could not be taken."""

    title: str
    items: tuple[Item, ...]
    losses: Losses
    text: str = ""


@dataclass
class Mistakes:
    """The quiz's own mistakes as they are collected: a code for each thing that is said to a wrong answer."""

    codes: dict[str, str]

    def code(self, hint: str) -> str:
        """The code under which it is said."""
        said = hint.strip() or "Look at this answer again."
        return self.codes.setdefault(said, CODE.format(len(self.codes) + 1))

    def table(self, *tables: Table) -> Table:
        """`[mistakes]`, those that the questions use."""
        used = {lure["code"] for each in tables for lure in each.get("lures", ())}
        return {code: {"name": code, "hint": hint} for hint, code in self.codes.items() if code in used}


def written(draft: Draft, where: str) -> str:
    """The text of a quiz file that loads; SpecError where nothing can be taken."""
    if len(draft.items) > MAX_ITEMS:
        raise SpecError(f"{where}: found {len(draft.items)} questions, at most {MAX_ITEMS} are read; split the file.")
    mistakes = Mistakes({})
    tables: list[Table] = []
    for item in draft.items:
        made = tried(tidy(named(asked_again(item), tables)), mistakes, draft.losses)
        if made is not None:
            tables.append(made)
    if not tables:
        reasons = "; ".join(draft.losses.sentences()) or "it has none"
        raise SpecError(f"{where}: no question could be taken: {reasons[:2000]}")
    return whole(draft, mistakes, tables, where)


def whole(draft: Draft, mistakes: Mistakes, tables: list[Table], where: str) -> str:
    """The file, loaded once more as it will be read."""
    top: Table = {"title": " ".join(tidy(draft.title).split()) or "Imported quiz"}
    if draft.text.strip():
        top["text"] = tidy(draft.text)
    if mistakes.codes:
        top["mistakes"] = mistakes.table(*tables)
    source = tomli_w.dumps({**top, "questions": tables}, multiline_strings=True)
    parse("imported", tomllib.loads(source), source, where)
    return source


def named(item: Item, tables: list[Table]) -> Item:
    """The item under an id that a quiz file takes and that is not taken."""
    plain = _ID.sub("-", item.id.encode("ascii", "ignore").decode())[:40].strip("-_").lower()
    if not plain or not plain[0].isalpha() or plain in RESERVED or not plain.replace("-", "_").isidentifier():
        plain = f"q{len(tables) + 1}"
    return replace(item, id=unique(plain, (table["id"] for table in tables)))


def tried(item: Item, mistakes: Mistakes, losses: Losses) -> Table | None:
    """The table of an item that makes a question; without its lures where they lie too near; None where there is none."""
    if (
        max(map(len, (item.text, item.solution, *item.hints, *(o.text for o in item.options)))) > MAX_TEXT
        or len(item.options) > MAX_OPTIONS
    ):
        losses.add(f"left out: it has more than {MAX_TEXT} characters or {MAX_OPTIONS} options", item.id)
        return None
    known = Mistakes(dict(mistakes.codes))
    try:
        made = checked(item, known)
    except SpecError as error:
        if len(item.numbers) > 1:
            losses.add("wrong numbers with a feedback or credit of their own are left out: they lie too near to the right one", item.id)
            return tried(replace(item, numbers=item.numbers[:1]), mistakes, losses)
        losses.add(f"left out: {reason(error)}", item.id)
        return None
    if any(abs(near.tolerance - item.numbers[0].tolerance) > 1e-3 * item.numbers[0].tolerance for near in item.numbers[1:]):
        losses.add("wrong numbers take the tolerance of the right one", item.id)
    mistakes.codes = known.codes
    return made


def reason(error: SpecError) -> str:
    """What is wrong, without the place."""
    return re.sub(r"^import: (?:question '[^']*': )?|^question '[^']*': ", "", str(error))


def checked(item: Item, mistakes: Mistakes) -> Table:
    """An item's table, its question built, its right answer marked; SpecError where one of them fails."""
    made = table(item, mistakes)
    built = parse("imported", {"title": "Import", "mistakes": mistakes.table(made), "questions": [made]}, "", "import").questions[0]
    assert not isinstance(built, Code)
    variant = built.variant(0)
    if item.kind == "number" and float(variant.key.tolerance) < item.numbers[0].tolerance * (1 - 1e-4):
        raise SpecError("its wrong numbers lie within the tolerance of the right one.")
    if built.grade(variant, built.right(variant)).verdict != "correct":
        raise SpecError(f"its own answer would not be marked right: {built.right(variant)!r:.100}.")
    return made


def table(item: Item, mistakes: Mistakes) -> Table:
    """An item's `[[questions]]`."""
    made: Table = {"id": item.id, "kind": item.kind}
    made |= {key: value for key, value in (("title", " ".join(item.title.split())), ("points", item.points)) if value}
    made["text"] = item.text.strip() or item.name
    made |= {key: list(value) for key, value in (("hints", item.hints), ("tags", item.tags)) if value}
    made |= KINDS[item.kind](item, mistakes)
    if item.solution.strip():
        made["solution"] = item.solution.strip()
    return braced(made)


def braced(made: Table) -> Table:
    """The table with braces that look like a placeholder kept as they are: as constants where they are names, else behind a backslash."""
    names: dict[str, str] = {}

    def kept(value: Any) -> Any:
        if isinstance(value, str):
            for name in placeholders(value):
                names[name] = f"{{{name}}}"
            return _BRACE.sub(lambda m: "{" if m[1].isidentifier() else "\\{", value)
        if isinstance(value, list):
            return [kept(part) for part in value]
        return {key: kept(part) for key, part in value.items()} if isinstance(value, Mapping) else value

    changed = {key: kept(value) if key in FILLED else value for key, value in made.items()}
    constants = {name: text for name, text in names.items() if name.isidentifier()}
    return {**changed, "variables": constants} if constants else changed


FILLED = ("text", "solution", "hints", "options", "accept", "pairs", "extra")


def letter(index: int) -> str:
    """`A` to `Z`, then `A1`, …"""
    return LETTERS[index] if index < len(LETTERS) else f"{LETTERS[index % 26]}{index // 26}"


def option_tables(item: Item) -> dict[str, Table]:
    """`options` by letter, as far as they are wrong or right alike."""
    made: dict[str, Table] = {}
    for index, option in enumerate(item.options):
        made[letter(index)] = {"text": option.text.strip() or "(empty)"}
        if option.feedback.strip():
            made[letter(index)]["hint"] = option.feedback.strip()
    return made


def choice(item: Item, mistakes: Mistakes) -> Table:
    """One right option; others may earn a share."""
    if len(item.right) != 1:
        raise SpecError(f"{len(item.right)} options earn all points, expected exactly one.")
    made = option_tables(item)
    for name, option in zip(made, item.options, strict=True):
        if 0 < option.share < 1:
            made[name]["credit"] = option.share
    return {"answer": letter(item.options.index(item.right[0])), "options": made}


def choices(item: Item, mistakes: Mistakes) -> Table:
    """Several right options."""
    made = option_tables(item)
    for name, option in zip(made, item.options, strict=True):
        if option.share > 0:
            made[name]["correct"] = True
    return {"marking": "net", "options": made}


def true_false(item: Item, mistakes: Mistakes) -> Table:
    """The answer, and what is said to the other."""
    answers = {option.text: option for option in item.options}
    answer = answers["true"].share == 1
    hint = answers["false" if answer else "true"].feedback.strip()
    return {"answer": answer, **({"hint": hint} if hint else {})}


def number(item: Item, mistakes: Mistakes) -> Table:
    """The number, its absolute tolerance and what mistakes give."""
    right = item.numbers[0]
    whole = right.tolerance == 0 and right.value == round(right.value)
    value = int(right.value) if whole and abs(right.value) < 1e15 else right.value
    made: Table = {"answer": value, "distance": 0.0}
    if whole:
        made["integer"] = True
    else:
        made |= {"rtol": 0.0, "atol": right.tolerance, "decimals": decimals(item, right.tolerance)}
    if item.unit:
        made["unit"] = item.unit
    lures = [n for n in item.numbers[1:] if n.feedback.strip() or n.share > 0]
    if lures:
        made["lures"] = [{"code": mistakes.code(n.feedback), "value": n.value, "credit": n.share} for n in lures]
    return made


def decimals(item: Item, tolerance: float) -> int:
    """The decimals that are asked for: enough for the tolerance."""
    return next((d for d in range(item.decimals, 13) if 0.5 * 10.0**-d <= tolerance * (1 + 1e-9)), 12)


def text(item: Item, mistakes: Mistakes) -> Table:
    """The words that are right, and those that are not."""
    made: Table = {"accept": [option.text for option in item.right], "spelling": False}
    lures = [o for o in item.options if o.share < 1 and (o.feedback.strip() or o.share > 0)]
    if lures:
        made["lures"] = [{"code": mistakes.code(o.feedback), "texts": [o.text], "credit": o.share} for o in lures]
    return made


def match(item: Item, mistakes: Mistakes) -> Table:
    """The pairs."""
    made: Table = {"pairs": [{"left": left, "right": right} for left, right in item.pairs]}
    return {**made, "extra": list(item.extra)} if item.extra else made


KINDS: dict[str, Callable[[Item, Mistakes], Table]] = {
    "choice": choice,
    "choices": choices,
    "true-false": true_false,
    "number": number,
    "text": text,
    "match": match,
}
