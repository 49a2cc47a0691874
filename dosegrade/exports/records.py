"""Weights and history of a run as JSON and CSV; a number that is none is null in JSON and empty in CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from dosegrade.nn.config import Config
from dosegrade.nn.network import Params
from dosegrade.nn.training import Frame


def weights_json(config: Config, epoch: int, params: Params) -> str:
    """Settings, epoch, and each parameter as nested lists: W (inputs, units), b (units,)."""
    values = {name: np.asarray(value).tolist() for name, value in params.items()}
    return json.dumps({"config": asdict(config), "epoch": epoch, "weights": values}, indent=1) + "\n"


def weights_csv(params: Params) -> str:
    """A row a number: parameter, from, to, value; a bias comes from nowhere."""
    rows = []
    for name, value in params.items():
        for index, number in np.ndenumerate(value):
            origin, unit = ("", index[0]) if len(index) == 1 else index
            rows.append([name, origin, unit, repr(float(number))])
    return table(["parameter", "from", "to", "value"], rows)


def scalars(frames: Sequence[Frame]) -> list[str]:
    """The names of a frame's single numbers."""
    return [f.name for f in fields(Frame) if isinstance(getattr(frames[0], f.name), int | float)]


def history_rows(frames: Sequence[Frame]) -> list[dict[str, float | None]]:
    """A row an epoch; None for a number that is none."""
    names = scalars(frames)
    return [{name: _number(getattr(frame, name)) for name in names} for frame in frames]


def history_json(config: Config, frames: Sequence[Frame]) -> str:
    """Settings, and a row for each epoch that was kept."""
    return json.dumps({"config": asdict(config), "history": history_rows(frames)}, indent=1) + "\n"


def history_csv(frames: Sequence[Frame]) -> str:
    """A row for each epoch that was kept."""
    rows = history_rows(frames)
    return table(list(rows[0]), [["" if value is None else repr(value) for value in row.values()] for row in rows])


def _number(value: float) -> float | None:
    return value if isinstance(value, int) else float(value) if math.isfinite(value) else None


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
