"""The points at which the questions that ship are asked by default: drawn and vetted once, `quizzes/points/ID.json` (DOMAIN D.6).

An exercise that is described otherwise than its file says, and every other seed, is drawn and vetted when asked for.
After a change of an exercise's draws or mistakes, `python -m dosegrade.quiz.draw` writes the files anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import Case, Exercise, Later, Mistake

SEED = 0


def places() -> tuple[Path, ...]:
    """Where quizzes that ship lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    return tuple(p for p in (package / "quizzes", package.parent / "quizzes") if p.is_dir())


def ready(name: str, description: Mapping[str, Any], built: Exercise) -> Bank | None:
    """The bank of a question's shipped points; None where there are none for an exercise of this description."""
    files = (place / "points" / f"{name}.json" for place in places())
    path = next((file for file in files if file.is_file()), None)
    table = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    if not table or table["exercise"] != description or tuple(table["returns"]) != built.promised:
        return None
    cases = [Case(**{key: unpacked(value) for key, value in case.items()}) for case in table["cases"]]
    return Bank(replace(built, mistakes=Later(lambda: kept(built, table["struck"]))), cases)


def kept(built: Exercise, struck: Mapping[str, list[int]]) -> Sequence[Mistake]:
    """The mistakes without the variants that stand at some places of some codes."""
    from dosegrade.grading.vetting import without

    return without(built, [mistake.variants[k] for mistake in built.mistakes for k in struck.get(mistake.code, ())]).mistakes


def table(description: Mapping[str, Any], built: Exercise, bank: Bank) -> dict[str, Any]:
    """What a question's file holds: its exercise, its cases, and by code the variants that are no mistakes for it."""
    live = {id(v) for m in bank.exercise.mistakes for v in m.variants}
    gone = {m.code: [k for k, v in enumerate(m.variants) if id(v) not in live] for m in built.mistakes}
    cases = [{"inputs": c.inputs, "arguments": c.arguments, "n": c.n, "sizes": c.sizes} for c in bank.cases]
    return {
        "exercise": description,
        "returns": list(built.promised),
        "struck": {code: places for code, places in gone.items() if places},
        "cases": [{key: packed(value) for key, value in case.items()} for case in cases],
    }


def packed(value: Any) -> Any:
    """A value as JSON holds it: arrays and tuples by their names."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, tuple):
        return {"tuple": [packed(item) for item in value]}
    if isinstance(value, list):
        return [packed(item) for item in value]
    if isinstance(value, Mapping):
        return {"dict": {key: packed(item) for key, item in value.items()}}
    return value.item() if isinstance(value, np.generic) else value


def unpacked(value: Any) -> Any:
    """The value that was packed."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"])
    if "tuple" in value:
        return tuple(unpacked(item) for item in value["tuple"])
    return {key: unpacked(item) for key, item in value["dict"].items()}
