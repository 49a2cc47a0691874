"""A quiz at fixed seeds as items; what only dosegrade can ask is split into single answers or left out, and said so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.formats.items import MAX_ITEMS, Item, Losses, Near, Option, Sheet, tidy
from dosegrade.quiz.kinds import Code, Question, Variant
from dosegrade.quiz.kinds.arranging import Match, Order
from dosegrade.quiz.kinds.byhand import ByHand
from dosegrade.quiz.kinds.choosing import Choice, Choices, TrueFalse
from dosegrade.quiz.kinds.choosing import Option as Choosable
from dosegrade.quiz.kinds.numbers import ArrayQuestion, Number, Numeric
from dosegrade.quiz.kinds.text import Text
from dosegrade.quiz.question import Quiz

MAX_VARIANTS = 100
LEFT_OUT = "left out: only dosegrade can mark a formula or a program"
SPLIT = "split into one question a number; credit for what follows from own earlier values and named mistakes are lost"
REASON = "split into the answer and its reason, which are then marked apart"
PLACES = "the order is asked as a match of places and lines, a place at a time; further right orders are lost"
MARKING = "the marking of several options follows the other system's rule, where wrong ones cost as much as right ones earn"
SPELLING = "answers must be spelt as listed; only upper and lower case are alike"
MISTAKES = "mistakes keep their hints as feedback, not their codes"


def sheet(quiz: Quiz, seed: int = 0, variants: int = 1) -> Sheet:
    """The quiz at the seeds `seed`, `seed + 1`, …: one item a question that does not vary, one a seed for those that do."""
    check_variants(seed, variants)
    losses = Losses()
    items = [item for question in quiz.questions for item in fixed(question, seed, variants, losses)]
    if not items:
        raise SpecError(f"{quiz.id}: there is nothing in it that another system can ask; export it as html, or keep the TOML file.")
    if len(items) > MAX_ITEMS:
        raise SpecError(f"{quiz.id}: this makes {len(items)} questions, at most {MAX_ITEMS} are written; ask for fewer --variants.")
    plain = Sheet(quiz.id, tidy(quiz.title), tidy(quiz.text), tuple(tidy(item) for item in items), losses)
    return plain if plain.title.strip() else replace(plain, title=quiz.id)


def check_variants(seed: int, variants: int) -> None:
    """SpecError for a number of variants, or a seed, that cannot be."""
    if not 1 <= variants <= MAX_VARIANTS or seed < 0:
        raise SpecError(f"found {variants} variants from seed {seed}, expected 1 to {MAX_VARIANTS} variants from a seed of 0 or more.")


def fixed(question: Code | Question[Any], seed: int, variants: int, losses: Losses) -> Iterator[Item]:
    """The items of one question, those of a second seed only where they differ."""
    make = MAKERS.get(question.kind)
    if make is None or isinstance(question, Code):
        losses.add(LEFT_OUT, question.id)
        return
    several = variants > 1 and question.varies
    if question.varies:
        seeds = f"seeds {seed} to {seed + variants - 1}" if variants > 1 else f"seed {seed}"
        losses.add(f"drawn anew for every seed; written as fixed for {seeds}", question.id)
    seen: list[list[Item]] = []
    for each in range(seed, seed + variants if several else seed + 1):
        made = [common(question, item) for item in make(question, question.variant(each), losses)]
        if made not in seen:
            seen.append(made)
            yield from (numbered(item, each) if several else item for item in made)


def numbered(item: Item, seed: int) -> Item:
    """The item of one seed among several."""
    return replace(item, id=f"{item.id}-s{seed}", title=f"{item.name} (seed {seed})")


def common(question: Question[Any], item: Item) -> Item:
    """An item with what does not depend on its kind."""
    return replace(item, origin=question.id, tags=tuple(dict.fromkeys(tag for tag in (question.topic, *question.tags) if tag)))


def base(question: Question[Any], variant: Variant[Any], kind: str) -> Item:
    """An item with the question's own texts."""
    return Item(question.id, kind, variant.text, question.title, question.points, hints=variant.hints, solution=variant.solution)


def part(item: Item, suffix: str, name: str, points: float, ask: str) -> Item:
    """One of several items that a question is split into."""
    return replace(item, id=f"{item.id}-{suffix}", title=f"{item.name}: {name}", points=points, text=f"{item.text.rstrip()}\n\n{ask}")


def told(question: Question[Any], code: str, hint: str, losses: Losses) -> str:
    """What is said to a mistake."""
    if not code:
        return hint
    losses.add(MISTAKES, question.id)
    return hint or question.entry(code).hint


def options(
    question: Question[Any], table: Mapping[str, Choosable], texts: Mapping[str, str], right: frozenset[str], losses: Losses
) -> tuple[Option, ...]:
    """Options in the order of their letters."""
    names = sorted(table) if all(len(name) == 1 for name in table) else list(table)
    return tuple(
        Option(texts[n], 1.0 if n in right else table[n].credit, told(question, table[n].code, table[n].hint, losses)) for n in names
    )


def choice(question: Choice, variant: Variant[Any], losses: Losses) -> list[Item]:
    """One of several."""
    made = options(question, question.options, variant.key.options, variant.key.correct, losses)
    return [replace(base(question, variant, "choice"), options=made)]


def choices(question: Choices, variant: Variant[Any], losses: Losses) -> list[Item]:
    """Several of several."""
    if question.marking != "net":
        losses.add(MARKING, question.id)
    made = options(question, question.options, variant.key.options, variant.key.correct, losses)
    return [replace(base(question, variant, "choices"), options=made)]


