"""Reports as other systems read them: each writer turns reports (the dicts of CONTRACT 3, one or a class) into a file's bytes.

A class's report has a further key, `report`, the place of its file; nothing that a student wrote is more than text in any format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dosegrade.registry import LazyRegistry

Table = Mapping[str, Any]
Writer = Callable[[Iterable[Table]], bytes]

WRITERS: LazyRegistry[Writer] = LazyRegistry(
    "report format",
    {name: f"{__name__}.tables:{name}" for name in ("gradescope", "csv", "junit")}
    | {"html": f"{__name__}.pages:html", "classroom": f"{__name__}.tables:classroom"},
)


def encoded(report: Table) -> bytes:
    """A report as JSON, on one line: with line breaks Python writes it ten times slower."""
    return json.dumps(report, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
