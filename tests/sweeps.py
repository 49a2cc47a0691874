"""How far sweeps go: a share of each in the default run, the whole where DOSEGRADE_THOROUGH is set, as `.ci/run` does."""

import os
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")
THOROUGH = os.environ.get("DOSEGRADE_THOROUGH", "0") != "0"


def many(whole: int, share: int) -> int:
    """As many seeds, programs or formulas as this run looks at."""
    return whole if THOROUGH else share


def some(cases: Iterable[Case], share: int, start: int) -> list[Case]:
    """All of an inner sweep, or each `share`-th from `start` on: with other starts in the outer sweep nothing is left out."""
    every = list(cases)
    return every if THOROUGH else every[start % min(share, len(every)) :: share]
