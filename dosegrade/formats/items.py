"""Items are what quiz systems have in common: a text and fixed answers, in six kinds. Other formats are written from and read as them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from dosegrade.errors import SpecError

T = TypeVar("T")
MAX_ITEMS = 1000
MAX_OPTIONS = 100
MAX_TEXT = 100_000
_NO_TEXT = re.compile("[^\t\n\x20-\ud7ff\uf900-\ufffd\U00010000-\U0001ffff]")
_ASKED = re.compile(r"Give (?:(a whole number)|(\d{1,2}) decimals)(?:, in ([^\n]{1,40}))?\.")


@dataclass(frozen=True)
class Option:
    """A text that can be chosen or typed: `share` of the points from 0 to 1, and what is said to it."""

    text: str
    share: float = 0.0
    feedback: str = ""


@dataclass(frozen=True)
class Near:
    """Numbers within `tolerance` (absolute) of a value earn a share."""

    value: float
    tolerance: float
    share: float = 1.0
    feedback: str = ""


@dataclass(frozen=True)
class Item:
    """One question: kind `choice`, `choices`, `true-false` or `text` (by `options`), `number` (the right one first) or `match`."""

    id: str
    kind: str
    text: str
    title: str = ""
    points: float = 1.0
    options: tuple[Option, ...] = ()
    numbers: tuple[Near, ...] = ()
    whole: bool = False
    decimals: int = 4
    unit: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    extra: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    solution: str = ""
    tags: tuple[str, ...] = ()
    origin: str = ""

    @property
    def where(self) -> str:
        """The question that it was made of."""
        return self.origin or self.id

    @property
    def right(self) -> tuple[Option, ...]:
        """The options with full marks."""
        return tuple(option for option in self.options if option.share == 1)

    @property
    def name(self) -> str:
        """The title, or the id where there is none."""
        return " ".join(self.title.split()) or self.id

    @property
    def prompt(self) -> str:
        """The text, with a sentence on how a number is given."""
        if self.kind != "number":
            return self.text
        size = "a whole number" if self.whole else f"{self.decimals} decimals"
        return f"{self.text.rstrip()}\n\nGive {size}{', in ' + self.unit if self.unit else ''}."

    @property
    def sides(self) -> tuple[str, ...]:
        """The right sides of a match, each once."""
        return tuple(dict.fromkeys([*(right for _, right in self.pairs), *self.extra]))


def asked_again(item: Item) -> Item:
    """An item that was read, its sentence on how a number is given taken back."""
    body, _, last = item.text.rstrip().rpartition("\n\n")
    found = _ASKED.fullmatch(last)
    if item.kind != "number" or found is None or not body:
        return item
    return replace(item, text=body, decimals=min(int(found[2] or item.decimals), 12), unit=found[3] or item.unit)


class Losses:
    """What a format cannot hold, by sentence, with the questions that lose it."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, what: str, where: str) -> None:
        """One loss more."""
        ids = self.found.setdefault(what, [])
        if where not in ids:
            ids.append(where)

    def sentences(self) -> tuple[str, ...]:
        """A sentence for each kind of loss."""
        return tuple(f"{listed(ids)}: {what}" for what, ids in self.found.items())


def listed(ids: list[str]) -> str:
    """`q1, q2 and 7 more`."""
    return ", ".join(ids) if len(ids) <= 8 else f"{', '.join(ids[:7])} and {len(ids) - 7} more"


@dataclass(frozen=True)
class Sheet:
    """A title and its items; `losses` grows while it is written."""

    id: str
    title: str
    text: str
    items: tuple[Item, ...]
    losses: Losses = field(default_factory=Losses)


def tidy(value: T) -> T:
    """The same without characters that no file of text can hold: control characters, half pairs, the private ones used as marks."""
    if isinstance(value, str):
        return _NO_TEXT.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(tidy(part) for part in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        changed: dict[str, Any] = {f.name: tidy(getattr(value, f.name)) for f in fields(value) if not isinstance(f.default, Losses)}
        return replace(value, **changed)
    return value


def few(found: list[T], noun: str = "answers", most: int = MAX_OPTIONS) -> list[T]:
    """What is found, if it is not too much for one question."""
    if len(found) > most:
        raise SpecError(f"it has {len(found)} {noun}, at most {most} are read.")
    return found


def digits(value: float) -> str:
    """A number with all its digits, `14416`, `0.1`, `1e-05`; never -0."""
    whole = int(value) if abs(value) < 1e15 else None
    return str(whole) if whole is not None and whole == value else repr(float(value))


def unique(wanted: str, taken: Iterable[str]) -> str:
    """A name that is not taken: `wanted`, `wanted-2`, …"""
    used = set(taken)
    count, name = 1, wanted
    while name in used:
        count += 1
        name = f"{wanted}-{count}"
    return name
