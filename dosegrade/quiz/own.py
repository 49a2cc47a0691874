"""A mistake of a quiz's own, beside those of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Own:
    """`[mistakes.L01]` with a name and a hint."""

    name: str
    hint: str
