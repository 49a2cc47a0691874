"""Moodle's fractions: an answer's share of the marks is one of a fixed list (`question/engine/bank.php`); others are refused."""

from __future__ import annotations

from dataclasses import replace

from dosegrade.formats.items import Item, Losses, Near, Option

POSITIVE = (1.0, 0.9, 5 / 6, 0.8, 0.75, 0.7, 2 / 3, 0.6, 0.5, 0.4, 1 / 3, 0.3, 0.25, 0.2, 1 / 6, 1 / 7, 1 / 8, 1 / 9, 0.1, 0.05)
FRACTIONS = (*POSITIVE, 0.0, *(-f for f in reversed(POSITIVE)))
MAX_RIGHT = 20


def nearest(share: float) -> float:
    """The fraction of the list that is nearest, 1 only for 1."""
    pool = FRACTIONS if share == 1 else FRACTIONS[1:]
    return min(pool, key=lambda f: abs(f - share))


def percent(fraction: float) -> str:
    """A fraction in percent with the digits that Moodle writes."""
    return f"{100 * fraction:.5f}".rstrip("0").rstrip(".")


def of_percent(text: str) -> float:
    """The fraction that a percentage stands for, the list's own where it is near; 0 where there is none."""
    try:
        share = float(text) / 100
    except ValueError:
        return 0.0
    if not abs(share) <= 1:
        return 0.0
    near = min(FRACTIONS, key=lambda f: abs(f - share))
    return near if abs(near - share) < 0.005 else share


def shares(item: Item) -> list[float]:
    """A fraction for each option of several: the right ones sum to 1, a wrong one costs what a right one earns."""
    right = sum(option.share > 0 for option in item.options)
    tenths = 20 - right if right > 10 else 0  # 11 to 20 right ones: so many tenths, the others twentieths
    each = [0.1] * tenths + [0.05] * (right - tenths) if right > 10 else [nearest(1 / right)] * right
    wrong = -nearest(1 / right)
    earned = iter(each)
    return [next(earned) if option.share > 0 else wrong for option in item.options]


def fitted(item: Item, losses: Losses) -> Item | None:
    """The item with shares of the list; None for more right options than the list can share among."""
    if item.kind == "choices" and len(item.right) > MAX_RIGHT:
        losses.add(f"left out: more than {MAX_RIGHT} right options", item.where)
        return None
    options = tuple(near_option(option) for option in item.options)
    numbers = tuple(near_number(number) for number in item.numbers)
    if options != item.options or numbers != item.numbers:
        losses.add("credit for wrong answers is rounded to Moodle's list of fractions", item.where)
    return replace(item, options=options, numbers=numbers)


def near_option(option: Option) -> Option:
    """The option with a share of the list."""
    return replace(option, share=near(option.share))


def near_number(number: Near) -> Near:
    """The number with a share of the list."""
    return replace(number, share=near(number.share))


def near(share: float) -> float:
    """A share as it is, where it is in the list but for rounding."""
    found = nearest(share)
    return share if abs(found - share) < 1e-6 else found
