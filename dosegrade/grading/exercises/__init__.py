"""An exercise is a derivation with a signature: what a function is given, what it promises, and how it is commonly mistaken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.steps import Steps, Values

Array = NDArray[Any]
Answers = list[Values]


@dataclass(frozen=True)
class Port:
    """One argument or returned quantity: its name in the signature, its name in the steps, its shape as the student sees it.

    A shape may hold "n", the number of samples; () is a float. `words` describe a shape that differs from case to case.
    """

    name: str
    quantity: str
    shape: tuple[int | str, ...]
    meaning: str = ""
    words: str = ""

    def size(self, n: int) -> tuple[int, ...]:
        """The shape for n samples."""
        return tuple(n if s == "n" else int(s) for s in self.shape)

    @property
    def described(self) -> str:
        """`float` or `array (n, 3)`."""
        if self.words:
            return self.words
        if not self.shape:
            return "float"
        inside = ", ".join(str(s) for s in self.shape)
        return f"array ({inside},)" if len(self.shape) == 1 else f"array ({inside})"


@dataclass(frozen=True)
class Variant:
    """One way to make a mistake: the steps rewritten, the answers changed, or both.

    `answers` gets the answers to all calls in order and the inputs of each call. `reshapes`: what it gives has another shape than
    promised, or no numbers in places, and is recognised by its shape and its numbers. `says`: what is particular to it, for the student.
    """

    rewrite: Callable[[Steps], Steps] | None = None
    answers: Callable[[Answers, Sequence[Values]], Answers] | None = None
    reshapes: bool = False
    says: str = ""


@dataclass(frozen=True)
class Fit:
    """A mistake with one free number: `estimate(student, reference, inputs)` proposes it from the first call, all calls confirm it.

    `says` names the number to the student, `{0}`.
    """

    variant: Callable[[float], Variant]
    estimate: Callable[[Answers, Answers, Sequence[Values]], Sequence[float]]
    says: str


@dataclass(frozen=True)
class Mistake:
    """A catalogue entry as this exercise shows it; `also` names the codes that compute the same here."""

    code: str
    variants: tuple[Variant, ...] = ()
    fits: tuple[Fit, ...] = ()
    also: tuple[str, ...] = ()


class Later(Sequence[Mistake]):
    """Mistakes that are made when first asked for: a right answer is marked without them."""

    def __init__(self, make: Callable[[], Iterable[Mistake]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> tuple[Mistake, ...]:
        return tuple(self._make())

    @overload
    def __getitem__(self, index: int) -> Mistake: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mistake]: ...
    def __getitem__(self, index: int | slice) -> Mistake | Sequence[Mistake]:
        return self._made[index]

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self._made)


@dataclass(frozen=True)
class Case:
    """One call: the quantities that the steps start from, and the arguments as the student's function gets them.

    `sizes` holds the shapes that are this case's own, by the name of what is returned.
    """

    inputs: Values
    arguments: tuple[Any, ...]
    n: int
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def size(self, port: Port) -> tuple[int, ...]:
        """The shape of what is returned at this call."""
        return self.sizes.get(port.name) or port.size(self.n)


@dataclass(frozen=True)
class Exercise:
    """A derivation (`derive(inputs)`), its signature, how to draw a case, and its mistakes.

    `draw(rng, k)` gives the k-th case, already filtered by DOMAIN D.3, `probe(rng)` an unfiltered one; `returns` are the checks, in order;
    `single` says that one array is returned instead of a dict; `accepted` are rewritten derivations that are right too.
    """

    derive: Callable[[Values], Steps]
    arguments: tuple[Port, ...]
    returns: tuple[Port, ...]
    draw: Callable[[np.random.Generator, int], Case]
    probe: Callable[[np.random.Generator], Case]
    mistakes: Sequence[Mistake]
    count: int = 10
    single: bool = False
    case_noun: str = "sample"
    accepted: tuple[Callable[[Steps], Steps], ...] = ()

    def case_words(self, case: Case) -> str:
        """What distinguishes a case, in words: ` (5 samples)`; nothing where `case_noun` is empty."""
        return f" ({case.n} {self.case_noun}{'' if case.n == 1 else 's'})" if self.case_noun else ""

    @cached_property
    def promised(self) -> tuple[str, ...]:
        """The names of what is returned."""
        return tuple(port.name for port in self.returns)


@dataclass(frozen=True)
class Family:
    """What a quiz's `[questions.exercise]` table may name: the dataclass of its keys, and `make(table, returned)`."""

    table: type[Any]
    make: Callable[[Any, tuple[str, ...]], Exercise]


def renamed(names: Mapping[str, str], quantities: Iterable[str]) -> dict[str, str]:
    """Our names by the course's; SpecError where it has one name for two quantities."""
    ours: dict[str, str] = {}
    for quantity in quantities:
        name = names.get(quantity, quantity)
        if name in ours:
            raise SpecError(f"names: '{name}' stands for both {ours[name]} and {quantity}; give each a name of its own.")
        ours[name] = quantity
    return ours
