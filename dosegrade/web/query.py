"""What an address says, as values; SpecError in a sentence where it says something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dosegrade.errors import SpecError
from dosegrade.registry import did_you_mean

SHOWN = 30


def known(keys: Iterable[str], names: Collection[str]) -> None:
    """SpecError for the first key that is none of the names."""
    for key in keys:
        if key not in names:
            raise SpecError(f"Found a setting called {key[:SHOWN]!r}, which does not exist.{did_you_mean(key[:SHOWN], names)}")


def number(text: str, where: str = "") -> float:
    """Any number, nan and infinity too; `where` says among what it stands."""
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"Found {text.strip()[:SHOWN]!r}{where}, expected a number.") from None


def whole(text: str) -> int:
    """A whole number from 0, of at most six digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise SpecError(f"Found {text[:SHOWN]!r}, expected a whole number.")
    return int(text)


def flag(text: str) -> bool:
    """1 or 0."""
    if text not in {"0", "1"}:
        raise SpecError(f"Found {text[:SHOWN]!r}, expected 1 for yes or 0 for no.")
    return text == "1"