def true_false(question: TrueFalse, variant: Variant[Any], losses: Losses) -> list[Item]:
    """True or false, and the reason as a question of its own."""
    wrong = told(question, question.code, question.hint, losses)
    made = tuple(Option(word, float(question.answer is value), "" if question.answer is value else wrong) for word, value in TRUTHS)
    whole = replace(base(question, variant, "true-false"), options=made)
    if not question.reasons:
        return [whole]
    losses.add(REASON, question.id)
    share = question.without_reason
    reasons = options(question, question.reasons, variant.key.options, variant.key.correct, losses)
    ask = f"The right answer is {str(question.answer).lower()}. Because …"
    reason = replace(part(whole, "reason", "the reason", question.points * (1 - share), ask), kind="choice", options=reasons)
    return [*([replace(whole, points=question.points * share)] if share else []), reason]


TRUTHS = (("true", True), ("false", False))


def number(question: Number, variant: Variant[Any], losses: Losses) -> list[Item]:
    """One number and what mistakes give."""
    key = variant.key
    tolerance = 0.0 if question.integer else float(key.tolerance)
    near = [within(key.answer, tolerance)]
    near += [replace(within(x.value, tolerance), share=x.credit, feedback=told(question, x.code, x.hint, losses)) for x in key.lures]
    return [replace(typed(question, base(question, variant, "number")), numbers=tuple(near))]


def within(value: Any, tolerance: Any) -> Near:
    """A number with its tolerance, without the last digits that only computing leaves."""
    return Near(float(f"{float(value):.15g}"), float(f"{float(tolerance):.6g}"))


def typed(question: Numeric, item: Item) -> Item:
    """An item with how its numbers are typed."""
    return replace(item, whole=question.integer, decimals=question.decimals, unit=question.unit)


def array(question: ArrayQuestion, variant: Variant[Any], losses: Losses) -> list[Item]:
    """A number for each entry."""
    key = variant.key
    losses.add(SPLIT, question.id)
    tolerance = np.zeros_like(key.tolerance) if question.integer else key.tolerance
    names = question.entry_names(key.answer.shape)
    return cells(typed(question, base(question, variant, "number")), list(zip(names, key.answer.flat, tolerance.flat, strict=True)))


def by_hand(question: ByHand, variant: Variant[Any], losses: Losses) -> list[Item]:
    """A number for each step's entry, or for each cell of a table."""
    losses.add(SPLIT, question.id)
    found = (table_cells if question.kind == "table" else step_cells)(question, variant)
    return cells(replace(base(question, variant, "number"), decimals=question.decimals), found)


Cell = tuple[str, float, float]


def table_cells(question: ByHand, variant: Variant[Any]) -> list[Cell]:
    """`t = 0, z_A`, row by row."""
    grid, hand = question.fields(variant)[0], variant.key.hand
    names = [f"{row}, {column}" for row in grid.rows for column in grid.columns]
    wide = [np.hstack([np.reshape(part[p.name], (len(grid.rows), -1)) for p in hand.ports]) for part in (hand.truth, variant.key.tolerance)]
    return list(zip(names, wide[0].flat, wide[1].flat, strict=True))


def step_cells(question: ByHand, variant: Variant[Any]) -> list[Cell]:
    """`dW1, row 1, column 2`, step by step."""
    found: list[Cell] = []
    for port in variant.key.hand.ports:
        truth, tolerance = variant.key.hand.truth[port.name], variant.key.tolerance[port.name]
        for index in np.ndindex(truth.shape):
            places = ("row", "column") if len(index) > 1 else ("entry",)
            name = ", ".join([port.name, *(f"{place} {i + 1}" for place, i in zip(places, index, strict=False))])
            found.append((name, truth[index], tolerance[index]))
    return found


def cells(item: Item, found: list[Cell]) -> list[Item]:
    """One item for each named number."""
    worth = item.points / len(found)
    return [
        replace(part(item, str(k), name, worth, f"Your answer here: {name}."), numbers=(within(value, tolerance),))
        for k, (name, value, tolerance) in enumerate(found, 1)
    ]


def text(question: Text, variant: Variant[Any], losses: Losses) -> list[Item]:
    """A few words and those of mistakes."""
    losses.add(SPELLING, question.id)
    made = [Option(word, 1.0) for word in variant.key]
    made += [Option(word, x.credit, told(question, x.code, x.hint, losses)) for x in question.lures for word in x.texts]
    return [replace(base(question, variant, "text"), options=tuple(made))]


def match(question: Match, variant: Variant[Any], losses: Losses) -> list[Item]:
    """Pairs, and right sides that fit nothing."""
    key = variant.key
    if question.lures:
        losses.add("a wrong pair has no feedback of its own", question.id)
    pairs = tuple((left, key.right[key.answer[number]]) for number, left in key.left.items())
    used = {right for _, right in pairs}
    extra = tuple(side for side in key.right.values() if side not in used)
    return [replace(base(question, variant, "match"), pairs=pairs, extra=extra)]


def order(question: Order, variant: Variant[Any], losses: Losses) -> list[Item]:
    """Places matched with lines."""
    losses.add(PLACES, question.id)
    best = variant.key.orders[0]
    pairs = tuple((f"place {k}", variant.key.lines[letter]) for k, letter in enumerate(best, 1))
    extra = tuple(line for letter, line in variant.key.lines.items() if letter not in best)
    return [replace(base(question, variant, "match"), pairs=pairs, extra=extra)]


Maker = Callable[[Any, Variant[Any], Losses], list[Item]]
MAKERS: dict[str, Maker] = {
    "choice": choice,
    "choices": choices,
    "true-false": true_false,
    "number": number,
    "array": array,
    "derivation": by_hand,
    "table": by_hand,
    "text": text,
    "match": match,
    "order": order,
}
