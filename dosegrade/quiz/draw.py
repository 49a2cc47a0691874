"""Draws and vets the points of every question that ships, anew: `python -m dosegrade.quiz.draw`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dosegrade.quiz.points import SEED, places, table
from dosegrade.quiz.question import load, shipped


def written(tables: Iterable[tuple[str, dict[str, Any]]], folder: Path) -> None:
    """Every question's file, anew; a case a line."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, made in tables:
        head = {key: value for key, value in made.items() if key != "cases"}
        lines = ",\n".join(json.dumps(case) for case in made["cases"])
        (folder / f"{name}.json").write_text(f'{json.dumps(head)[:-1]},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> None:
    """Draws and vets the points of every question that ships."""
    codes = [code for name in shipped() for code in load(name).codes]
    made = [(code.id, table(code.exercise, code.built, code.drawn(SEED))) for code in codes]
    written(made, places()[-1] / "points")


if __name__ == "__main__":
    main()
